"""A NAFNet that is shown another estimate beside the blurred picture."""

import numpy as np
import pytest
import torch
from torch import Tensor

from detbench.nets.accelerate import fuse
from detbench.nets.guided_nafnet import GuidedNAFNet
from detbench.nets.layers import zero_outputs_
from detbench.nets.nafnet import NAFNet


@pytest.fixture
def net() -> GuidedNAFNet:
    """As it starts: what it adds of its own is not 0."""
    torch.manual_seed(0)
    return GuidedNAFNet().eval()


def pictures(height: int = 32, width: int = 48) -> tuple[Tensor, Tensor]:
    """A blurred picture and a guide that differs from it everywhere, (1, 3, H, W) each, in -1..1."""
    blurred, guide = np.random.default_rng(1).uniform(-1, 1, (2, 1, 3, height, width))
    return torch.from_numpy(blurred).float(), torch.from_numpy(guide).float()


@torch.inference_mode()
def test_where_it_trusts_wholly_the_guide_comes_out(net: GuidedNAFNet) -> None:
    """With nothing of its own, trust from 0 to 1 leads from the blurred picture to the guide, a half half way."""
    blurred, guide = pictures()
    zero_outputs_(net.leave)
    zero_outputs_(net.trust)
    for bias, share in ((-50.0, 0.0), (0.0, 0.5), (50.0, 1.0)):
        net.trust.bias.fill_(bias)
        expected = torch.lerp(blurred, guide, share)
        torch.testing.assert_close(net(torch.cat([blurred, guide], 1)), expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_trust_is_of_each_pixel(net: GuidedNAFNet) -> None:
    """It differs between the four pixels of a cell, and is the same for the three colours."""
    blurred, guide = pictures()
    zero_outputs_(net.leave)
    zero_outputs_(net.trust)
    net.trust.bias.copy_(torch.tensor([50.0, -50.0, -50.0, -50.0]))
    restored = net(torch.cat([blurred, guide], 1))
    torch.testing.assert_close(restored[..., ::2, ::2], guide[..., ::2, ::2], atol=1e-5, rtol=0)
    torch.testing.assert_close(restored[..., 1::2, :], blurred[..., 1::2, :], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_guide_that_changes_nothing_leaves_a_nafnet(net: GuidedNAFNet) -> None:
    """With the guide's bias at 0 it is the NAFNet whose weights it has."""
    blurred, _ = pictures()
    net.guide.bias.zero_()
    plain = NAFNet().eval()
    plain.load_state_dict({name: tensor for name, tensor in net.state_dict().items() if name in plain.state_dict()})
    torch.testing.assert_close(net(torch.cat([blurred, blurred], 1)), plain(blurred))


@torch.inference_mode()
def test_fused_it_is_the_same(net: GuidedNAFNet) -> None:
    """But for rounding, as every NAFNet."""
    both = torch.cat(pictures(), 1)
    torch.testing.assert_close(fuse(net, torch.float32)(both), net(both), atol=2e-4, rtol=1e-3)

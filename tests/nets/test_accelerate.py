"""Layers that processors compute faster: which are changed, and that results and names stay."""

from collections import Counter

import pytest
import torch
from torch import nn

from detbench.nets.accelerate import PreallocatedDenseBlock, accelerate
from detbench.nets.deblurgan import Generator, ResizeGenerator
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.fast_layers import FastInstanceNorm2d, PointwiseConv2d
from detbench.nets.nafnet import NAFNet
from detbench.nets.nah import MultiScaleNet
from detbench.nets.pix2pix import UNet
from detbench.nets.winograd import WinogradConv2d


@pytest.mark.parametrize(
    ("make", "side", "winograd", "pointwise", "norms", "dense"),
    [
        (Generator, 16, 18, 0, 23, 0),
        (ResizeGenerator, 16, 20, 0, 23, 0),
        (UNet, 256, 0, 0, 13, 0),
        (DenseGenerator, 12, 8, 11, 21, 1),
        (MultiScaleNet, 16, 114, 0, 0, 0),
        (NAFNet, 32, 0, 113, 0, 0),
    ],
)
def test_a_network_stays_what_it_is(
    make: type[nn.Module], side: int, winograd: int, pointwise: int, norms: int, dense: int
) -> None:
    """So many layers change class, no parameter or name does; pictures agree to 1e-4 of the largest value."""
    torch.manual_seed(0)
    plain, fast = make().eval(), make().eval()
    fast.load_state_dict(plain.state_dict())
    assert list(accelerate(fast).state_dict()) == list(plain.state_dict())
    count = Counter(type(module) for module in fast.modules())
    kinds = (WinogradConv2d, PointwiseConv2d, FastInstanceNorm2d, PreallocatedDenseBlock)
    assert [count[kind] for kind in kinds] == [winograd, pointwise, norms, dense]
    blurred = torch.rand(2, 3, side, side) * 2 - 1
    with torch.inference_mode():
        expected, restored = finest(plain(blurred)), finest(fast(blurred))
    torch.testing.assert_close(restored, expected, atol=1e-4 * float(expected.abs().max()), rtol=0)


def finest(output: torch.Tensor | list[torch.Tensor]) -> torch.Tensor:
    """The restored pictures of a network of one or several scales."""
    return output[0] if isinstance(output, list) else output


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 256, 3, padding=1),
        nn.Conv2d(64, 63, 5, padding=2),
        nn.Conv2d(64, 64, 3, padding=1, stride=2),
        nn.Conv2d(64, 64, 3, padding=2, dilation=2),
        nn.Conv2d(64, 64, 3, padding=1, groups=64),
        nn.Conv2d(64, 64, 3),
        nn.Conv2d(64, 64, 7, padding=3),
        nn.Conv2d(64, 64, 5, padding=2, bias=False),
        nn.Conv2d(64, 64, 1, stride=2),
        nn.ConvTranspose2d(64, 64, 3, padding=1),
        nn.InstanceNorm2d(64, affine=True),
    ],
)
def test_other_layers_stay_torchs(layer: nn.Module) -> None:
    """Convolutions that are thin, strided, dilated, grouped, larger, unpadded or without a bias; norms with weights."""
    kind = type(layer)
    assert type(accelerate(nn.Sequential(layer))[0]) is kind

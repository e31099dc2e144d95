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


@pytest.mark.parametrize("bias", [True, False])
def test_a_pointwise_convolution_is_torchs(bias: bool) -> None:
    """It has the names and values of an nn.Conv2d with kernel 1, its result, and the memory format channels_last."""
    layer, torchs = PointwiseConv2d(6, 4, 1, bias=bias), nn.Conv2d(6, 4, 1, bias=bias)
    torchs.load_state_dict(layer.state_dict())
    features = torch.randn(2, 6, 5, 7).to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(features), torchs(features), atol=1e-6, rtol=1e-5)
    assert layer(features).is_contiguous(memory_format=torch.channels_last)


def test_the_fast_instance_norm_is_torchs() -> None:
    """It is nn.InstanceNorm2d to 1e-5, with a gradient or without, and keeps channels_last."""
    features = (torch.randn(2, 8, 9, 7) * 3 + 2).to(memory_format=torch.channels_last)
    fast, torchs = FastInstanceNorm2d(8), nn.InstanceNorm2d(8)
    gradients = []
    for norm in (fast, torchs):
        wanted = features.clone().requires_grad_()
        (norm(wanted) ** 3).sum().backward()
        gradients.append(wanted.grad)
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)
    with_gradient = fast(features.clone().requires_grad_())
    with torch.inference_mode():
        for normed in (fast(features), with_gradient):
            torch.testing.assert_close(normed, torchs(features), atol=1e-5, rtol=0)
            assert normed.is_contiguous(memory_format=torch.channels_last)

import warnings
from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets import winograd
from detbench.nets.winograd import WinogradConv2d, conv


def parts(height: int, width: int, side: int = 3) -> list[Tensor]:
    """Two pictures with a border, channels_last, weights `side` wide and biases, all wanting a gradient."""
    generator = torch.Generator().manual_seed(1)
    shapes = ((2, 8, height + side - 1, width + side - 1), (5, 8, side, side), (5,))
    made = [torch.randn(shape, generator=generator) for shape in shapes]
    made[0] = made[0].to(memory_format=torch.channels_last)
    return [part.requires_grad_() for part in made]


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12), (5, 4), (13, 7), (1, 2)])
def test_it_equals_the_direct_convolution(height: int, width: int, side: int) -> None:
    """Values and all three gradients equal torch's direct ones to 1e-4, also where no whole number of tiles fits."""
    results = []
    for convolve in (F.conv2d, conv):
        own = parts(height, width, side)
        convolved = convolve(*own)
        (convolved**2).sum().backward()
        results.append((convolved.detach(), *(part.grad for part in own)))
    for direct, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, direct, atol=1e-4 * direct.abs().max().item(), rtol=0)


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("points", [1, 400, 100_000])
def test_bands_change_nothing(points: int, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a gradient the result is the same, however much is computed together."""
    monkeypatch.setattr(winograd, "BAND_POINTS", points)
    bordered, weight, bias = parts(13, 18, side)
    with torch.inference_mode():
        banded = conv(bordered, weight, bias)
    torch.testing.assert_close(banded, conv(bordered, weight, bias).detach(), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(("side", "padding_mode"), [(3, "reflect"), (5, "zeros")])
def test_the_layer_is_torchs(side: int, padding_mode: Literal["reflect", "zeros"]) -> None:
    """It has the names and values of an nn.Conv2d padded alike, its result, and the memory format channels_last."""
    layer = WinogradConv2d(6, 4, side, padding=side // 2, padding_mode=padding_mode)
    torchs = nn.Conv2d(6, 4, side, padding=side // 2, padding_mode=padding_mode)
    torchs.load_state_dict(layer.state_dict())
    features = torch.randn(1, 6, 9, 10).to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(features), torchs(features), atol=1e-4, rtol=0)
    assert layer(features).stride(1) == 1


def test_what_is_recorded_are_torchs_layers() -> None:
    """A traced graph and an exported one hold the convolution itself, whatever is faster where they are made."""
    layer, features = WinogradConv2d(4, 4, 3, padding=1, padding_mode="reflect").eval(), torch.randn(1, 4, 8, 8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(layer, features)
        exported = torch.export.export(layer, (features,))
    assert "aten::_convolution" in str(traced.inlined_graph)
    assert not any("bmm" in str(graph) for graph in (traced.inlined_graph, exported.graph))
    torch.testing.assert_close(traced(features), layer(features), atol=1e-5, rtol=0)


def test_other_arithmetic_is_left_to_torch() -> None:
    """In double precision and under autocast the layer is torch's own to the last bit."""
    layer = WinogradConv2d(4, 4, 3, padding=1, padding_mode="reflect")
    torchs = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
    torchs.load_state_dict(layer.state_dict())
    features = torch.randn(1, 4, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(features), torchs(features))
    assert torch.equal(layer.double()(features.double()), torchs.double()(features.double()))

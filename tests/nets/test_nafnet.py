"""NAFNet at half resolution, and its fused form."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.nets.accelerate import FusedBlock, fuse
from detbench.nets.nafnet import Block, LayerNorm2d, NAFNet, gate, window_means


@pytest.fixture(scope="module")
def net() -> NAFNet:
    """In eval mode, no weight of it 0; numpy drew them, whose numbers stay the same. Tests leave it as it is."""
    net, draws = NAFNet(), np.random.default_rng(0)
    with torch.no_grad():
        for name, parameter in sorted(net.named_parameters()):
            spread = parameter[0].numel() ** -0.5 if parameter.ndim == 4 else 0.1
            drawn = torch.from_numpy(draws.standard_normal(parameter.shape) * spread)
            parameter.copy_(drawn + 1 if name.endswith("norm.weight") else drawn)
    return net.eval().to(memory_format=torch.channels_last)


def pictures(height: int, width: int) -> Tensor:
    """One random picture in -1..1, the same on every call, shape (1, 3, H, W)."""
    return torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (1, 3, height, width))).float()


def test_it_gives_the_numbers_of_its_first_implementation(net: NAFNet) -> None:
    """The change of nine pixels, its mean size and the picture's mean are those of the code that trained it first."""
    blurred = pictures(32, 48)
    with torch.inference_mode():
        restored = net(blurred)
    nine = (restored - blurred)[0, :, 5:8, 7].flatten().tolist()
    expected = [-2.29793, -0.9556, 1.62308, 0.65202, 0.37701, -1.63519, 0.7965, 1.08897, -3.09969]
    assert nine == pytest.approx(expected, abs=2e-5)
    assert restored.mean().item() == pytest.approx(-0.023269, abs=1e-5)
    assert (restored - blurred).abs().mean().item() == pytest.approx(1.057589, abs=1e-5)


def test_a_block_starts_as_the_identity() -> None:
    """Both residuals are scaled by 0 at first, and both scales learn."""
    block, features = Block(32), torch.randn(1, 32, 8, 16)
    assert torch.equal(block(features), features)
    block(features).square().sum().backward()
    assert all(part.scale.grad.any() for part in (block.spatial, block.channel))


def test_the_norm_is_of_each_pixels_channels() -> None:
    """A pixel's channels have mean 0 and variance 1, whatever its neighbours are, before weight and bias."""
    norm, features = LayerNorm2d(16), torch.randn(2, 16, 3, 4) * 5 + 2
    normed = norm(features)
    torch.testing.assert_close(normed.mean(1), torch.zeros(2, 3, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed.var(1, correction=0), torch.ones(2, 3, 4), atol=1e-4, rtol=0)
    nn.init.constant_(norm.weight, 2)
    nn.init.constant_(norm.bias, 3)
    torch.testing.assert_close(norm(features), 2 * normed + 3)


def test_the_gate_multiplies_halves() -> None:
    """The first half of the channels times the second."""
    assert gate(torch.tensor([2.0, 3, 5, 7])[None, :, None, None]).flatten().tolist() == [10, 21]


def test_attention_averages_over_windows() -> None:
    """Each cell's window has nine cells a side, those of cells at the border lie within the picture; a picture that is
    no larger has one mean.
    """
    cells = torch.randn(2, 4, 12, 20)
    means = window_means(cells)
    assert means.shape == cells.shape
    torch.testing.assert_close(means[..., 6, 10], cells[..., 2:11, 6:15].mean((2, 3)))
    torch.testing.assert_close(means[..., 0, 19], cells[..., :9, 11:].mean((2, 3)))
    short = window_means(cells[:, :, :8])
    torch.testing.assert_close(short[..., 3, 0], cells[:, :, :8, :9].mean((2, 3)))
    torch.testing.assert_close(short[..., 0, :], short[..., 7, :])
    torch.testing.assert_close(window_means(cells[:, :, :9, :9]), cells[:, :, :9, :9].mean((2, 3), keepdim=True))


def test_attention_weighs_small_pictures_as_a_whole(net: NAFNet) -> None:
    """Up to 144 px a side one mean weighs all pixels, as in training; of a longer side each pixel has its own weights.

    A batch has attention of its own for each picture.
    """
    part = net.encoder[1][0].spatial
    with torch.inference_mode():
        assert part.attended(torch.randn(1, 64, 36, 36)).shape == (1, 64, 1, 1)
        weights = part.attended(torch.randn(1, 64, 36, 40))
        assert weights.shape == (1, 64, 36, 40)
        assert weights.std(3).min() > 0
        pair = torch.cat([pictures(32, 160), pictures(32, 160).flip(3)])
        torch.testing.assert_close(net(pair), torch.cat([net(pair[:1]), net(pair[1:])]), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 80), (160, 32)])
def test_the_fused_network_is_the_same(net: NAFNet, height: int, width: int) -> None:
    """Within 1e-5 of the largest change, from either memory format; the network that it was made from is untouched."""
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    fast, blurred = fuse(net, torch.float32), pictures(height, width)
    assert sum(isinstance(module, FusedBlock) for module in fast.modules()) == 22
    with torch.inference_mode():
        expected = net(blurred)
        bound = 1e-5 * (expected - blurred).abs().max().item()
        for laid_out in (blurred, blurred.contiguous(memory_format=torch.channels_last)):
            kept = laid_out.clone()
            torch.testing.assert_close(fast(laid_out), expected, atol=bound, rtol=0)
            assert torch.equal(laid_out, kept)
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


def test_the_fused_network_under_autocast(net: NAFNet) -> None:
    """In bfloat16 it is as near to single precision as the network itself is."""
    fast, blurred = fuse(net, torch.bfloat16), pictures(64, 64)
    with torch.inference_mode():
        expected = net(blurred)
        with torch.autocast("cpu", torch.bfloat16):
            errors = [(some(blurred) - expected).abs().mean().item() for some in (net, fast)]
    assert 0 < errors[1] < 1.2 * errors[0]


def test_without_onednn_it_is_left_as_it_is(net: NAFNet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that lacks the operations has the plain network."""
    monkeypatch.setattr("detbench.nets.accelerate._OPERATIONS", ("_no_such_operation",))
    with torch.inference_mode():
        assert torch.equal(fuse(net, torch.float32)(pictures(16, 32)), net(pictures(16, 32)))


def test_it_can_be_exported(net: NAFNet) -> None:
    """An exported program for sides that are multiples of 16 and longer than a window gives the same pictures."""
    sides = [16 * torch.export.Dim(name, min=10, max=64) for name in ("rows", "columns")]
    program = torch.export.export(net, (pictures(160, 176),), dynamic_shapes=({2: sides[0], 3: sides[1]},))
    with torch.inference_mode():
        torch.testing.assert_close(program.module()(pictures(192, 160)), net(pictures(192, 160)), atol=1e-4, rtol=0)

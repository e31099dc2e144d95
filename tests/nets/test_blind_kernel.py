import pytest
import torch
from torch import Tensor

from detbench.deconvolution.filters import wiener
from detbench.deconvolution.kernel_cleaning import least_squares
from detbench.deconvolution.spectra import gradients, grey, lay_out
from detbench.nets.blind_kernel import LEAST_PX, RADIUS, SCALES, BlindKernel, shrunk, without_specks


@pytest.fixture
def net() -> BlindKernel:
    """The network before any training."""
    torch.manual_seed(0)
    return BlindKernel().eval()


def blocks(height: int, width: int, seed: int = 0) -> Tensor:
    """A grey picture (1, 1, H, W) of random blocks of 4 px."""
    coarse = torch.rand(1, 1, height // 4, width // 4, generator=torch.Generator().manual_seed(seed))
    return coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)


def test_size(net: BlindKernel) -> None:
    """It has 280,939 parameters."""
    assert sum(parameter.numel() for parameter in net.parameters()) == 280_939


@torch.no_grad()
def test_it_begins_as_least_squares(net: BlindKernel) -> None:
    """Untrained it is the classical pipeline: each round believes the last guess's own gradients, all of them alike.

    Their kernel is that of least squares, the next guess what Wiener's filter makes with it, and the last kernel that
    of the finest scale, untouched.
    """
    blurred = blocks(96, 128)
    kernel, guesses = net.rounds(blurred)
    assert [guess.shrink for guess in guesses] == [4, 2, 1, 1]
    coarse = shrunk(blurred, 4)
    torch.testing.assert_close(guesses[0].edges, gradients(coarse))
    trust = torch.sigmoid(torch.full_like(coarse, 2))
    found = least_squares(gradients(coarse), gradients(coarse), trust, net.log_damping[0].exp(), RADIUS // 4)
    torch.testing.assert_close(guesses[0].kernel, without_specks(found, torch.sigmoid(net.logit_speck[0])))
    sharper = wiener(lay_out(blurred, guesses[2].kernel), net.log_balance[2].exp()).clamp(-0.2, 1.2)
    torch.testing.assert_close(guesses[3].edges, gradients(sharper))
    torch.testing.assert_close(kernel, guesses[3].kernel)


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(LEAST_PX, LEAST_PX), (68, 132), (212, 100)])
def test_any_multiple_of_four(height: int, width: int, net: BlindKernel) -> None:
    """From 68 px on, pictures of any such sides have kernels of 65 x 65 without negative weights, whose sum is 1."""
    kernel, guesses = net.rounds(blocks(height, width))
    sides = [2 * (RADIUS // scale.shrink) + 1 for scale in SCALES for _ in range(scale.rounds)]
    assert [guess.kernel.shape for guess in guesses] == [(1, side, side) for side in sides]
    assert kernel.shape == (1, 65, 65)
    assert kernel.min() >= 0
    assert kernel.sum().item() == pytest.approx(1, abs=1e-5)


@torch.no_grad()
def test_the_same_again_and_together(net: BlindKernel) -> None:
    """A picture has the same kernel to the last bit each time, and nearly so beside another in a batch."""
    one, other = blocks(96, 96, 1), blocks(96, 96, 2)
    kernels = net(torch.cat([one, other]))
    assert torch.equal(net(one), net(one))
    torch.testing.assert_close(kernels, torch.cat([net(one), net(other)]), atol=1e-5, rtol=1e-3)


def test_grey_is_weighed() -> None:
    """Red, green and blue count .299, .587 and .114; grey stays grey."""
    colours = torch.eye(3)[:, :, None, None]
    assert grey(colours).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    assert grey(torch.full((1, 3, 2, 2), 0.25)).flatten().tolist() == pytest.approx([0.25] * 4)

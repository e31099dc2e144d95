import pytest
import torch

from detbench.deconvolution.filters import continued, richardson_lucy, wiener
from detbench.deconvolution.spectra import lay_out


def picture(seed: int = 0) -> torch.Tensor:
    """Random blocks of 3 px in three colours, (1, 3, 24, 30)."""
    coarse = torch.rand(1, 3, 8, 10, generator=torch.Generator().manual_seed(seed))
    return coarse.repeat_interleave(3, 2).repeat_interleave(3, 3)


def lopsided() -> torch.Tensor:
    """A kernel (1, 5, 5) without any symmetry."""
    kernel = torch.zeros(1, 5, 5)
    kernel[0, 0, 1], kernel[0, 2, 2], kernel[0, 3, 4] = 0.2, 0.5, 0.3
    return kernel


@pytest.mark.parametrize("balance", [1e-4, 0.004, 1.0])
def test_wiener_leaves_alone_what_nothing_blurred(balance: float) -> None:
    """A kernel of one point gives the picture back at any balance, to a part in five thousand."""
    restored = wiener(lay_out(picture(), torch.ones(1, 1, 1)), balance)
    torch.testing.assert_close(restored, picture(), atol=2e-4, rtol=0)


def test_wiener_undoes_a_blur_without_noise() -> None:
    """With next to no balance the sharp picture comes back where the whole canvas is the blur of one."""
    canvas = lay_out(picture(), lopsided())
    sharp = canvas.light.clone()
    canvas.light.copy_(canvas.blurred(sharp))
    torch.testing.assert_close(wiener(canvas, 1e-6), canvas.cropped(sharp), atol=0.02, rtol=0)


def test_a_picture_is_restored_alike_alone_and_in_a_batch() -> None:
    """Two pictures with two kernels and two balances have the results that each has on its own."""
    pictures = torch.cat([picture(0), picture(1)])
    kernels = torch.cat([lopsided(), lopsided().flip(1)])
    balances = torch.tensor([0.01, 0.1])[:, None, None, None]
    both = wiener(lay_out(pictures, kernels), balances)
    for place, balance in enumerate((0.01, 0.1)):
        one = slice(place, place + 1)
        torch.testing.assert_close(both[one], wiener(lay_out(pictures[one], kernels[one]), balance))


def test_richardson_lucy_goes_no_lower_than_its_floor() -> None:
    """It starts at the blurred picture, raised to the floor, and black stays there however often it is repeated."""
    dark = picture().clone()
    dark[..., :12, :] = 0
    canvas = lay_out(dark, lopsided())
    torch.testing.assert_close(richardson_lucy(canvas, 0, 0.01), dark.clamp(min=0.01))
    assert richardson_lucy(canvas, 10, 0.01).min().item() == pytest.approx(0.01)


def test_richardson_lucy_holds_where_the_picture_is_explained() -> None:
    """A picture of one colour is its own blur, and is left alone."""
    flat = torch.full((1, 3, 9, 14), 0.3)
    torch.testing.assert_close(richardson_lucy(lay_out(flat, lopsided()), 20, 0.001), flat)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (24, 30)])
def test_continuing_leaves_the_picture_itself_alone(size: tuple[int, int]) -> None:
    """Whatever is guessed beyond the borders, inside stands what was seen, to the last bit, and all of it is finite."""
    blurred = picture()[..., : size[0], : size[1]]
    canvas = continued(blurred, lopsided())
    assert torch.equal(canvas.cropped(canvas.light), blurred)
    assert torch.isfinite(canvas.light).all()

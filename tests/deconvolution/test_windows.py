"""Kernels in windows and the picture by them, with the shipped network, on half blurred streets."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.noise import add_noise
from detbench.core.images import read_image
from detbench.core.paths import shipped
from detbench.deconvolution.estimation import Guess, estimate
from detbench.deconvolution.kernel_cleaning import point
from detbench.deconvolution.windows import KernelGrid, as_array, kernel_grid, one_window, restored
from detbench.types import Image, Kernel

STREETS = Path(shipped("datasets")) / "streets" / "images"
NAME = "test-016-0.jpg"
NOISE = 0.5


def path(end: complex) -> Kernel:
    """An even movement from 0 to `end`."""
    return kernel_from_path(np.linspace(0, end, 2000), "gamma")


def halves(left: Kernel, right: Kernel) -> tuple[Image, Image]:
    """A street, and the same with its halves blurred by two kernels."""
    sharp = np.ascontiguousarray(read_image(STREETS / NAME)[60:420])
    middle = sharp.shape[1] // 2
    both = np.concatenate([convolve(sharp, left)[:, :middle], convolve(sharp, right)[:, middle:]], 1)
    return sharp, add_noise(both, NOISE, np.random.default_rng(0))


def light(picture: Image) -> Tensor:
    """(H, W, 3) of grey levels to (1, 3, H, W) of 0..1."""
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()


def psnr_db(picture: Tensor, sharp: Tensor) -> float:
    """Peak signal-to-noise ratio with a peak of 1."""
    return float(-10 * (picture.clamp(0, 1) - sharp).square().mean().log10())


@torch.inference_mode()
def by_windows(picture: Image, guess: Guess, known: slice = slice(None)) -> tuple[Tensor, Tensor, KernelGrid]:
    """A picture restored by the kernel found in the `known` columns, by windows, and their grid."""
    seen = light(picture)
    grey = seen.mean(1, keepdim=True)
    whole = estimate(grey[..., known].contiguous(), guess)
    assert whole is not None
    grid = kernel_grid(grey, whole, guess)
    return restored(seen, one_window(seen, whole), NOISE), restored(seen, grid, NOISE), grid


def test_two_kernels_gain_more_than_one(guess: Guess) -> None:
    """Halves blurred by lines of 8 and 17 px gain over 1 dB more by windows than by the whole picture's kernel."""
    sharp, picture = halves(path(8), path(17))
    uniform, varying, grid = by_windows(picture, guess)
    assert len(grid.rows) > 1
    assert len(grid.columns) > 2
    assert (
        psnr_db(varying, light(sharp)) > max(psnr_db(uniform, light(sharp)), psnr_db(light(picture), light(sharp))) + 1
    )


def test_what_stood_still_keeps_its_pixels(guess: Guess) -> None:
    """Away from the seam a half that was not blurred comes back to within a grey level; the other one gains."""
    sharp, picture = halves(path(13), Kernel.none("gamma"))
    seen, middle = light(picture), picture.shape[1] // 2
    _, varying, _ = by_windows(picture, guess, slice(0, middle))
    assert float((varying - seen)[..., middle + 130 :].abs().max()) < 1 / 255
    left = (..., slice(0, middle - 60))
    assert psnr_db(varying[left], light(sharp)[left]) > psnr_db(seen[left], light(sharp)[left]) + 1


def test_one_blur_has_one_window(guess: Guess) -> None:
    """Where the blur is the same all over, the whole picture's kernel stays, and the picture is that of `uniform`."""
    _, picture = halves(path(13), path(13))
    uniform, varying, grid = by_windows(picture, guess)
    assert (len(grid.rows), len(grid.columns)) == (1, 1)
    torch.testing.assert_close(uniform, varying, rtol=0, atol=0)


def test_the_same_picture_has_the_same_kernels(guess: Guess) -> None:
    """Asked twice, the grids are equal to the last bit."""
    _, picture = halves(path(8), path(17))
    (_, first, one), (_, second, other) = by_windows(picture, guess), by_windows(picture, guess)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    kernels, again = as_array(one), as_array(other)
    assert kernels is not None
    assert again is not None
    np.testing.assert_array_equal(kernels, again)


@pytest.mark.parametrize("size", [(100, 130), (243, 241), (97, 511), (700, 900)])
def test_any_size(size: tuple[int, int], guess: Guess) -> None:
    """Windows cover pictures of any size, shrunk ones too, and the restored picture is as large."""
    seen = torch.from_numpy(np.random.default_rng(5).random((1, 3, *size), np.float32))
    with torch.inference_mode():
        grid = kernel_grid(seen[:, :1], torch.full((1, 3, 3), 1 / 9), guess)
        assert restored(seen, grid, NOISE).shape == seen.shape
    assert (grid.rows[-1].stop, grid.columns[-1].stop) == size


def test_windows_without_blur_are_blended_to_the_picture_itself() -> None:
    """The weights of overlapping windows sum to 1: pixels that are kept are kept everywhere."""
    seen = torch.rand(1, 3, 90, 70, generator=torch.Generator().manual_seed(0))
    spans = (slice(0, 40), slice(25, 65), slice(50, 90)), (slice(0, 40), slice(30, 70))
    grid = KernelGrid(*spans, ((None, None),) * 3)
    torch.testing.assert_close(restored(seen, grid, NOISE), seen)
    assert as_array(grid) is None


def test_kernels_are_shown_as_a_grid() -> None:
    """Kernels of several sizes become an array (rows, columns, K, K); one of no blur is a point; each sums to 1."""
    grid = KernelGrid(
        (slice(0, 9),),
        (slice(0, 9), slice(4, 13), slice(8, 17)),
        ((None, point(3, torch.device("cpu")), torch.full((1, 3, 3), 1 / 9)),),
    )
    kernels = as_array(grid)
    assert kernels is not None
    assert kernels.shape == (1, 3, 7, 7)
    np.testing.assert_allclose(kernels.sum((2, 3)), 1)
    assert kernels[0, 0, 3, 3] == 1

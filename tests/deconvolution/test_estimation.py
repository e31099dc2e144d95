"""Kernels of textured pictures, asked for with the guess of the shipped network; on crops, which are quicker."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.noise import add_noise
from detbench.core.images import read_image
from detbench.core.paths import shipped
from detbench.deconvolution.estimation import Guess, estimate
from detbench.deconvolution.kernel_cleaning import centroids, point, spread
from detbench.metrics.kernel_similarity import kernel_similarity
from detbench.types import BlurEstimate, Image, Kernel

STREETS = Path(shipped("datasets")) / "streets" / "images"


def line(length_px: float) -> Kernel:
    """An even movement to the right."""
    return kernel_from_path(np.linspace(0, length_px, 2000).astype(complex), "gamma")


def crop(name: str, height: int, width: int) -> Image:
    """The middle of a shipped street."""
    street = read_image(STREETS / name)
    top, left = (street.shape[0] - height) // 2, (street.shape[1] - width) // 2
    return np.ascontiguousarray(street[top : top + height, left : left + width])


def grey(levels: np.ndarray) -> Tensor:
    """A picture (H, W, 3) of grey levels as a grey one (1, 1, H, W) of 0..1."""
    return torch.from_numpy((levels.mean(2) / 255).astype(np.float32))[None, None]


def seen(sharp: Image, kernel: Kernel) -> Tensor:
    """The grey picture of a blurred one with noise of half a grey level."""
    return grey(add_noise(convolve(sharp, kernel), 0.5, np.random.default_rng(0)))


def similarity(true: Kernel, found: Tensor | None) -> float:
    """Kernel similarity, without the negative weights that moving by fractions of a pixel leaves."""
    assert found is not None
    weights = found.double().clamp(min=0).numpy()
    return kernel_similarity(true, BlurEstimate(weights[None] / weights.sum(), "gamma"))


def tiles(height: int, width: int) -> Image:
    """Random tiles of 4 px, as sharp as pixels can be."""
    coarse = np.random.default_rng(1).integers(30, 220, (height // 4, width // 4, 3), dtype=np.uint8)
    return coarse.repeat(4, 0).repeat(4, 1)


@torch.inference_mode()
def test_no_blur_is_found_where_none_is(guess: Guess) -> None:
    """Tiles that nothing blurred have no kernel: no blur explains them best."""
    assert estimate(grey(tiles(120, 160)), guess) is None


@torch.inference_mode()
def test_a_kernel_is_found(guess: Guess) -> None:
    """A line of 12 px is found with a similarity above .9; the kernel is odd, sums to 1, and is centred."""
    found = estimate(seen(crop("test-000-3.jpg", 240, 280), line(12)), guess)
    assert similarity(line(12), found) > 0.9
    assert found is not None
    assert found.shape[1] == found.shape[2]
    assert found.shape[1] % 2 == 1
    assert found.sum().item() == pytest.approx(1, abs=1e-3)
    assert torch.cat(centroids(found)).abs().max() < 0.5


@torch.inference_mode()
def test_the_kernel_is_that_of_the_full_size(guess: Guess) -> None:
    """In 1000 x 800 pixels, more than kernels are sought in, the kernel is as long as the blur there."""
    enlarged = cv2.resize(read_image(STREETS / "test-000-3.jpg"), (1000, 800), interpolation=cv2.INTER_CUBIC)
    found = estimate(seen(enlarged, line(24)), guess)
    assert similarity(line(24), found) > 0.75  # enlarging blurred the street too
    assert found is not None
    assert spread(found.clamp(min=0)).item() == pytest.approx(24 / 12**0.5, rel=0.15)


@torch.inference_mode()
def test_the_same_kernel_again(guess: Guess) -> None:
    """A picture has the same kernel each time, to the last bit."""
    picture = seen(crop("test-000-3.jpg", 160, 200), line(12))
    first, second = estimate(picture, guess), estimate(picture, guess)
    assert first is not None
    assert second is not None
    assert torch.equal(first, second)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (47, 60)])
def test_small_pictures_are_not_asked_about(size: tuple[int, int]) -> None:
    """Pictures too small for a kernel have none, and the guess is never asked, however long the other side is."""
    assert estimate(torch.rand(1, 1, *size), lambda view: pytest.fail(f"asked about {view.shape}")) is None


def test_flat_pictures_are_not_asked_about() -> None:
    """A picture of one level shows no blur, at full size or shrunk."""
    for size in ((100, 120), (700, 900)):
        assert estimate(torch.full((1, 1, *size), 0.3), lambda view: pytest.fail(f"asked about {view.shape}")) is None


def test_the_guess_sees_what_the_network_takes() -> None:
    """Whatever the picture's size, a view's sides are multiples of 4 and 640 px at most."""
    shapes = []

    def no_blur(view: Tensor) -> Tensor:
        shapes.append(view.shape[-2:])
        return point(32, view.device)

    for size in ((99, 131), (300, 1310)):
        estimate(torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0)), no_blur)
    assert shapes[0] == (96, 128)
    assert {side % 4 for shape in shapes for side in shape} == {0}
    assert max(side for shape in shapes for side in shape) == 640

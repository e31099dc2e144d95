import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.metrics.blur_effect import blur_effect
from detbench.types import Image


def grey(values: NDArray[np.integer]) -> Image:
    """A picture whose three channels are alike."""
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=2)


def columns(values: NDArray[np.integer], height: int = 40) -> Image:
    """A picture whose rows are alike."""
    return grey(np.broadcast_to(values, (height, len(values))))


def tiles(seed: int) -> Image:
    """Flat squares of eight pixels, of independent greys."""
    levels = np.random.default_rng(seed).integers(60, 200, (12, 16))
    return grey(np.kron(levels, np.ones((8, 8), np.int64)))


def stated(image: Image) -> float:
    """The definition, pixel by pixel in double precision, for a picture whose channels are alike."""

    def share(values: NDArray[np.float64]) -> float:
        means = np.mean([values[shift : len(values) - 8 + shift] for shift in range(9)], axis=0)
        edges, left = (np.abs(np.diff(each, axis=0)) for each in (values[4:-4], means))
        return float(1 - np.maximum(0, edges - left).sum() / edges.sum())

    values = image[..., 0].astype(np.float64)
    return max(share(values), share(values.T))


@pytest.mark.parametrize("height", [1, 40])
def test_a_step_keeps_a_ninth(height: int) -> None:
    """Of a step between two flat areas, a mean over nine pixels leaves a ninth in its place."""
    assert blur_effect(columns(np.repeat([20, 220], 30), height)) == pytest.approx(1 / 9, abs=1e-6)


def test_a_ramp_is_blurred_already() -> None:
    """A mean over neighbours does not change a ramp: the value is 1."""
    assert blur_effect(columns(np.arange(0, 240, 4))) == pytest.approx(1, abs=1e-6)


def test_the_blurred_direction_decides() -> None:
    """Steps from row to row do not hide a ramp from column to column: the larger of both directions counts."""
    ramp, steps = np.arange(0, 120, 2), np.repeat([0, 100], 30)
    assert blur_effect(grey(steps[:, None] + ramp)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_definition(seed: int) -> None:
    """Textured pictures give what the definition gives in double precision, to 1e-5."""
    assert blur_effect(tiles(seed)) == pytest.approx(stated(tiles(seed)), rel=0, abs=1e-5)


def test_contrast_does_not_count() -> None:
    """Half the contrast is the same blur, whereas the variance of the Laplacian would be a quarter."""
    sharp = tiles(5)
    dim = (sharp // 2 * 2 - 60) // 2 + 60
    assert blur_effect(dim) == pytest.approx(blur_effect(sharp), abs=0.01)


def test_more_blur_is_more() -> None:
    """The stronger a picture is blurred, the larger the value, in 0..1."""
    values = [blur_effect(cv2.GaussianBlur(tiles(6), (0, 0), sigma)) or 0.0 for sigma in (0.3, 1, 2, 4)]
    assert values == sorted(values)
    assert 0 < values[0] < 0.35 < 0.7 < values[-1] < 1


@pytest.mark.parametrize("image", [columns(np.full(30, 90)), grey(np.arange(81).reshape(9, 9))])
def test_it_is_undefined_without_edges(image: Image) -> None:
    """A flat picture, and one too small for nine pixels and a neighbour, have no value."""
    assert blur_effect(image) is None

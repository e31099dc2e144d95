from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from detbench.deblurrers.tiling import FloatImage, restore_tiled
from detbench.types import Image


def random_picture(height: int, width: int) -> Image:
    """Noise, uint8, shape (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def box_blur(image: Image) -> FloatImage:
    """Average over 9x9 pixels, reflecting at the borders: a function that looks 4 pixels far."""
    return np.asarray(uniform_filter(image.astype(np.float32), (9, 9, 1), mode="mirror"))


def recorded(restore: Callable[[Image], FloatImage], shapes: list[tuple[int, ...]]) -> Callable[[Image], FloatImage]:
    """Wrap a function: the same, noting the shape of each tile."""

    def record(image: Image) -> FloatImage:
        shapes.append(image.shape)
        return restore(image)

    return record


@pytest.mark.parametrize(("height", "width"), [(100, 76), (64, 204), (300, 8), (8, 300)])
def test_tiles_of_a_local_function_show_no_seam(height: int, width: int) -> None:
    """A function that looks no further than a quarter of the overlap gives the same in tiles as in one piece."""
    image, shapes = random_picture(height, width), list[tuple[int, ...]]()
    tiled = restore_tiled(image, recorded(box_blur, shapes), max_pixels=48 * 48, overlap=16, multiple=4)
    assert len(shapes) > 1
    np.testing.assert_allclose(tiled, box_blur(image), atol=1e-3)


def test_tiles_keep_to_budget_and_multiple() -> None:
    """No tile has more pixels than allowed, and all sides divide by the multiple, whatever the picture's."""
    for height, width in [(101, 77), (301, 9), (3, 999), (64, 64)]:
        shapes: list[tuple[int, ...]] = []
        image = random_picture(height, width)
        assert restore_tiled(image, recorded(box_blur, shapes), 40 * 40, 16, 4).shape == image.shape
        assert all(rows * columns <= 40 * 40 and rows % 4 == columns % 4 == 0 for rows, columns, _ in shapes)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 37), (2, 3), (33, 48), (48, 48)])
def test_a_picture_under_budget_is_restored_at_once(height: int, width: int) -> None:
    """Up to the budget there is one call, with the picture extended to the multiple."""
    image, shapes = random_picture(height, width), list[tuple[int, ...]]()
    restored = restore_tiled(image, recorded(lambda tile: tile.astype(np.float32), shapes), 48 * 48, 16, 4)
    assert shapes == [(height + -height % 4, width + -width % 4, 3)]
    np.testing.assert_array_equal(restored, image)


def test_neighbours_fade_into_each_other() -> None:
    """Where two tiles disagree by a constant, no step between neighbouring pixels is larger than the fade's slope."""
    levels = iter((0.0, 1.0))
    tiled = restore_tiled(
        np.zeros((8, 60, 3), np.uint8),
        lambda tile: np.full(tile.shape, next(levels), np.float32),
        max_pixels=8 * 40,
        overlap=16,
        multiple=4,
    )
    assert tiled[0, 0, 0] == 0
    assert tiled[0, -1, 0] == 1
    assert np.abs(np.diff(tiled[..., 0], axis=1)).max() <= 1 / 8 + 1e-6


def test_a_budget_too_small_for_the_overlap_is_refused() -> None:
    """Tiles that would be all overlap are a mistake of the caller."""
    with pytest.raises(ValueError, match="cannot overlap by 16 px"):
        restore_tiled(random_picture(100, 100), box_blur, 24 * 24, 16, 4)

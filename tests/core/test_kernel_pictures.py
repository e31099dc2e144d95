import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.core.kernel_pictures import MIN_WIDTH_PX, SEPARATOR_VALUE, kernel_picture


def corner_kernel(side: int) -> NDArray[np.float64]:
    """A kernel whose weights are all different in its first row, 0 elsewhere; its sum is 1."""
    weights = np.zeros((side, side))
    weights[0] = np.arange(1, side + 1) / (side * (side + 1) / 2)
    return weights


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 31, 31), (2, 3, 15, 15), (4, 40, 9, 9), (1, 1, 201, 201)])
def test_a_kernel_picture_is_grey_rgb_and_wide_enough(shape: tuple[int, ...]) -> None:
    """However many cells there are, the picture is uint8 RGB, grey, and at least 130 px wide."""
    picture = kernel_picture(np.ones(shape))
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[1] >= MIN_WIDTH_PX
    assert (picture == picture[..., :1]).all()


def test_weights_are_magnified_by_a_whole_factor() -> None:
    """A kernel of 31 weights a side becomes 155 px: five a weight, the largest white, the others in proportion."""
    weights = corner_kernel(31)
    picture = kernel_picture(weights[None, None])
    assert picture.shape == (155, 155, 3)
    expected = np.rint(weights / weights.max() * 255).astype(np.uint8)
    assert np.array_equal(picture[..., 0], expected.repeat(5, axis=0).repeat(5, axis=1))
    assert picture.max() == 255


def test_cells_stand_in_a_grid_with_lines_of_one_pixel() -> None:
    """Each cell is where its part of the picture is, one grey line apart; no line runs around the whole."""
    kernels = np.zeros((2, 3, 15, 15))
    for row in range(2):
        for column in range(3):
            kernels[row, column, row, column] = 1 - 0.1 * (3 * row + column)
    picture = kernel_picture(kernels)[..., 0]
    factor = 3
    pitch = 15 * factor + 1
    assert picture.shape == (2 * pitch - 1, 3 * pitch - 1)
    assert (picture[pitch - 1] == SEPARATOR_VALUE).all()
    assert (picture[:, [pitch - 1, 2 * pitch - 1]] == SEPARATOR_VALUE).all()
    for row in range(2):
        for column in range(3):
            lit = picture[row * pitch + row * factor, column * pitch + column * factor]
            assert lit == round(255 * kernels[row, column, row, column])
    assert (picture[:, -1] != SEPARATOR_VALUE).any()


@pytest.mark.parametrize("kernels", [np.ones((3, 3)), np.ones((0, 1, 3, 3)), np.zeros((1, 1, 3, 3))])
def test_what_is_no_kernel_is_refused(kernels: NDArray[np.float64]) -> None:
    """Another shape, no cell, and weights that are all 0 are named."""
    with pytest.raises(ValueError, match="kernel"):
        kernel_picture(kernels)

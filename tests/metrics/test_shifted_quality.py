import math

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from detbench.metrics.shifted_quality import shifted_psnr_db
from detbench.types import Image


def scene(seed: int = 0, side: int = 90) -> Image:
    """A smooth random picture, wider than high, each channel its own."""
    noise = np.random.default_rng(seed).random((side, side + 13, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    levels = (smooth - smooth.min()) / (smooth.max() - smooth.min()) * 200 + 20
    return np.rint(levels).astype(np.uint8)


def shifted(image: Image, down: float, right: float) -> Image:
    """The scene moved down and right by parts of a pixel, its edge repeated."""
    move = np.array([[1, 0, right], [0, 1, down]], np.float64)
    moved = cv2.warpAffine(image, move, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


@pytest.mark.parametrize(("down", "right"), [(1.25, -2.5), (-5, 5), (0, 0.25), (4.75, -5)])
def test_a_shift_of_up_to_5_px_is_forgiven(down: float, right: float) -> None:
    """A smooth picture shifted in quarter pixels, down and right told apart, is nearly perfect."""
    moved = shifted(scene(), down, right)
    value = shifted_psnr_db(moved, scene())
    assert value is None or value > 50


@pytest.mark.parametrize(("down", "right"), [(6.5, 0), (0, -6.5), (-7, 7)])
def test_larger_shifts_are_not_forgiven(down: float, right: float) -> None:
    """Beyond 5 px what is left of the shift counts as error."""
    value = shifted_psnr_db(shifted(scene(), down, right), scene())
    assert value is not None
    assert value < 40


@pytest.mark.parametrize("offset", [1, 7, 40])
def test_a_constant_offset_has_its_own_psnr(offset: int) -> None:
    """An offset of d grey levels on a flat picture gives 20·log10(255 / d) dB, wherever it is put."""
    flat = np.full((40, 50, 3), 100, np.uint8)
    assert shifted_psnr_db(flat + np.uint8(offset), flat) == pytest.approx(20 * math.log10(255 / offset), abs=1e-9)


def test_the_border_does_not_count() -> None:
    """What lies within 10 px of an edge is never looked at, and equal pictures have no finite ratio."""
    spoiled = scene()
    spoiled[:10], spoiled[-10:], spoiled[:, :10], spoiled[:, -10:] = 0, 255, 0, 255
    assert shifted_psnr_db(spoiled, scene()) is None
    assert shifted_psnr_db(scene(), scene()) is None


@pytest.mark.parametrize(("height", "width"), [(30, 60), (60, 30), (8, 8)])
def test_a_picture_that_is_all_border_has_none(height: int, width: int) -> None:
    """Below 31 px a side nothing is left to compare; at 31 one pixel is."""
    assert shifted_psnr_db(scene()[:height, :width], scene(1)[:height, :width]) is None
    assert shifted_psnr_db(scene()[:31, :31], scene(1)[:31, :31] // 2) is not None


def test_it_is_the_best_of_all_1681_shifts() -> None:
    """It equals the search over every quarter pixel with scipy's bilinear interpolation, to 1e-4 dB."""
    image, reference = scene(2, 41), scene(3, 41)
    rows, columns, channels = np.meshgrid(range(15, 26), range(15, 39), range(3), indexing="ij")
    errors = [
        np.square(
            map_coordinates(image.astype(float), [rows + down, columns + right, channels], order=1)
            - reference[15:-15, 15:-15]
        ).mean()
        for down in np.arange(-5, 5.25, 0.25)
        for right in np.arange(-5, 5.25, 0.25)
    ]
    assert len(errors) == 1681
    assert shifted_psnr_db(image, reference) == pytest.approx(10 * math.log10(255**2 / min(errors)), abs=1e-4)

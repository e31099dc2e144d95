import cv2
import numpy as np
import pytest
from scipy.ndimage import laplace

from detbench.metrics.laplacian_variance import laplacian_variance


def test_it_is_scipys_on_luminance() -> None:
    """SciPy's Laplacian, mirrored at the outermost pixels, has the same variance, in a picture that is not square."""
    image = np.random.default_rng(3).integers(0, 256, (31, 47, 3), dtype=np.uint8)
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    assert laplacian_variance(image) == pytest.approx(laplace(luminance, mode="mirror").var(), rel=1e-9)


def test_a_flat_picture_has_none_and_blur_lowers_it() -> None:
    """0 for one grey; of noise, a blur by three pixels leaves less than a twentieth."""
    assert laplacian_variance(np.full((20, 30, 3), 90, np.uint8)) == 0
    noise = np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    assert laplacian_variance(cv2.GaussianBlur(noise, (0, 0), 3)) < laplacian_variance(noise) / 20


def test_one_bright_pixel_is_counted_by_hand() -> None:
    """A pixel of 10 in a dark picture gives −40 once and 10 four times: the mean is 0, the variance 2000 / 121."""
    image = np.zeros((11, 11, 3), np.uint8)
    image[5, 5] = 10
    assert laplacian_variance(image) == pytest.approx(2000 / 121)

"""PSNR and SSIM of a picture against its sharp reference."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

_RADIUS, _SIGMA = 5, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_STRIP_ROWS = 32  # strips this high keep every intermediate in the cache of one core


def psnr_db(image: Image, reference: Image) -> float | None:
    """Peak signal-to-noise ratio 10·log10(255² / MSE) in dB over all pixels and channels.

    Both (H, W, 3) of one size, 0..255; the difference is taken in whole numbers that cannot wrap. None for equal
    pictures, whose ratio is infinite. Equals scikit-image's `peak_signal_noise_ratio` to 1e-9.
    """
    difference = image.astype(np.int32) - reference
    squared = int(np.square(difference, out=difference).sum(dtype=np.int64))
    return 10 * math.log10(255.0**2 * image.size / squared) if squared else None


def ssim(image: Image, reference: Image) -> float | None:
    """Structural similarity of Wang et al. 2004 (doi 10.1109/TIP.2003.819861), mean over the three channels, −1..1.

    Means, variances and covariance under an 11×11 Gaussian (σ 1.5), population statistics, K1 .01, K2 .03, range 255,
    averaged where the window lies inside the picture. Both (H, W, 3), 0..255. None for a side below 11 pixels.
    Equals scikit-image's `structural_similarity` with these settings to 1e-9.
    """
    height, width = image.shape[:2]
    inside_rows = height - 2 * _RADIUS
    if inside_rows < 1 or width <= 2 * _RADIUS:
        return None
    total = 0.0
    for top in range(0, inside_rows, _STRIP_ROWS):
        rows = slice(top, min(top + _STRIP_ROWS, inside_rows) + 2 * _RADIUS)
        total += float(_ssim_map(image[rows], reference[rows]).sum(dtype=np.float64))
    return float(total / (inside_rows * (width - 2 * _RADIUS) * 3))


def _ssim_map(image: Image, reference: Image) -> NDArray[np.float64]:
    """SSIM at every pixel whose window lies inside the strip, shape (H - 10, W - 10, 3)."""
    # In float32 the variances of flat bright areas drown in rounding: errors up to 8e-5 between two greys. SSIM needs
    # both variances only as their sum, so four filters do.
    x, y = image.astype(np.float64), reference.astype(np.float64)
    mean_x, mean_y = _gaussian(x), _gaussian(y)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance, variances = _gaussian(x * y) - product, _gaussian(x * x + y * y) - squares
    similarity = (2 * product + _C1) * (2 * covariance + _C2) / ((squares + _C1) * (variances + _C2))
    return np.asarray(similarity, dtype=np.float64)


def _gaussian(values: NDArray[np.float64]) -> NDArray[np.float64]:
    blurred = cv2.sepFilter2D(values, cv2.CV_64F, _WEIGHTS, _WEIGHTS, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS])


def _gaussian_weights() -> NDArray[np.float64]:
    offsets = np.arange(-_RADIUS, _RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    return np.asarray(weights / weights.sum())


_WEIGHTS = _gaussian_weights()

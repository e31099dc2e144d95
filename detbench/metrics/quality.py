"""PSNR and SSIM of a picture against its sharp reference."""

import math
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

_RADIUS, _SIGMA = 5, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_STRIP_ROWS = 64  # a strip this high and all that is made of it stay in a processor's cache

Values = NDArray[np.float32]


def psnr_db(image: Image, reference: Image) -> float | None:
    """Peak signal-to-noise ratio 10·log10(255² / MSE) in dB over all pixels and channels.

    Both (H, W, 3) of one size, 0..255; the squares are added up in whole numbers that cannot wrap. None for equal
    pictures, whose ratio is infinite. Equals scikit-image's `peak_signal_noise_ratio` to 1e-9.
    """
    squared = float(cv2.norm(image, reference, cv2.NORM_L2SQR))
    return 10 * math.log10(255.0**2 * image.size / squared) if squared else None


def ssim(image: Image, reference: Image) -> float | None:
    """Structural similarity of Wang et al. 2004 (doi 10.1109/TIP.2003.819861), mean over the three channels, −1..1.

    Means, variances and covariance under an 11×11 Gaussian (σ 1.5), population statistics, K1 .01, K2 .03, range 255,
    averaged where the window lies inside the picture. Both (H, W, 3), 0..255. None for a side below 11 pixels.
    Equals scikit-image's `structural_similarity` with these settings to 2e-6; to 1e-5 where pictures are patches of two
    flat colours.
    """
    height, width = image.shape[:2]
    inside_rows = height - 2 * _RADIUS
    if inside_rows < 1 or width <= 2 * _RADIUS:
        return None
    strips = [
        slice(top, min(top + _STRIP_ROWS, inside_rows) + 2 * _RADIUS) for top in range(0, inside_rows, _STRIP_ROWS)
    ]
    with ThreadPoolExecutor(cv2.getNumThreads()) as pool:
        sums = pool.map(lambda rows: _ssim_sum(image[rows], reference[rows]), strips)
        return float(sum(sums) / (inside_rows * (width - 2 * _RADIUS) * 3))


def _ssim_sum(x: Image, y: Image) -> float:
    """SSIM, added up over the pixels and channels whose window lies inside a strip (H, W, 3).

    Of the sum s = x + y and the difference d = x − y: 2xy = (s² − d²) / 2 and x² + y² = (s² + d²) / 2, for means as for
    variances, so that both factors of SSIM are 1 − 2d² / (s² + d² + 2C).
    """
    sum_mean, sum_variance = _mean_and_variance(np.asarray(cv2.add(x, y, dtype=cv2.CV_32F), np.float32))
    difference = np.asarray(cv2.subtract(x, y, dtype=cv2.CV_32F), np.float32)
    difference_mean, difference_variance = _mean_and_variance(difference)
    similarity = _likeness(np.square(sum_mean), np.square(difference_mean), 2 * _C1)
    similarity *= _likeness(sum_variance, difference_variance, 2 * _C2)
    return float(cv2.sumElems(similarity)[0])


def _mean_and_variance(values: Values) -> tuple[Values, Values]:
    """Under the window, where it lies inside: (H, W, 3) to twice (H - 10, 3W - 30); `values` is written to."""
    # E[v²] − E[v]² of flat bright areas would drown in rounding: SSIM off by up to 8e-5 between two greys. About a
    # level near by both are small.
    centre = np.tile(np.rint(cv2.mean(values)[:3]).astype(np.float32), values.shape[1])
    rows = values.reshape(len(values), -1)
    rows -= centre
    mean = _gaussian(values)
    variance = _gaussian(np.square(values, out=values))
    variance -= np.square(mean)
    mean += centre[3 * _RADIUS : -3 * _RADIUS]
    return mean, variance


def _likeness(of_sum: Values, of_difference: Values, constant: float) -> Values:
    """1 − 2d / (s + d + c), written over its arguments."""
    of_sum += of_difference
    of_sum += np.float32(constant)
    of_difference /= of_sum
    of_difference *= np.float32(-2)
    of_difference += np.float32(1)
    return of_difference


def _gaussian(values: Values) -> Values:
    blurred = cv2.sepFilter2D(values, cv2.CV_32F, _WEIGHTS, _WEIGHTS, borderType=cv2.BORDER_REFLECT)
    inside = np.asarray(blurred, np.float32)[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
    return inside.reshape(len(inside), -1)


def _gaussian_weights() -> NDArray[np.float32]:
    offsets = np.arange(-_RADIUS, _RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    return np.asarray(weights / weights.sum(), np.float32)


_WEIGHTS = _gaussian_weights()

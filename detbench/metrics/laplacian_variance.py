"""The variance of the Laplacian: how much a picture changes from pixel to pixel. It needs no sharp reference."""

import cv2

from detbench.types import Image


def laplacian_variance(image: Image) -> float:
    """Variance of the Laplacian in luminance (BT.601, 0..255), 0 for a flat picture, larger for sharper ones.

    The Laplacian is the sum of the four neighbours less four times the pixel; outside, the picture is mirrored at its
    outermost pixels. (H, W, 3), 0..255. Noise and contrast raise it, so it compares pictures of one camera. Equals
    `scipy.ndimage.laplace(luminance, mode="mirror").var()` to 1e-9 of it.

    S. Pertuz, D. Puig, M. A. Garcia, "Analysis of focus measure operators for shape-from-focus", Pattern Recognition
    46, 2013 (LAPV; doi 10.1016/j.patcog.2012.11.011).
    """
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(luminance, cv2.CV_16S))
    return float(deviation[0, 0] ** 2)

"""GMSD: how unevenly the edges of a picture differ from those of its sharp reference."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

_C = 170.0
_LUMINANCE = np.array([[0.299, 0.587, 0.114]], np.float32)
_SMOOTH, _DIFFERENCE = np.full(3, 1 / 3, np.float32), np.array([-1, 0, 1], np.float32)

Values = NDArray[np.float32]


def gmsd(image: Image, reference: Image) -> float:
    """Gradient magnitude similarity deviation of Xue et al. 2014, 0 for equal pictures, larger for less alike ones.

    Standard deviation over the pixels of (2ab + c) / (a² + b² + c), where a and b are the lengths of both pictures'
    gradients (Prewitt, thirds) in luminance (BT.601, 0..255) at half the resolution (means of 2×2 pixels), and c is
    170. Outside the picture all is 0, as in the authors' code. Both (H, W, 3), 0..255. Equals that code, but with
    the paper's division by N, to 1e-6.

    W. Xue, L. Zhang, X. Mou, A. C. Bovik, "Gradient Magnitude Similarity Deviation: A Highly Efficient Perceptual
    Image Quality Index", IEEE TIP 2014 (arXiv 1308.3052).
    """
    one, other = _gradient(image), _gradient(reference)
    similarity = (2 * one * other + _C) / (one * one + other * other + _C)
    return float(similarity.std(dtype=np.float64))


def _gradient(image: Image) -> Values:
    """The length of the gradient at half resolution, (H / 2, W / 2) rounded up."""
    height, width = image.shape[:2]
    luminance = cv2.transform(image.astype(np.float32), _LUMINANCE)
    even = cv2.copyMakeBorder(luminance, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT, value=0)
    half = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
    across = cv2.sepFilter2D(half, cv2.CV_32F, _DIFFERENCE, _SMOOTH, borderType=cv2.BORDER_CONSTANT)
    down = cv2.sepFilter2D(half, cv2.CV_32F, _SMOOTH, _DIFFERENCE, borderType=cv2.BORDER_CONSTANT)
    # OpenCV's own magnitude rounds by where an array lies in memory, and equal pictures would differ by 1e-9.
    return np.asarray(np.sqrt(np.square(across) + np.square(down)), np.float32)

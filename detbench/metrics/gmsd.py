"""GMSD: how unevenly the edges of a picture differ from those of its sharp reference."""

import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

_C = 170.0
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)

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
    """The length of the gradient at half resolution, (H / 2, W / 2) rounded up.

    By numpy alone, which rounds each operation by itself: OpenCV's last bits depend on where a picture lies in memory.
    """
    height, width = image.shape[:2]
    luminance = sum(weight * image[..., channel].astype(np.float32) for channel, weight in enumerate(_LUMINANCE))
    even = np.pad(luminance, ((0, height % 2), (0, width % 2)))
    half = (even[::2, ::2] + even[::2, 1::2] + even[1::2, ::2] + even[1::2, 1::2]) / 4
    padded = np.pad(half, 1)
    rows, columns = (
        (padded[:-2] + padded[1:-1] + padded[2:]) / 3,
        (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3,
    )
    across, down = rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]
    return np.asarray(np.sqrt(across * across + down * down))

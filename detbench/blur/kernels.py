"""From a path of the camera to a blur kernel, and from a kernel to a blurred picture."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.blur.light import to_levels, to_light
from detbench.blur.trajectory import Path, severity_px
from detbench.types import Image, Kernel, Light


def kernel_from_path(path: Path, light: Light) -> Kernel:
    """Point-spread function of a path, shape (T,), each moment spread bilinearly over four pixels.

    The kernel is odd, square, just large enough, and sums to 1. Its centroid is its middle, to rounding: a kernel
    that starts where the path starts moves the picture as well as blurring it, by up to 15 px for common settings.
    A 32 px box that is off by 7 px overlaps its label by .64, so mAP would fall for a reason that is not blur.
    """
    # A bilinear splat keeps first moments, so centring the path centres the kernel exactly.
    centred = path - path.mean()
    radius = int(np.ceil(max(np.abs(centred.real).max(), np.abs(centred.imag).max())))
    # A position of exactly +radius has a neighbour, of weight 0, one pixel outside; that row and column are cut again.
    side = 2 * radius + 2
    x, y = centred.real + radius, centred.imag + radius
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right_share, bottom_share = x - left, y - top
    places = (top * side + left) + np.array([[0], [1], [side], [side + 1]])
    shares = np.stack(
        [
            (1 - right_share) * (1 - bottom_share),
            right_share * (1 - bottom_share),
            (1 - right_share) * bottom_share,
            right_share * bottom_share,
        ]
    )
    splat = np.bincount(places.ravel(), shares.ravel() / len(path), minlength=side * side)
    return Kernel(np.ascontiguousarray(splat.reshape(side, side)[:-1, :-1]), light)


def kernel_severity_px(weights: NDArray[np.float64]) -> float:
    """`severity_px` of a path that stays at each weight's place, (H, W), for its share of the exposure."""
    rows, columns = np.indices(weights.shape)
    return float(severity_px((columns + 1j * rows).ravel(), weights.ravel()))


def convolve(image: Image, kernel: Kernel) -> NDArray[np.float64]:
    """Blur a picture by a kernel, in the kernel's own light; shape (H, W, 3) in and out.

    Returns grey levels 0..255, not yet rounded. A point becomes the kernel as it stands (a convolution, not a
    correlation). Borders are reflected without repeating the edge pixel, also where the kernel outgrows the picture.
    """
    return to_levels(convolve_light(to_light(image, kernel.light), kernel.weights), kernel.light)


def convolve_light(scene: NDArray[np.float64], kernel_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `convolve`, of light (H, W, 3) that may be above 1."""
    # In double precision, so that noise and rounding give the same bytes on every machine; single would save a fifth.
    weights = np.ascontiguousarray(kernel_weights[::-1, ::-1])  # OpenCV's filter correlates
    with ThreadPoolExecutor(cv2.getNumThreads()) as pool:
        channels = pool.map(
            lambda channel: cv2.filter2D(channel, -1, weights, borderType=cv2.BORDER_REFLECT_101),
            cv2.split(scene),
        )
        return np.dstack(list(channels))

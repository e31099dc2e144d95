"""PSNR and SSIM after alignment: for pairs whose pictures two cameras took, which no registration made quite equal.

J. Rim, H. Lee, J. Won, S. Cho, "Real-World Blur Dataset for Learning and Benchmarking Deblurring Algorithms"
(RealBlur, ECCV 2020), after R. Köhler et al., ECCV 2012: the picture is scaled to the brightness of its reference and
warped onto it by the homography of the largest enhanced correlation coefficient (G. Evangelidis, E. Psarakis, IEEE
TPAMI 2008; OpenCV's `findTransformECC`).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.metrics.quality import psnr_db, ssim
from detbench.types import Image

ITERATIONS, LEAST_CHANGE = 100, 1e-8
SMOOTHING_PX = 5
"""Side of the Gaussian window that OpenCV smooths both pictures with while it aligns them; RealBlur's."""


def aligned_psnr_db(image: Image, reference: Image) -> float | None:
    """`psnr_db` of a picture that is aligned with its reference first; both (H, W, 3) of one size, 0..255.

    Brightness: x · Σ x r / Σ x². Place: see this module; cubic interpolation. What the warped picture does not cover is
    cut off both, to a rectangle. RealBlur's own script masks it, and does not round to 8 bits. None where no alignment
    is found, as of flat pictures, and for equal pictures.
    """
    pair = _aligned(image, reference)
    return None if pair is None else psnr_db(*pair)


def aligned_ssim(image: Image, reference: Image) -> float | None:
    """`ssim` of a picture that is aligned with its reference first, as for `aligned_psnr_db`; −1..1.

    None where no alignment is found, and where less than 11 pixels of a side are left.
    """
    pair = _aligned(image, reference)
    return None if pair is None else ssim(*pair)


def _aligned(image: Image, reference: Image) -> tuple[Image, Image] | None:
    """Both pictures, cut to where they cover each other; None where no alignment is found."""
    if np.array_equal(image, reference):
        return image, reference
    scaled = image.astype(np.float32) * _gain(image, reference)
    warp = _homography(scaled, reference)
    if warp is None:
        return None
    size = (image.shape[1], image.shape[0])
    flags, outside = cv2.WARP_INVERSE_MAP, cv2.BORDER_CONSTANT
    moved = cv2.warpPerspective(scaled, warp, size, flags=flags | cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    everywhere = np.ones(image.shape[:2], np.uint8)
    covered = cv2.warpPerspective(everywhere, warp, size, flags=flags | cv2.INTER_NEAREST, borderMode=outside)
    rows, columns = _inner_rectangle(covered == 1)
    moved_image = np.clip(np.rint(moved), 0, 255).astype(np.uint8)[rows, columns]
    return (moved_image, reference[rows, columns]) if moved_image.size else None


def _gain(image: Image, reference: Image) -> np.float32:
    """The factor that brings a picture nearest to its reference, in least squares; 1 for a black one."""
    own = image.astype(np.float64).ravel()
    squares = own @ own
    return np.float32(own @ reference.ravel() / squares) if squares else np.float32(1)


def _homography(image: NDArray[np.float32], reference: Image) -> NDArray[np.float32] | None:
    """From places in the reference to places in the picture, (3, 3); None where the search fails."""
    there, here = (cv2.cvtColor(each.astype(np.float32), cv2.COLOR_RGB2GRAY) for each in (reference, image))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ITERATIONS, LEAST_CHANGE)
    start = np.eye(3, dtype=np.float32)
    mask = np.ones(reference.shape[:2], np.uint8)
    try:
        _, warp = cv2.findTransformECC(there, here, start, cv2.MOTION_HOMOGRAPHY, criteria, mask, SMOOTHING_PX)
    except cv2.error:  # it does not converge, or a picture is flat
        return None
    return np.asarray(warp, np.float32) if np.isfinite(warp).all() else None


def _inner_rectangle(covered: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of a rectangle that is covered throughout: the edge with most gaps is cut off, in turn."""
    top, bottom, left, right = 0, covered.shape[0], 0, covered.shape[1]
    while top < bottom and left < right:
        inner = ~covered[top:bottom, left:right]
        gaps = [edge.mean() for edge in (inner[0], inner[-1], inner[:, 0], inner[:, -1])]
        if not any(gaps):
            break
        worst = int(np.argmax(gaps))
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    return slice(top, bottom), slice(left, right)

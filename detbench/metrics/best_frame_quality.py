"""PSNR of a picture against the best of many sharp frames of one scene."""

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

_LUMINANCE = (0.299, 0.587, 0.114)

Values = NDArray[np.float32]


def best_frame_psnr_db(image: Image, frames: Iterable[Image]) -> float | None:
    """PSNR 10·log10(255² / MSE) in dB against that of the frames where it is largest: a blind deblurrer cannot know
    from where on the camera's path it should show the scene.

    For each frame x of the picture z: z is scaled by Σxz / Σz², over pixels and channels; shifted by the whole pixels
    at which the circular cross-correlation of the channels' means is largest; and both are set to 0 where the shifted
    picture has no pixel. MSE is the mean over all pixels of the squared difference in luminance (.299, .587, .114).
    Image and frames are (H, W, 3) of one size, 0..255. None without frames, and where the ratio is infinite.

    R. Köhler, M. Hirsch, B. Mohler, B. Schölkopf, S. Harmeling, "Recording and playback of camera shake", ECCV 2012:
    the steps of the authors' eval_image.m, whose registration is M. Guizar-Sicairos' dftregistration to whole pixels.
    """
    picture = image.astype(np.float32)
    energy = float(cv2.norm(picture, cv2.NORM_L2SQR))
    spectrum = np.fft.rfft2(picture.mean(2))
    squared = [_mean_squared(picture, energy, spectrum, frame.astype(np.float32)) for frame in frames]
    if not squared or min(squared) == 0:
        return None
    return 10 * math.log10(255.0**2 / min(squared))


def _mean_squared(picture: Values, energy: float, spectrum: NDArray[np.complex128], frame: Values) -> float:
    scale = float((picture.astype(np.float64) * frame).sum()) / energy if energy else 0.0
    down, right = _shift(spectrum, frame)
    ours, theirs = _overlap(picture, frame, down, right)
    difference = (scale * ours - theirs) @ np.array(_LUMINANCE, np.float32)
    return float(np.square(difference, dtype=np.float64).sum() / (frame.shape[0] * frame.shape[1]))


def _shift(spectrum: NDArray[np.complex128], frame: Values) -> tuple[int, int]:
    """By how many pixels down and right the picture of this spectrum is moved onto the frame; its scale does not
    matter.
    """
    height, width = frame.shape[:2]
    likeness = np.fft.irfft2(np.fft.rfft2(frame.mean(2)) * spectrum.conj(), (height, width))
    row, column = np.unravel_index(int(np.abs(likeness).argmax()), likeness.shape)
    return _signed(int(row), height), _signed(int(column), width)


def _signed(place: int, side: int) -> int:
    return place - side if place > side // 2 else place


def _overlap(picture: Values, frame: Values, down: int, right: int) -> tuple[Values, Values]:
    """The parts of the moved picture and of the frame that lie on each other."""
    height, width = frame.shape[:2]
    rows, columns = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
    ours = picture[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    return ours, frame[rows, columns]

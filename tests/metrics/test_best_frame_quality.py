import math

import cv2
import numpy as np
import pytest

from detbench.metrics.best_frame_quality import best_frame_psnr_db
from detbench.metrics.quality import psnr_db
from detbench.types import Image


def scene(seed: int = 0) -> Image:
    """A smooth random picture, wider than high, each channel its own, black at its edges: shifts lose nothing."""
    smooth = cv2.GaussianBlur(np.random.default_rng(seed).random((60, 90, 3)), (0, 0), 3)
    levels = (smooth - smooth.min()) / (smooth.max() - smooth.min()) * 180
    inner = np.zeros_like(levels)
    inner[12:-12, 12:-12] = levels[12:-12, 12:-12]
    return np.rint(inner).astype(np.uint8)


def by_the_authors_steps(image: Image, frame: Image) -> float:
    """eval_image.m for one frame, word by word: the mask as a picture of ones, and everything in double precision."""
    x, z = frame.astype(float), image.astype(float)
    zs = (x * z).sum() / (z * z).sum() * z
    likeness = np.abs(np.fft.ifft2(np.fft.fft2(x.mean(2)) * np.fft.fft2(zs.mean(2)).conj()))
    row, column = (int(place) for place in np.unravel_index(likeness.argmax(), likeness.shape))
    height, width = likeness.shape
    down = row - height if row > height // 2 else row
    right = column - width if column > width // 2 else column
    move = np.array([[1, 0, right], [0, 1, down]], float)
    zr = cv2.warpAffine(zs, move, (width, height), flags=cv2.INTER_NEAREST)
    mask = cv2.warpAffine(np.ones_like(zs), move, (width, height), flags=cv2.INTER_NEAREST)
    grey = (zr - x * mask) @ np.array([0.299, 0.587, 0.114])
    return 10 * math.log10(255**2 / np.square(grey).mean())


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, -7), (-11, 5)])
def test_it_is_what_the_authors_script_computes(down: int, right: int) -> None:
    """For a darker, noisy, shifted picture it equals their steps to 1e-4 dB."""
    noise = np.random.default_rng(9).normal(0, 6, scene().shape)
    darker = np.clip(0.8 * np.roll(scene(), (down, right), (0, 1)) + noise, 0, 255).astype(np.uint8)
    found = best_frame_psnr_db(darker, [scene()])
    assert found == pytest.approx(by_the_authors_steps(darker, scene()), abs=1e-4)
    assert psnr_db(darker, scene()) + 3 < found < 45


def test_brightness_and_shift_are_forgiven() -> None:
    """Half as bright is nearly perfect. A shift costs little: brightness is fitted before it, as the authors do."""
    assert best_frame_psnr_db(scene() // 2, [scene()]) > 50
    moved = np.roll(scene(), (2, -3), (0, 1)) // 2
    assert psnr_db(moved, scene()) < 16
    assert best_frame_psnr_db(moved, [scene()]) > 27


def test_the_best_frame_counts() -> None:
    """Of several frames it is the largest PSNR, wherever that frame stands."""
    image = np.clip(scene(1).astype(int) + 5, 0, 255).astype(np.uint8)
    alone = best_frame_psnr_db(image, [scene(1)])
    for frames in ([scene(1), scene(2), scene(3)], [scene(3), scene(2), scene(1)]):
        assert best_frame_psnr_db(image, frames) == alone
    assert alone > best_frame_psnr_db(image, [scene(2), scene(3)]) + 10


def test_it_is_undefined_without_frames_and_without_error() -> None:
    """No frames, and a frame that the picture equals, give None; a black picture has a number."""
    assert best_frame_psnr_db(scene(), []) is None
    assert best_frame_psnr_db(scene(), iter([scene(2), scene()])) is None
    black = np.zeros_like(scene())
    assert best_frame_psnr_db(black, [scene()]) == pytest.approx(
        10 * math.log10(255**2 / np.square(scene() @ np.array([0.299, 0.587, 0.114])).mean()), abs=1e-3
    )

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import convolve2d

from detbench.metrics.gmsd import gmsd
from detbench.types import Image


def noise(seed: int, height: int, width: int) -> Image:
    """Independent pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def authors_code(image: Image, reference: Image) -> float:
    """GMSD.m step by step in double precision, but for its division by N - 1, which the paper has not."""
    one, other = gradient(image), gradient(reference)
    return float(((2 * one * other + 170) / (one**2 + other**2 + 170)).std())


def gradient(image: Image) -> NDArray[np.float64]:
    """Gradient lengths of luminance, averaged over 2x2 pixels, of which every other one is kept."""
    luminance = image.astype(np.float64) @ [0.299, 0.587, 0.114]
    half = convolve2d(luminance, np.full((2, 2), 0.25))[1::2, 1::2]
    prewitt = np.array([[1, 0, -1]] * 3) / 3
    return np.hypot(convolve2d(half, prewitt, "same"), convolve2d(half, prewitt.T, "same"))


@pytest.mark.parametrize(("height", "width"), [(48, 64), (31, 44), (9, 13), (2, 3), (1, 1)])
def test_it_is_the_authors(height: int, width: int) -> None:
    """Pictures of even and odd sides give what the published code gives, to 1e-6."""
    sharp = noise(1, height, width)
    restored = np.clip(sharp + np.random.default_rng(2).normal(0, 30, sharp.shape), 0, 255).astype(np.uint8)
    assert gmsd(restored, sharp) == pytest.approx(authors_code(restored, sharp), rel=0, abs=1e-6)


def test_equal_pictures_do_not_deviate() -> None:
    """A picture has GMSD 0 from itself to the last digit, wherever its copies lie in memory."""
    sharp = noise(3, 240, 322)
    copies = [sharp.copy() for _ in range(20)]
    assert {gmsd(each, sharp) for each in copies} == {0}


@pytest.mark.parametrize("level", [30, 255])
def test_one_bright_point_has_a_known_deviation(level: int) -> None:
    """2x2 pixels of grey v on black, against black, are eight gradients at half resolution: v·√2/3 at the four corners
    and v/3 at the four sides, each as similar to none as c / (v²·2/9 + c) and c / (v²/9 + c); all else is alike.
    """
    black = np.zeros((20, 32, 3), np.uint8)
    point = black.copy()
    point[8:10, 16:18] = level
    similarity = np.ones(10 * 16)
    similarity[:4], similarity[4:8] = 170 / (level**2 * 2 / 9 + 170), 170 / (level**2 / 9 + 170)
    assert gmsd(point, black) == pytest.approx(similarity.std(), abs=1e-6)


def test_more_blur_deviates_more() -> None:
    """The longer the mean over neighbours, the larger GMSD; the order of the two pictures does not matter."""
    sharp = np.kron(noise(4, 12, 16), np.ones((4, 4, 1))).astype(np.uint8)
    smeared = [
        np.mean([np.roll(sharp, shift, axis=1) for shift in range(count)], axis=0).astype(np.uint8)
        for count in (1, 2, 5)
    ]
    values = [gmsd(each, sharp) for each in smeared]
    assert values[0] == 0 < values[1] < values[2]
    assert gmsd(sharp, smeared[2]) == pytest.approx(values[2])

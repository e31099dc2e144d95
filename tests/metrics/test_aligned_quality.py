import cv2
import numpy as np
import pytest

from detbench.metrics.aligned_quality import aligned_psnr_db, aligned_ssim
from detbench.metrics.quality import psnr_db, ssim
from detbench.types import Image

HEIGHT, WIDTH = 150, 190


def scene(side: int = 2) -> np.ndarray:
    """A random picture of patches, as levels 20..220."""
    noise = np.random.default_rng(0).random((HEIGHT, WIDTH, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), side)
    return (smooth - smooth.min()) / (smooth.max() - smooth.min()) * 200 + 20


def rounded(levels: np.ndarray) -> Image:
    """Levels as a picture."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def warped(levels: np.ndarray, matrix: list[list[float]]) -> np.ndarray:
    """A picture moved by an affine map."""
    size = (WIDTH, HEIGHT)
    how = {"flags": cv2.INTER_LANCZOS4, "borderMode": cv2.BORDER_REFLECT}
    return np.asarray(cv2.warpAffine(levels, np.array(matrix), size, **how))


SHIFT = [[1, 0, 1.7], [0, 1, -0.6]]
TURN = [[0.9998, -0.012, 2.0], [0.012, 0.9998, -1.5]]


@pytest.mark.parametrize("matrix", [SHIFT, TURN])
def test_shift_and_gain_cost_nothing(matrix: list[list[float]]) -> None:
    """A blurred picture shifted by (1.7, -.6) px or turned by .7°, and 1.1 times as dark, has its PSNR within .3 dB and
    its SSIM within .01; without alignment it loses more than 2 dB.
    """
    sharp, blurred = rounded(scene()), cv2.GaussianBlur(scene(), (0, 0), 3)
    expected, similarity = psnr_db(rounded(blurred), sharp), ssim(rounded(blurred), sharp)
    moved = rounded(warped(blurred, matrix) / 1.1)
    assert expected is not None
    assert psnr_db(moved, sharp) < expected - 2
    assert aligned_psnr_db(moved, sharp) == pytest.approx(expected, abs=0.3)
    assert aligned_ssim(moved, sharp) == pytest.approx(similarity, abs=0.01)


def test_a_picture_in_its_place_keeps_its_psnr() -> None:
    """Noise of 8 grey levels on a picture that is in place gives 20·log10(255 / 8) dB, to .2."""
    noisy = rounded(scene(4) + np.random.default_rng(1).normal(0, 8, (HEIGHT, WIDTH, 3)))
    assert aligned_psnr_db(noisy, rounded(scene(4))) == pytest.approx(20 * np.log10(255 / 8), abs=0.2)


def test_what_the_moved_picture_does_not_cover_is_left_out() -> None:
    """Stripes that came in from outside at two edges do not count."""
    sharp = rounded(scene(4))
    moved = np.roll(sharp, (6, -5), (0, 1))
    moved[:6], moved[:, -5:] = 0, 255
    value, similarity = aligned_psnr_db(moved, sharp), aligned_ssim(moved, sharp)
    assert value is None or value > 25
    assert similarity is not None
    assert similarity > 0.95


def test_equal_pictures_have_no_finite_ratio() -> None:
    """And their likeness is 1."""
    sharp = rounded(scene())
    assert aligned_psnr_db(sharp, sharp.copy()) is None
    assert aligned_ssim(sharp, sharp.copy()) == pytest.approx(1)


@pytest.mark.parametrize("level", [0, 90])
def test_flat_pictures_cannot_be_aligned(level: int) -> None:
    """There is nothing to go by, so there is no number."""
    flat = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    assert aligned_psnr_db(flat, rounded(scene())) is None
    assert aligned_ssim(flat, rounded(scene())) is None


def test_tiny_pictures_have_a_number_or_none() -> None:
    """One pixel and a few raise nothing."""
    for side in (1, 2, 7):
        tiny = rounded(scene())[:side, :side]
        for measure in (aligned_psnr_db, aligned_ssim):
            value = measure(255 - tiny, tiny)
            assert value is None or np.isfinite(value)


def test_pictures_stay_as_they_are() -> None:
    """Read-only pictures are measured too."""
    sharp, other = rounded(scene()), rounded(scene() * 0.9)
    for each in (sharp, other):
        each.flags.writeable = False
    assert aligned_psnr_db(other, sharp) is not None

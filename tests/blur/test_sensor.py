import numpy as np
import pytest

from detbench.blur.light import to_levels, to_light
from detbench.blur.noise import to_image
from detbench.blur.sensor import BLACK_LEVEL, WHITE_LEVEL, demosaic, jpeg_compressed, over_range_light, raw_mosaic
from detbench.metrics.quality import psnr_db
from detbench.types import Image


def flat_light(value: float, height: int = 200, width: int = 210) -> np.ndarray:
    """Even grey light."""
    return np.full((height, width, 3), value)


def mosaic_light(value: float, electrons: float, read_noise: float, seed: int = 0) -> np.ndarray:
    """What the sensor counts of even light, as light again, its border cut off."""
    mosaic = raw_mosaic(flat_light(value), electrons, read_noise, np.random.default_rng(seed))
    return (mosaic[2:-2, 2:-2].astype(float) - BLACK_LEVEL) / (WHITE_LEVEL - BLACK_LEVEL)


@pytest.mark.parametrize("light", [0.05, 0.2, 0.8])
def test_shot_noise_has_a_variance_in_proportion_to_light(light: float) -> None:
    """Light L at 1,000 electrons for white has the mean L and the variance L / 1000."""
    counted = mosaic_light(light, electrons=1000, read_noise=0)
    assert counted.mean() == pytest.approx(light, rel=0.005)
    assert counted.var() == pytest.approx(light / 1000, rel=0.03)


def test_read_noise_is_the_same_in_the_dark() -> None:
    """Black with 20 electrons of read noise at 1,000 for white spreads by .02, below black too."""
    counted = mosaic_light(0, electrons=1000, read_noise=20)
    assert counted.std() == pytest.approx(0.02, rel=0.02)
    assert counted.mean() == pytest.approx(0, abs=5e-4)


def test_white_and_more_is_white() -> None:
    """Light of three times white fills every pixel and has no noise."""
    assert np.unique(mosaic_light(3, electrons=1000, read_noise=1)).tolist() == [1]


def test_grey_stays_grey() -> None:
    """With many electrons, even grey comes back to 1e-3 in each colour, its edges too, and its size is kept."""
    light = demosaic(raw_mosaic(flat_light(0.3, 31, 40), 1e8, 0, np.random.default_rng(0)))
    assert light.shape == (31, 40, 3)
    assert np.abs(light - 0.3).max() < 1e-3


@pytest.mark.parametrize("colour", range(3))
def test_colours_stay_in_their_places(colour: int) -> None:
    """Light of one colour comes back in that colour alone, from odd and even sides and from a single pixel."""
    for height, width in ((20, 31), (1, 1), (2, 5)):
        scene = np.zeros((height, width, 3))
        scene[..., colour] = 0.5
        light = demosaic(raw_mosaic(scene, 1e8, 0, np.random.default_rng(0)))
        assert np.abs(light - scene).max() < 1e-3


def smooth_picture() -> Image:
    """Waves in three colours."""
    rows, columns = np.mgrid[:64, :80]
    waves = [np.sin(rows / 9 + phase) + np.cos(columns / 7 - phase) for phase in (0, 1, 2)]
    return to_image(np.dstack(waves) * 55 + 125)


def test_a_smooth_picture_survives_the_mosaic() -> None:
    """Without noise, a smooth picture comes back at more than 45 dB, nowhere moved."""
    picture = smooth_picture()
    light = demosaic(raw_mosaic(to_light(picture, "linear"), 1e8, 0, np.random.default_rng(0)))
    value = psnr_db(to_image(to_levels(light, "linear")), picture)
    assert value is not None
    assert value > 45


def test_only_clipped_channels_shine_above_white() -> None:
    """255 becomes 1 + the highlights in its channel; everything else is light as before."""
    picture = np.array([[[255, 254, 0]]], np.uint8)
    light = over_range_light(picture, 1.5)
    assert light[0, 0] == pytest.approx([2.5, (254 / 255) ** 2.2, 0])
    assert np.array_equal(over_range_light(picture, 0), to_light(picture, "linear"))


def test_jpeg_loses_by_its_quality() -> None:
    """A picture with grey noise is nearer at quality 100 than at 30, by more than 5 dB, and has lost some at both."""
    noisy = to_image(smooth_picture() + np.random.default_rng(0).normal(0, 8, (64, 80, 1)))
    best, worst = (psnr_db(jpeg_compressed(noisy, quality), noisy) for quality in (100, 30))
    assert best is not None
    assert worst is not None
    assert best > worst + 5

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from detbench.metrics.quality import psnr_db, ssim
from detbench.types import Image

WANG = {"channel_axis": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
STRIP_EDGES = [73, 74, 75, 137, 138, 139]  # heights around which the rows need one strip more


def plain(level: int, height: int = 13, width: int = 20) -> Image:
    """A picture of one grey."""
    return np.full((height, width, 3), level, np.uint8)


def noise(seed: int, height: int, width: int, low: int = 0, high: int = 255) -> Image:
    """Independent pixels between two levels."""
    return np.random.default_rng(seed).integers(low, high + 1, (height, width, 3)).astype(np.uint8)


def degraded(image: Image, seed: int) -> Image:
    """The picture with its rows smeared and a little noise, as a restored picture differs from its sharp one."""
    smeared = image.astype(float) + np.roll(image, 1, axis=0) + np.random.default_rng(seed).normal(0, 6, image.shape)
    return np.clip(np.rint(smeared / 2), 0, 255).astype(np.uint8)


def wang(one: Image, other: Image) -> Any:
    """Wang's SSIM by scikit-image, which computes in double precision."""
    return pytest.approx(structural_similarity(one, other, **WANG), rel=0, abs=2e-6)


@pytest.mark.parametrize("offset", [1, 5, 100, 245])
def test_a_constant_offset_has_a_known_psnr(offset: int) -> None:
    """All pixels off by d have a PSNR of 20·log10(255/d) dB, in either order."""
    expected = pytest.approx(20 * math.log10(255 / offset), abs=1e-12)
    assert psnr_db(plain(5 + offset), plain(5)) == expected
    assert psnr_db(plain(5), plain(5 + offset)) == expected


def test_opposite_extremes_have_psnr_0() -> None:
    """Black against white is 0 dB: the error is the whole range."""
    assert psnr_db(plain(255), plain(0)) == 0


def test_equal_pictures_have_no_psnr() -> None:
    """The ratio of equal pictures is infinite: None, since JSON knows no infinity."""
    assert psnr_db(plain(7), plain(7)) is None


def test_differences_do_not_wrap_around() -> None:
    """5 against 250 is an error of 245, not of 11 as it is modulo 256."""
    wrapped = 20 * math.log10(255 / 11)
    value = psnr_db(plain(5), plain(250))
    assert value == pytest.approx(20 * math.log10(255 / 245))
    assert value != pytest.approx(wrapped, abs=1)


def test_large_pictures_do_not_overflow() -> None:
    """The squared error of 12 megapixels is summed in whole numbers that hold it."""
    assert psnr_db(plain(255, 3000, 4000), plain(0, 3000, 4000)) == 0


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.integers(0, 255), st.integers(0, 255))
def test_psnr_is_scikit_images(seed: int, height: int, width: int, low: int, high: int) -> None:
    """PSNR equals scikit-image's to 1e-9 on pictures of any size and level."""
    one, other = noise(seed, height, width, min(low, high), max(low, high)), noise(seed + 1, height, width)
    if (one != other).any():
        expected = peak_signal_noise_ratio(other, one, data_range=255)
        assert psnr_db(one, other) == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("level", [0, 7, 128, 255])
def test_equal_pictures_have_ssim_1(level: int) -> None:
    """A picture is like itself to the last digit, flat or textured."""
    texture = noise(level, 30, 17)
    assert ssim(plain(level), plain(level)) == 1
    assert ssim(texture, texture) == pytest.approx(1, abs=1e-12)


def test_plain_pictures_differ_in_luminance_alone() -> None:
    """Between two greys SSIM is (2ab + C1) / (a² + b² + C1), C1 = 2.55²."""
    for one, other in [(240, 225), (0, 255), (30, 31)]:
        expected = (2 * one * other + 2.55**2) / (one**2 + other**2 + 2.55**2)
        assert ssim(plain(one), plain(other)) == pytest.approx(expected, rel=0, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(11, 10), (10, 11), (1, 1), (10, 300)])
def test_below_11_pixels_there_is_no_ssim(height: int, width: int) -> None:
    """A side shorter than the window leaves nothing to average: None."""
    assert ssim(plain(9, height, width), plain(8, height, width)) is None


@pytest.mark.parametrize("height", [11, 12, *STRIP_EDGES])
def test_strips_leave_no_seam(height: int) -> None:
    """Whatever the height, the result is that of the whole picture at once."""
    one = noise(height, height, 19)
    assert ssim(degraded(one, 1), one) == wang(degraded(one, 1), one)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 255), (0, 0), (0, 3), (252, 255), (255, 255), (120, 136)], ids=lambda level: str(level)
)
@pytest.mark.parametrize(("height", "width"), [(11, 11), (37, 64), (64, 37), (121, 83)])
def test_ssim_is_scikit_images(low: int, high: int, height: int, width: int) -> None:
    """SSIM with Wang's settings equals scikit-image's to 2e-6: noise, dark, bright and flat, of any shape."""
    one = noise(3, height, width, low, high)
    for other in (degraded(one, 4), noise(5, height, width, low, high), 255 - one, plain(200, height, width)):
        assert ssim(one, other) == wang(one, other)


@given(
    st.integers(0, 2**32),
    st.integers(11, 50),
    st.integers(11, 50),
    *[st.integers(0, 255)] * 2,
    *[st.integers(0, 9)] * 2,
)
@settings(deadline=None, max_examples=150)
def test_flat_pictures_keep_their_digits(
    seed: int, height: int, width: int, one_level: int, other_level: int, one_noise: int, other_noise: int
) -> None:
    """Two nearly flat pictures of any level, whose variances nearly cancel, have scikit-image's SSIM to 2e-6."""
    one = noise(seed, height, width, max(0, one_level - one_noise), one_level)
    other = noise(seed + 1, height, width, max(0, other_level - other_noise), other_level)
    assert ssim(one, other) == wang(one, other)


@pytest.mark.parametrize("seed", range(40))
def test_patchworks_are_the_worst_case(seed: int) -> None:
    """Flat patches of two colours far apart, both far from the picture's mean, still have it to 1e-5."""
    rng = np.random.default_rng(seed)
    side, (height, width) = int(rng.integers(1, 60)), rng.integers(11, 130, 2).tolist()

    def patchwork() -> Image:
        which = rng.integers(0, 2, (height // side + 1, width // side + 1)).repeat(side, 0).repeat(side, 1)
        colours = rng.choice([0, 128, 200, 255], (2, 3))[which[:height, :width]]
        return np.clip(colours - rng.integers(0, 3, colours.shape), 0, 255).astype(np.uint8)

    one, other = patchwork(), patchwork()
    assert ssim(one, other) == pytest.approx(structural_similarity(one, other, **WANG), rel=0, abs=1e-5)


def test_ssim_is_symmetric() -> None:
    """It does not matter which of two pictures is the reference."""
    one = noise(1, 40, 30)
    assert ssim(one, degraded(one, 2)) == ssim(degraded(one, 2), one)


def test_ssim_is_not_the_complex_wavelet_kind() -> None:
    """A shift by two pixels, to which CW-SSIM is nearly blind, costs ordinary SSIM much of its value."""
    smooth = np.random.default_rng(8).normal(0, 1, (70, 90, 3)).cumsum(axis=1)
    textured = np.clip(128 + 40 * np.sin(smooth), 0, 255).astype(np.uint8)
    assert ssim(textured[:, 2:], textured[:, :-2]) < 0.8  # type: ignore[operator]


def test_pictures_are_left_alone() -> None:
    """Neither metric writes into its arguments, which may be read-only or views."""
    one, other = noise(1, 60, 40)[::2, 3:], noise(2, 60, 40)[::2, 3:]
    before = one.copy(), other.copy()
    one.setflags(write=False)
    other.setflags(write=False)
    psnr_db(one, other), ssim(one, other)
    assert (one == before[0]).all()
    assert (other == before[1]).all()

from typing import get_args

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from detbench.blur.kernels import convolve
from detbench.deblurrers.non_blind import RichardsonLucy, TotalVariation, Wiener
from detbench.types import Image, Kernel, Light, NonBlindDeblurrer

ORACLES = pytest.mark.parametrize(
    "oracle", [Wiener(), RichardsonLucy(), TotalVariation()], ids=["wiener", "richardson_lucy", "tv"]
)
LIGHTS = pytest.mark.parametrize("light", get_args(Light))


def scene(height: int = 120, width: int = 161) -> Image:
    """Soft-edged patches of colour at several sizes, up to the borders; not square."""
    rng = np.random.default_rng(3)
    coarse = gaussian_filter(rng.normal(size=(height, width, 3)), (6, 6, 0)) > 0
    fine = gaussian_filter(rng.normal(size=(height, width, 3)), (2, 2, 0)) > 0
    smooth = gaussian_filter(40.0 + 130 * coarse + 60 * fine, (0.7, 0.7, 0))
    return np.asarray(np.rint(smooth), np.uint8)


def hooked_kernel(light: Light) -> Kernel:
    """Make a path of about 13 px with a bend, in a 15x15 kernel: no mirror symmetry, its centroid near its middle."""
    weights = np.zeros((15, 15))
    weights[np.arange(3, 10), np.arange(2, 9)] = 1
    weights[9, 9:13] = 1
    weights = gaussian_filter(weights, 0.5)
    return Kernel(weights / weights.sum(), light)


def blurred_with_noise(sharp: Image, kernel: Kernel) -> Image:
    """Return the sharp picture, blurred, with noise of one grey level and rounded."""
    noise = np.random.default_rng(4).normal(0, 1, sharp.shape)
    return np.rint(np.clip(convolve(sharp, kernel) + noise, 0, 255)).astype(np.uint8)


def psnr_db(image: Image, sharp: Image) -> float:
    """Peak signal-to-noise ratio with a peak of 255."""
    return float(20 * np.log10(255 / np.sqrt(np.mean((image.astype(float) - sharp) ** 2))))


@ORACLES
def test_oracles_ask_for_the_kernel(oracle: NonBlindDeblurrer) -> None:
    """Both say that they need the kernel, by which the runner tells them from blind deblurrers."""
    assert isinstance(oracle, NonBlindDeblurrer)
    assert oracle.needs_kernel


@ORACLES
@LIGHTS
def test_oracles_restore(oracle: NonBlindDeblurrer, light: Light) -> None:
    """Told the kernel and its light, an oracle gains more than 3 dB on a noisy blurred picture."""
    sharp, kernel = scene(), hooked_kernel(light)
    blurred = blurred_with_noise(sharp, kernel)
    assert psnr_db(oracle(blurred, kernel), sharp) > psnr_db(blurred, sharp) + 3


@ORACLES
@LIGHTS
def test_oracles_go_by_the_kernels_light(oracle: NonBlindDeblurrer, light: Light) -> None:
    """Deblurring in the light that the blur averaged in is better than in the other."""
    sharp, kernel = scene(), hooked_kernel(light)
    other = Kernel(kernel.weights, "gamma" if light == "linear" else "linear")
    blurred = blurred_with_noise(sharp, kernel)
    assert psnr_db(oracle(blurred, kernel), sharp) > psnr_db(oracle(blurred, other), sharp)


@ORACLES
@LIGHTS
def test_oracles_restore_up_to_the_border(oracle: NonBlindDeblurrer, light: Light) -> None:
    """The outermost 8 pixels of every side gain too, hard as they are: no ringing, nothing wraps around."""
    sharp, kernel = scene(), hooked_kernel(light)
    blurred = blurred_with_noise(sharp, kernel)
    restored = oracle(blurred, kernel)
    for strip in (np.s_[:8], np.s_[-8:], np.s_[:, :8], np.s_[:, -8:]):
        assert psnr_db(restored[strip], sharp[strip]) > psnr_db(blurred[strip], sharp[strip])


@ORACLES
@LIGHTS
@pytest.mark.parametrize("side", [1, 9])
def test_a_kernel_of_one_point_changes_nothing(oracle: NonBlindDeblurrer, light: Light, side: int) -> None:
    """On a sharp picture, from black to white, an oracle does no harm: no pixel moves by more than a grey level."""
    sharp = np.random.default_rng(5).integers(0, 256, (40, 31, 3), dtype=np.uint8)
    sharp[:8], sharp[8:16] = 0, 255
    point = np.zeros((side, side))
    point[side // 2, side // 2] = 1
    restored = oracle(sharp, Kernel(point, light))
    assert np.abs(restored.astype(int) - sharp).max() <= 1


@ORACLES
@LIGHTS
@pytest.mark.parametrize("level", [0, 1, 37, 255])
def test_a_constant_picture_stays_constant(oracle: NonBlindDeblurrer, light: Light, level: int) -> None:
    """Blurring changes nothing of a constant picture, and so does deblurring it: borders are not darkened."""
    flat = np.full((20, 33, 3), level, np.uint8)
    np.testing.assert_array_equal(oracle(flat, hooked_kernel(light)), flat)


def test_more_balance_means_less_noise() -> None:
    """Wiener's balance trades noise for blur: the restored noise of a flat picture falls as it rises."""
    kernel = hooked_kernel("gamma")
    noisy = blurred_with_noise(np.full((64, 64, 3), 128, np.uint8), kernel)
    deviations = [float(Wiener(balance)(noisy, kernel).std()) for balance in (0.0005, 0.005, 0.05)]
    assert deviations == sorted(deviations, reverse=True)


def test_no_iteration_restores_nothing() -> None:
    """Richardson-Lucy starts from the blurred picture and gets better as it goes on."""
    sharp, kernel = scene(), hooked_kernel("gamma")
    blurred = blurred_with_noise(sharp, kernel)
    np.testing.assert_array_equal(RichardsonLucy(0)(blurred, kernel), blurred)
    gains = [psnr_db(RichardsonLucy(iterations)(blurred, kernel), sharp) for iterations in (0, 5, 30)]
    assert gains == sorted(gains)

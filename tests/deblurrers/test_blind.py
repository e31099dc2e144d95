"""Blind deconvolution with the shipped weights."""

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.noise import add_noise
from detbench.core.images import read_image
from detbench.core.paths import shipped
from detbench.deblurrers.blind import Blind
from detbench.metrics.kernel_similarity import kernel_similarity
from detbench.types import Image, Kernel, KernelEstimator, Light, Restoration

STREETS = Path(shipped("datasets")) / "streets" / "images"
SHARP = ("test-000-0.jpg", "test-004-0.jpg", "test-010-0.jpg", "test-016-0.jpg")


@pytest.fixture(scope="module")
def blind() -> Blind:
    """For blurs that average stored values."""
    return Blind(device="cpu")


def crop(name: str, height: int = 240, width: int = 280) -> Image:
    """The middle of a shipped street."""
    street = read_image(STREETS / name)
    top, left = (street.shape[0] - height) // 2, (street.shape[1] - width) // 2
    return np.ascontiguousarray(street[top : top + height, left : left + width])


def line(length_px: float, light: Light = "gamma") -> Kernel:
    """An even movement to the right."""
    return kernel_from_path(np.linspace(0, length_px, 2000).astype(complex), light)


def loop() -> Kernel:
    """Nine tenths of a circle of 16 px."""
    return kernel_from_path(8 * np.exp(1j * np.linspace(0, 1.8 * np.pi, 2000)), "gamma")


def blurred(sharp: Image, kernel: Kernel) -> Image:
    """The picture's blur with noise of half a grey level."""
    return add_noise(convolve(sharp, kernel), 0.5, np.random.default_rng(0))


def psnr_db(image: Image, sharp: Image) -> float:
    """Peak signal-to-noise ratio with a peak of 255."""
    return float(20 * np.log10(255 / np.sqrt(np.mean((image.astype(float) - sharp) ** 2))))


def tiles(height: int, width: int) -> Image:
    """Random tiles of 4 px, as sharp as pixels can be."""
    coarse = np.random.default_rng(1).integers(30, 220, (height // 4, width // 4, 3), dtype=np.uint8)
    return coarse.repeat(4, 0).repeat(4, 1)


def test_it_shows_its_kernel(blind: Blind) -> None:
    """It keeps the contract of those that estimate kernels: restoring gives what a call gives, and what blurred it."""
    picture = blurred(crop("test-000-3.jpg", 160, 200), line(12))
    before = picture.copy()
    restoration = blind.restore(picture)
    assert isinstance(blind, KernelEstimator)
    assert isinstance(restoration, Restoration)
    assert restoration.blur is not None
    assert (restoration.blur.kernels.shape[:2], restoration.blur.light) == ((1, 1), "gamma")
    np.testing.assert_array_equal(blind(picture), restoration.image)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize(
    ("kernel", "name", "size", "least", "gain_db"),
    [
        (line(12), "test-000-3.jpg", (240, 280), 0.9, 5),
        (loop(), "test-016-0.jpg", (320, 400), 0.9, 8),
        (line(60), "test-000-2.jpg", (480, 640), 0.8, 0.5),
    ],
    ids=["line of 12", "loop", "line of 60"],
)
def test_blurred_streets_are_restored(
    kernel: Kernel, name: str, size: tuple[int, int], least: float, gain_db: float, blind: Blind
) -> None:
    """A line, a loop and a long line are found, and undoing them gains as many decibels as stated."""
    sharp = crop(name, *size)
    picture = blurred(sharp, kernel)
    restoration = blind.restore(picture)
    assert restoration.blur is not None
    assert kernel_similarity(kernel, restoration.blur) > least
    assert psnr_db(restoration.image, sharp) > psnr_db(picture, sharp) + gain_db


def test_a_blur_of_linear_light_is_restored_in_it() -> None:
    """What a camera averaged is restored by `light=linear`, better than by `gamma`, and says which light it was."""
    sharp, kernel = crop("test-000-3.jpg"), line(12, "linear")
    picture = blurred(sharp, kernel)
    linear, gamma = (Blind(device="cpu", light=light).restore(picture) for light in ("linear", "gamma"))
    assert linear.blur is not None
    assert linear.blur.light == "linear"
    assert psnr_db(linear.image, sharp) > max(psnr_db(gamma.image, sharp), psnr_db(picture, sharp) + 3)


@pytest.mark.parametrize("name", SHARP)
def test_sharp_streets_come_back_unchanged(name: str, blind: Blind) -> None:
    """No blur is found in a sharp street, and every pixel is as it was."""
    sharp = crop(name)
    restoration = blind.restore(sharp)
    np.testing.assert_array_equal(restoration.image, sharp)
    assert restoration.blur is None


@pytest.mark.parametrize("name", SHARP)
def test_sharp_streets_stay_as_they_look(name: str, blind: Blind) -> None:
    """Whatever is found in a sharp street, the picture keeps 30 dB to itself."""
    sharp = crop(name)
    restored = blind(sharp).astype(float)
    assert np.mean((restored - sharp) ** 2) < 65


def test_sharp_tiles_come_back_unchanged(blind: Blind) -> None:
    """Edges as sharp as pixels can be are left alone, with noise of a grey level too."""
    for sharp in (tiles(120, 160), add_noise(tiles(120, 160).astype(float), 1, np.random.default_rng(2))):
        restoration = blind.restore(sharp)
        assert restoration.blur is None
        np.testing.assert_array_equal(restoration.image, sharp)


@pytest.mark.parametrize("light", get_args(Light))
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_come_back(level: int, light: Light) -> None:
    """A picture of one colour shows no blur, be it black, grey or white."""
    flat = np.full((90, 110, 3), level, np.uint8)
    np.testing.assert_array_equal(Blind(device="cpu", light=light)(flat), flat)


def test_nothing_but_noise_comes_back(blind: Blind) -> None:
    """Noise on one level, and noise from black to white, are no texture that a blur could be read from."""
    rng = np.random.default_rng(3)
    for noise in (
        add_noise(np.full((120, 140, 3), 128.0), 2, rng),
        rng.integers(0, 256, (100, 120, 3), dtype=np.uint8),
    ):
        np.testing.assert_array_equal(blind(noise), noise)


@pytest.mark.parametrize("light", get_args(Light))
def test_a_slope_comes_back(light: Light) -> None:
    """Brightness that rises evenly from black to white has no edge, and is left alone."""
    slope = np.linspace(0, 255, 200).astype(np.uint8)[None, :, None].repeat(150, 0).repeat(3, 2)
    np.testing.assert_array_equal(Blind(device="cpu", light=light)(slope), slope)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 300), (47, 60), (40, 2000)])
def test_tiny_pictures_come_back(size: tuple[int, int], blind: Blind) -> None:
    """A picture with a side too short for a kernel is left alone, however long the other is."""
    tiny = np.random.default_rng(4).integers(0, 256, (*size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(blind(tiny), tiny)


@pytest.mark.parametrize("size", [(48, 60), (68, 100), (71, 93), (100, 2400)])
def test_small_pictures_do_not_fail(size: tuple[int, int], blind: Blind) -> None:
    """A picture with a short side, or with one when it is shrunk, is restored or left alone."""
    sharp = cv2.resize(crop("test-000-1.jpg", *size), size[::-1])
    assert blind(blurred(sharp, loop())).shape == (*size, 3)


@pytest.mark.parametrize("size", [(96, 96), (131, 97)])
def test_the_smallest_pictures_that_are_restored(size: tuple[int, int], blind: Blind) -> None:
    """From 96 px on, any size goes through; sides need not be multiples of anything."""
    picture = blurred(crop("test-000-1.jpg", *size), loop())
    assert blind(picture).shape == picture.shape


def test_grey_pictures_stay_grey(blind: Blind) -> None:
    """Three equal channels are restored alike."""
    grey = crop("test-000-3.jpg").mean(2, keepdims=True).repeat(3, 2)
    picture = np.rint(convolve(np.rint(grey).astype(np.uint8), line(12))).astype(np.uint8)
    restored = blind(picture)
    assert not np.array_equal(restored, picture)
    np.testing.assert_array_equal(restored, restored[..., :1].repeat(3, 2))


def test_the_same_picture_again(blind: Blind) -> None:
    """Asked twice, also by another instance, it gives the same picture and the same kernel to the last bit."""
    picture = blurred(crop("test-000-3.jpg", 160, 200), line(12))
    first, second = blind.restore(picture), Blind(device="cpu").restore(picture)
    np.testing.assert_array_equal(first.image, second.image)
    assert first.blur is not None
    assert second.blur is not None
    np.testing.assert_array_equal(first.blur.kernels, second.blur.kernels)


def test_varying_blur_is_undone_by_windows() -> None:
    """Halves blurred by lines of 8 and 17 px gain over 1 dB more by `blur=varying`, which shows a grid of kernels."""
    sharp = np.ascontiguousarray(read_image(STREETS / "test-016-0.jpg")[60:420])
    middle = sharp.shape[1] // 2
    picture = np.concatenate([blurred(sharp, line(8))[:, :middle], blurred(sharp, line(17))[:, middle:]], 1)
    uniform, varying = (
        Blind(device="cpu", light="gamma", blur="uniform").restore(picture),
        Blind(device="cpu", light="gamma", blur="varying").restore(picture),
    )
    assert varying.blur is not None
    assert varying.blur.kernels.shape[:2] == (2, 4)
    assert psnr_db(varying.image, sharp) > psnr_db(uniform.image, sharp) + 1


def test_one_blur_looks_the_same_to_both() -> None:
    """Where one kernel blurred the whole picture, `varying` gives what `uniform` does, with a grid of one kernel."""
    picture = blurred(read_image(STREETS / "test-016-0.jpg")[60:420], line(12))
    uniform = Blind(device="cpu", light="gamma").restore(picture)
    varying = Blind(device="cpu", light="gamma", blur="varying").restore(picture)
    np.testing.assert_array_equal(uniform.image, varying.image)
    assert varying.blur is not None
    assert varying.blur.kernels.shape[:2] == (1, 1)


@pytest.mark.parametrize("size", [(1, 1), (47, 60), (96, 300), (250, 251)])
def test_varying_takes_any_size(size: tuple[int, int]) -> None:
    """Pictures too small for windows, and those of two windows, keep their size."""
    sharp = cv2.resize(crop("test-000-1.jpg", 300, 320), size[::-1])
    assert Blind(device="cpu", blur="varying")(blurred(sharp, line(9))).shape == (*size, 3)

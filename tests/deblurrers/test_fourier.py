import numpy as np
import pytest

from detbench.blur.kernels import convolve
from detbench.blur.light import to_light
from detbench.deblurrers.fourier import canvas_size, continued, filtered, response_of, squared_gradient
from detbench.types import Image, Kernel


def random_picture(height: int, width: int) -> Image:
    """Noise, uint8, shape (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def corner_kernel() -> Kernel:
    """Make a kernel without any symmetry: convolving by it and correlating differ."""
    return Kernel(np.array([[0.5, 0.0, 0.0], [0.2, 0.2, 0.1], [0.0, 0.0, 0.0]]), "gamma")


def test_a_response_is_the_blur_that_makes_datasets() -> None:
    """Away from the borders, filtering by a kernel's response equals `detbench.blur`'s convolution."""
    picture, kernel = random_picture(20, 31), corner_kernel()
    size = canvas_size(20, 31, kernel)
    light = to_light(picture, "gamma").astype(np.float32)
    blurred = filtered(continued(light, size), response_of(kernel, size))[:20, :31] * 255
    np.testing.assert_allclose(blurred[1:-1, 1:-1], convolve(picture, kernel)[1:-1, 1:-1], atol=1e-3)


def test_a_canvas_continues_by_reflection_near_the_picture() -> None:
    """The picture lies at the canvas's origin, and its first pixels outside are those inside, in reverse."""
    light = to_light(random_picture(30, 40), "gamma").astype(np.float32)
    canvas = continued(light, (430, 440))
    np.testing.assert_array_equal(canvas[:30, :40], light)
    np.testing.assert_allclose(canvas[30:32, :40], light[28:26:-1], atol=0.01)
    np.testing.assert_allclose(canvas[:30, -2:], light[:, 2:0:-1], atol=0.01)


def test_a_canvas_repeats_without_a_step() -> None:
    """A ramp from black to white has no larger step anywhere on its canvas than a few of its own."""
    ramp = np.broadcast_to(np.linspace(0, 1, 64, dtype=np.float32)[:, None, None], (64, 8, 3))
    canvas = continued(ramp, (128, 16))
    steps = np.abs(np.diff(np.concatenate([canvas, canvas[:1]]), axis=0))
    assert steps.max() < 4 / 63


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 3)])
def test_a_canvas_takes_pictures_smaller_than_its_margin(height: int, width: int) -> None:
    """The margin may outgrow the picture many times; values stay among the picture's own."""
    light = to_light(random_picture(height, width), "gamma").astype(np.float32)
    canvas = continued(light, (50, 60))
    assert canvas.shape == (50, 60, 3)
    assert light.min() - 1e-6 <= canvas.min() <= canvas.max() <= light.max() + 1e-6


def test_squared_gradient_is_the_power_of_both_differences() -> None:
    """It equals |FFT of (1, -1)|², horizontal plus vertical: 0 for a constant, 8 for a checkerboard."""
    size = (6, 8)
    across, down = np.zeros((2, *size))
    across[0, :2] = down[:2, 0] = (1, -1)
    power = np.abs(np.fft.rfft2(across)) ** 2 + np.abs(np.fft.rfft2(down)) ** 2
    np.testing.assert_allclose(squared_gradient(size)[..., 0], power, atol=1e-6)
    assert squared_gradient(size)[3, 4, 0] == pytest.approx(8)

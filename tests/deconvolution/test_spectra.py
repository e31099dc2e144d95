import numpy as np
import pytest
import torch
from torch import Tensor

from detbench.blur.kernels import convolve
from detbench.blur.light import to_light
from detbench.deconvolution.spectra import (
    MARGIN,
    continue_by_guess,
    fast_length,
    gradient_power,
    gradients,
    lay_out,
    taper,
    transfer,
)
from detbench.types import Image, Kernel

CPU = torch.device("cpu")
SIZES = pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 3), (20, 31), (64, 5)])


def random_picture(height: int, width: int) -> Image:
    """Noise, uint8, shape (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def corner_kernel() -> Kernel:
    """A kernel without any symmetry: convolving by it and correlating differ."""
    return Kernel(np.array([[0.5, 0.0, 0.0], [0.2, 0.2, 0.1], [0.0, 0.0, 0.0]]), "gamma")


def tensor(picture: Image) -> Tensor:
    """A picture (H, W, 3) as light (1, 3, H, W)."""
    return torch.from_numpy(to_light(picture, "gamma").astype(np.float32)).permute(2, 0, 1)[None]


def weights(kernel: Kernel) -> Tensor:
    """A kernel as a tensor (1, K, K)."""
    return torch.from_numpy(kernel.weights.astype(np.float32))[None]


def levels(pictures: Tensor) -> np.ndarray:
    """Light (1, 3, H, W) as grey levels (H, W, 3)."""
    return pictures[0].permute(1, 2, 0).numpy() * 255


def test_a_response_is_the_blur_that_makes_datasets() -> None:
    """Away from the borders, a canvas's blur equals `detbench.blur`'s convolution."""
    picture, kernel = random_picture(20, 31), corner_kernel()
    canvas = lay_out(tensor(picture), weights(kernel))
    blurred = levels(canvas.cropped(canvas.blurred(canvas.light)))
    np.testing.assert_allclose(blurred[1:-1, 1:-1], convolve(picture, kernel)[1:-1, 1:-1], atol=1e-3)


def test_a_guess_stands_beyond_the_borders_as_a_camera_sees_it() -> None:
    """Just outside, a canvas holds the blur of the guess's reflection; inside, the blurred picture to the last bit."""
    sharp, kernel = random_picture(30, 40), corner_kernel()
    seen = tensor(random_picture(30, 40)[::-1].copy())
    canvas = continue_by_guess(seen, tensor(sharp), weights(kernel))
    assert torch.equal(canvas.cropped(canvas.light), seen)
    near = canvas.margin // 2 - 1
    wider = convolve(np.pad(sharp, ((near + 1,) * 2, (near + 1,) * 2, (0, 0)), "reflect"), kernel)[1:-1, 1:-1]
    light = levels(canvas.light)[canvas.margin - near :, canvas.margin - near :][: 30 + 2 * near, : 40 + 2 * near]
    outside = np.ones((30 + 2 * near, 40 + 2 * near), bool)
    outside[near:-near, near:-near] = False
    np.testing.assert_allclose(light[outside], wider[outside], atol=1e-3)


@SIZES
def test_a_canvas_holds_any_picture_as_it_is(height: int, width: int) -> None:
    """The margin may outgrow the picture many times; the picture is there untouched, the rest among its values."""
    light = tensor(random_picture(height, width))
    canvas = lay_out(light, torch.full((1, 21, 21), 1 / 441))
    assert (canvas.margin, canvas.height, canvas.width) == (10 + MARGIN, height, width)
    assert torch.equal(canvas.cropped(canvas.light), light)
    assert light.min() - 1e-5 <= canvas.light.min() <= canvas.light.max() <= light.max() + 1e-5


@SIZES
def test_cropping_is_a_view(height: int, width: int) -> None:
    """What is written to the picture's part of a tensor stands in the tensor, and nowhere else."""
    canvas = lay_out(tensor(random_picture(height, width)), torch.ones(1, 1, 1))
    marked = torch.zeros_like(canvas.light)
    canvas.cropped(marked).fill_(1)
    assert marked.sum() == 3 * height * width


def test_a_canvas_continues_by_reflection_near_the_picture() -> None:
    """The first pixels outside are those inside, in reverse, without the edge itself."""
    light = tensor(random_picture(30, 40))
    canvas = lay_out(light, torch.full((1, 201, 201), 1 / 201**2))
    start, end = canvas.margin, canvas.margin + 40
    rows = slice(canvas.margin, canvas.margin + 30)
    torch.testing.assert_close(canvas.light[..., rows, start - 2 : start], light[..., 1:3].flip(3), atol=0.01, rtol=0)
    torch.testing.assert_close(canvas.light[..., rows, end : end + 2], light[..., -3:-1].flip(3), atol=0.01, rtol=0)


@pytest.mark.parametrize("side", [9, 41])
def test_a_canvas_repeats_without_a_step(side: int) -> None:
    """On its canvas, round the end too, a ramp from black to white takes no larger step than a few of its own."""
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 8, 64)
    box = torch.full((1, side, side), 1 / side**2)
    canvas = lay_out(ramp, box)
    steps = torch.cat([canvas.light, canvas.light[..., :1]], 3).diff(dim=3).abs()
    assert steps.max() < 6 / 63


def test_pictures_in_a_batch_have_kernels_of_their_own() -> None:
    """Two pictures on one canvas are what each is on its own."""
    pictures = torch.cat([tensor(random_picture(12, 9)), tensor(random_picture(12, 9)[::-1].copy())])
    kernels = torch.stack([weights(corner_kernel())[0], weights(corner_kernel())[0].T])
    both = lay_out(pictures, kernels)
    for place in range(2):
        one = lay_out(pictures[place : place + 1], kernels[place : place + 1])
        torch.testing.assert_close(both.light[place : place + 1], one.light)
        torch.testing.assert_close(both.response[place : place + 1], one.response)


def test_a_kernel_of_one_point_moves_nothing() -> None:
    """Its response is 1 at every frequency, however large its square is; every kernel leaves brightness alone."""
    for side in (1, 7):
        point = torch.zeros(1, side, side)
        point[0, side // 2, side // 2] = 1
        torch.testing.assert_close(transfer(point, (8, 10)), torch.ones(1, 1, 8, 6, dtype=torch.complex64))
    assert transfer(weights(corner_kernel()), (8, 10))[0, 0, 0, 0].real.item() == pytest.approx(1)


def test_gradient_power_is_the_power_of_both_differences() -> None:
    """It equals |FFT of (1, -1)|², horizontal plus vertical: 0 for a constant, 8 for a checkerboard."""
    size = (6, 8)
    across, down = np.zeros((2, *size))
    across[0, :2] = down[:2, 0] = (1, -1)
    power = np.abs(np.fft.rfft2(across)) ** 2 + np.abs(np.fft.rfft2(down)) ** 2
    found = gradient_power(size, CPU).numpy()
    np.testing.assert_allclose(found, power, atol=1e-6)
    assert (found[0, 0], found[3, 4]) == (0, pytest.approx(8))


def test_gradients_point_right_and_down() -> None:
    """A step to the right is in the first channel, one downwards in the second; the last column and row have none."""
    picture = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [2.0, 3.0, 3.0]])
    across, down = gradients(picture[None, None])[0]
    assert across.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert down.tolist() == [[0, 0, 0], [2, 2, 2], [0, 0, 0]]


@pytest.mark.parametrize("length", [*range(1, 130), 997])
def test_a_fast_length_is_the_next_even_product_of_small_primes(length: int) -> None:
    """It is the smallest even 2^a · 3^b · 5^c that is not below the length."""
    products = {2**a * 3**b * 5**c for a in range(1, 11) for b in range(7) for c in range(5)}
    assert fast_length(length) == min(product for product in products if product >= length)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (64, 64)])
def test_a_taper_rises_from_every_border(size: tuple[int, int]) -> None:
    """Weights lie in 0..1, are the same from both ends, never fall towards the middle, and are 1 within the margin."""
    window = taper(size, 8)
    assert window.shape == size
    assert torch.equal(window, window.flip(0, 1))
    assert 0 < window.min() <= window.max() <= 1
    assert (window[: (size[0] + 1) // 2].diff(dim=0) >= 0).all()
    assert (window[8 : size[0] - 8, 8 : size[1] - 8] == 1).all()

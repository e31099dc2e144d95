from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.light import to_light
from detbench.blur.noise import add_noise, to_image
from detbench.blur.trajectory import random_trajectory
from detbench.core.images import read_image
from detbench.core.paths import shipped
from detbench.deblurrers.non_blind import TotalVariation, Wiener
from detbench.deconvolution import latent
from detbench.deconvolution.latent import differences, divergence, few_edges, growing, total_variation
from detbench.deconvolution.spectra import gradient_power, lay_out
from detbench.types import Image, Kernel, Light

STREETS = Path(shipped("datasets")) / "streets" / "images"
NAMES = ("test-000-0.jpg", "test-000-3.jpg", "test-004-2.jpg", "test-010-0.jpg")
STRIPS = (np.s_[:8], np.s_[-8:], np.s_[:, :8], np.s_[:, -8:])


def street(name: str) -> Image:
    """The middle of a shipped street, 160 rows of 200."""
    return np.ascontiguousarray(read_image(STREETS / name)[160:320, 220:420])


def path_kernel(length_px: float, light: Light) -> Kernel:
    """A bent path of a hand-held camera."""
    return kernel_from_path(random_trajectory(length_px, 0.004, np.random.default_rng(6)), light)


def tensor(picture: Image, light: Light = "gamma") -> Tensor:
    """A picture (H, W, 3) as light (1, 3, H, W)."""
    return torch.from_numpy(to_light(picture, light).astype(np.float32)).permute(2, 0, 1)[None]


def weights(kernel: Kernel) -> Tensor:
    """A kernel as a tensor (1, K, K)."""
    return torch.from_numpy(kernel.weights.astype(np.float32))[None]


def squared_error(image: Image, sharp: Image) -> float:
    """Mean of the squared differences, in grey levels."""
    return float(np.mean((image.astype(float) - sharp) ** 2))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 8), (40, 31)])
def test_divergence_is_the_transpose_of_differences(size: tuple[int, int]) -> None:
    """⟨Dx, g⟩ = ⟨x, Dᵀg⟩ for any picture x and any gradients g."""
    generator = torch.Generator().manual_seed(0)
    x, across, down = torch.rand(3, 2, 3, *size, generator=generator, dtype=torch.float64)
    dx_across, dx_down = differences(x)
    forth = (dx_across * across).sum() + (dx_down * down).sum()
    assert forth.item() == pytest.approx((x * divergence(across, down)).sum().item())


def test_differences_wrap_around() -> None:
    """The last column and row differ from the first; divergence of differences is a filter by gradient_power."""
    x = torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(1))
    across, down = differences(x)
    torch.testing.assert_close(across, torch.roll(x, -1, 3) - x)
    torch.testing.assert_close(down, torch.roll(x, -1, 2) - x)
    spectrum = torch.fft.rfft2(x) * gradient_power((6, 8), torch.device("cpu"))
    torch.testing.assert_close(torch.fft.rfft2(divergence(across, down)), spectrum, atol=1e-5, rtol=1e-4)


def test_weights_of_the_tie_grow() -> None:
    """From the first by the factor, all below the last."""
    assert growing(2, 3, 54) == [2, 6, 18]
    assert growing(5, 2, 5) == []


def test_few_edges_finds_what_has_few() -> None:
    """Of the blur of a white square with faint noise remains a picture with the square's edges, and no others."""
    sharp = torch.zeros(1, 1, 60, 70)
    sharp[..., 20:40, 25:50] = 0.8
    kernel = torch.full((1, 1, 5), 0.2)
    kernel = torch.nn.functional.pad(kernel, (0, 0, 2, 2))
    canvas = lay_out(sharp, kernel)
    canvas.light.copy_(canvas.blurred(canvas.light))
    canvas.light.add_(torch.randn(canvas.light.shape, generator=torch.Generator().manual_seed(2)), alpha=0.005)
    found = few_edges(canvas, 2e-3, 2.0)
    assert (found - sharp).abs().mean() < 0.01
    torch.testing.assert_close(found[..., 5:15, 5:15].std(), torch.tensor(0.0), atol=0.002, rtol=0)


def test_dearer_edges_are_fewer() -> None:
    """A higher cost of an edge leaves fewer pixels with a gradient."""
    grey = tensor(street(NAMES[0])).mean(1, keepdim=True)
    counts = []
    for cost in (1e-4, 2e-3):
        across, down = differences(few_edges(lay_out(grey, torch.ones(1, 1, 1)), cost))
        counts.append(int((across.square() + down.square() > 1e-4).sum()))
    assert counts[1] < 0.9 * counts[0]


@pytest.mark.parametrize("light", get_args(Light))
@pytest.mark.parametrize("length_px", [12, 30])
@pytest.mark.parametrize("name", NAMES)
def test_total_variation_gains_what_wiener_gains(name: str, length_px: float, light: Light) -> None:
    """Told the kernel, on a street with noise of a grey level: in the whole picture, and in its outer 8 pixels."""
    sharp, kernel = street(name), path_kernel(length_px, light)
    blurred = add_noise(convolve(sharp, kernel), 1, np.random.default_rng(7))
    ours, wieners = TotalVariation()(blurred, kernel), Wiener()(blurred, kernel)
    assert squared_error(ours, sharp) < squared_error(wieners, sharp)
    border = [[squared_error(image[strip], sharp[strip]) for strip in STRIPS] for image in (ours, wieners)]
    assert sum(border[0]) < sum(border[1])


def test_clipped_pixels_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Around a lamp of four times white, leaving clipped pixels out of the equations is better than trusting them."""
    light, kernel = tensor(street(NAMES[1]), "linear"), weights(path_kernel(30, "linear"))
    light[..., 50:54, 60:64] = 4
    canvas = lay_out(light, kernel)
    seen = canvas.cropped(canvas.blurred(canvas.light)).clamp(0, 1)
    around, errors = (..., slice(30, 80), slice(40, 90)), []
    for threshold in (latent.CLIPPED, 2.0):
        monkeypatch.setattr(latent, "CLIPPED", threshold)
        restored = total_variation(seen, kernel, 4500)
        errors.append((restored - light).clamp(-1, 1)[around].square().mean().item())
    assert errors[0] < 0.9 * errors[1]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 40), (9, 5)])
def test_any_size_is_finite(size: tuple[int, int]) -> None:
    """Pictures smaller than the kernel, a single pixel too, come back in their size, and finite."""
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(3))
    restored = total_variation(picture, weights(path_kernel(30, "gamma")), 4500)
    assert restored.shape == picture.shape
    assert torch.isfinite(restored).all()


def test_more_strength_goes_closer_by_the_picture() -> None:
    """The blur of the restored picture comes ever nearer to what was seen."""
    sharp, kernel = street(NAMES[2]), path_kernel(12, "gamma")
    seen = tensor(to_image(convolve(sharp, kernel)))
    misfits = []
    for strength in (50, 500, 5000):
        canvas = lay_out(total_variation(seen, weights(kernel), strength), weights(kernel))
        blurred = canvas.cropped(canvas.blurred(canvas.light))
        misfits.append((blurred - seen)[..., 20:-20, 20:-20].square().mean().item())
    assert misfits == sorted(misfits, reverse=True)


def test_a_batch_has_kernels_of_its_own() -> None:
    """Two pictures with two kernels have the results that each has on its own."""
    pictures = torch.cat([tensor(street(name)) for name in NAMES[:2]])
    kernel = weights(path_kernel(12, "gamma"))
    kernels = torch.cat([kernel, kernel.flip(2)])
    both = total_variation(pictures, kernels, 2000)
    for place in range(2):
        one = slice(place, place + 1)
        torch.testing.assert_close(both[one], total_variation(pictures[one], kernels[one], 2000), atol=1e-3, rtol=0)

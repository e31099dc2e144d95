from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.trajectory import random_trajectory
from detbench.core.images import read_image
from detbench.core.paths import shipped
from detbench.deconvolution.denoising import (
    LEAST_NOISE,
    NOISY,
    denoised,
    noise_levels,
    strength_against,
    strength_for_found,
)

STREETS = Path(shipped("datasets")) / "streets" / "images"


def blurred_street(name: str) -> np.ndarray:
    """A street's grey levels (H, W), blurred along a path of 20 px."""
    path = random_trajectory(20, 0.003, np.random.default_rng(1))
    levels: np.ndarray = convolve(read_image(STREETS / name), kernel_from_path(path, "gamma")).mean(2)
    return levels


def grey(levels: np.ndarray) -> Tensor:
    """Grey levels 0..255 as a picture (1, 1, H, W) of stored values 0..1."""
    return torch.from_numpy((levels / 255).astype(np.float32))[None, None]


@pytest.mark.parametrize("name", ["test-000-1.jpg", "test-004-2.jpg", "test-010-0.jpg"])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 5.0])
def test_added_noise_is_measured(name: str, sigma: float) -> None:
    """On a blurred street, noise of .5 to 5 grey levels is measured to a fifth."""
    levels = blurred_street(name)
    noisy = levels + sigma * np.random.default_rng(2).standard_normal(levels.shape)
    assert noise_levels(grey(noisy)) == pytest.approx(sigma, rel=0.2)


def test_rounding_is_noise() -> None:
    """A blurred street that is merely rounded has the .29 grey levels of rounding, to a third."""
    assert noise_levels(grey(np.rint(blurred_street("test-000-1.jpg")))) == pytest.approx(12**-0.5, rel=0.33)


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (40, 2), (3, 3), (60, 50)])
def test_flat_and_tiny_pictures_have_no_noise(size: tuple[int, int]) -> None:
    """A picture of one level, or with a side under 3 pixels, has none; nothing fails."""
    assert noise_levels(torch.full((1, 1, *size), 0.4)) == pytest.approx(0, abs=1e-3)
    assert min(size) >= 3 or noise_levels(torch.rand(1, 1, *size)) == 0


def test_a_slope_is_no_noise() -> None:
    """Brightness that rises evenly, whichever way, has no second difference."""
    down, across = torch.meshgrid(torch.linspace(0, 0.4, 50), torch.linspace(0, 0.5, 60), indexing="ij")
    assert noise_levels((down + across)[None, None]) == pytest.approx(0, abs=1e-3)


def test_denoising_brings_a_blurred_street_back() -> None:
    """Of noise of 4 grey levels less than half is left, edges included; a quiet picture is left alone."""
    levels = np.clip(blurred_street("test-000-1.jpg"), 20, 235)
    noisy = grey(levels + 4 * np.random.default_rng(3).standard_normal(levels.shape))
    misfit = 255 * (denoised(noisy, 4.0) - grey(levels)).square().mean().sqrt()
    assert misfit < 2
    assert denoised(noisy, NOISY) is noisy


def test_strength_falls_with_noise() -> None:
    """The noisier a picture, the less it is gone by; below the least noise nothing changes, not even at none."""
    strengths = [strength_against(noise) for noise in (0.85, 1, 2, 5, 20)]
    assert strengths == sorted(set(strengths), reverse=True)
    assert strengths[-1] > 0
    assert strength_against(0) == strength_against(LEAST_NOISE)


def test_found_kernels_are_gone_by_less() -> None:
    """A kernel that was found is trusted less than a true one, and a long one least; much noise rules them all."""
    assert strength_for_found(0.5, 3) < strength_against(0.5)
    assert strength_for_found(0.5, 12) < strength_for_found(0.5, 3)
    assert strength_for_found(20, 3) == strength_against(20)

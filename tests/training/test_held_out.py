from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.blur.recipes import TrajectoryRecipe
from detbench.metrics.quality import psnr_db, ssim
from detbench.training.data.crops import CropRecipe, HeldOutCrops
from detbench.training.data.sources import find_sources
from detbench.training.held_out import HeldOut, restored
from detbench.training.training_plan import TrainingPlan

RECIPE = CropRecipe(crop_px=48, longest_px=640, blurs=(TrajectoryRecipe(length_px=12, exposure=1),))
CPU = torch.device("cpu")


@pytest.fixture
def held_out(photos: Path) -> HeldOut:
    """Three crops of 48 px."""
    return HeldOut(HeldOutCrops(find_sources([photos], None, Fraction(1)), RECIPE, seed=0, count=3), seed=0)


class Brighter(nn.Module):
    """Adds .7 grey levels to each pixel."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) in and out."""
        return pictures + 0.7 / 127.5


def test_the_blurred_pictures_are_the_floor(held_out: HeldOut) -> None:
    """Their quality is the mean PSNR and SSIM of the pictures themselves."""
    pairs = list(zip(held_out.blurred, held_out.sharp, strict=True))
    assert held_out.quality.psnr_db == pytest.approx(np.mean([psnr_db(*pair) for pair in pairs]))
    assert held_out.quality.ssim == pytest.approx(np.mean([ssim(*pair) for pair in pairs]))


def test_a_net_that_changes_nothing_is_as_good(held_out: HeldOut, make_plan: Callable[..., TrainingPlan]) -> None:
    """Restored by the identity, the crops have exactly the blurred ones' quality."""
    images = restored(make_plan(), nn.Identity(), held_out.blurred, CPU, "fp32")
    assert held_out.measure(images) == held_out.quality


def test_values_are_rounded(held_out: HeldOut, make_plan: Callable[..., TrainingPlan]) -> None:
    """.7 levels brighter is one level brighter, where truncation would make it none."""
    images = restored(make_plan(), Brighter(), held_out.blurred, CPU, "fp32")
    for image, blurred in zip(images, held_out.blurred, strict=True):
        np.testing.assert_array_equal(image, np.minimum(blurred.astype(int) + 1, 255))


def test_dropout_is_off(held_out: HeldOut, make_plan: Callable[..., TrainingPlan]) -> None:
    """A net in training restores as it would later, and trains on."""
    net = nn.Sequential(nn.Dropout(0.5)).train()
    np.testing.assert_array_equal(restored(make_plan(), net, held_out.blurred, CPU, "fp32"), held_out.blurred)
    assert net.training


def test_pictures_of_any_size(make_plan: Callable[..., TrainingPlan]) -> None:
    """Sides are padded to the network's multiple for it alone: 30x45 goes in as 32x48, and comes out as it was."""
    seen: list[tuple[int, ...]] = []

    class Looking(nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            seen.append(tuple(pictures.shape))
            return pictures

    image = np.random.default_rng(0).integers(0, 256, (30, 45, 3), dtype=np.uint8)
    (same,) = restored(make_plan(multiple=16), Looking(), [image], CPU, "fp32")
    assert seen == [(1, 3, 32, 48)]
    np.testing.assert_array_equal(same, image)


def test_the_pictures_never_change(held_out: HeldOut, photos: Path) -> None:
    """Made again, for a resume, they are the same to the last bit, noise included."""
    again = HeldOut(HeldOutCrops(find_sources([photos], None, Fraction(1)), RECIPE, seed=0, count=3), seed=0)
    np.testing.assert_array_equal(again.blurred, held_out.blurred)


def test_crops_that_were_not_blurred_do_not_count(photos: Path) -> None:
    """Else a net that touches them would seem to restore: their PSNR is undefined or high before.

    A recipe that draws noise for each crop gives some to those too; they count as little then.
    """
    recipe = CropRecipe(crop_px=48, longest_px=640, blurs=RECIPE.blurs, sharp_share=0.5)
    mixed = HeldOut(HeldOutCrops(find_sources([photos], None, Fraction(1)), recipe, seed=0, count=8), seed=0)
    is_sharp = [np.array_equal(*pair) for pair in zip(mixed.blurred, mixed.sharp, strict=True)]
    assert 0 < sum(is_sharp) < len(is_sharp)
    touched = [image ^ 1 if sharp else image for image, sharp in zip(mixed.blurred, is_sharp, strict=True)]
    assert mixed.measure(touched) == mixed.quality
    drawn = replace(recipe, most_noise=6)
    noisy = HeldOut(HeldOutCrops(find_sources([photos], None, Fraction(1)), drawn, seed=0, count=8), seed=0)
    wiped = [image * 0 if sharp else image for image, sharp in zip(noisy.blurred, is_sharp, strict=True)]
    assert noisy.measure(wiped) == noisy.quality

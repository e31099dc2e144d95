"""Held-out pictures of every source apart, on a drawn dataset with boxes and a detector that needs no weights."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.detectors.blobs import Blobs
from detbench.training.data.sources import find_source
from detbench.training.recipe import Recipe
from detbench.training.training_plan import TrainingPlan
from detbench.training.validation import Validation

ADAPTERS = {f"detbench.detectors.{name}" for name in ("ultralytics_safely", "ultralytics_yolo", "fused")}
CPU = torch.device("cpu")
RECIPE = Recipe(crop_px=32, held_out_px=32, held_out_crops=6, blurs=("trajectory:length_px=12",))


class Wiping(nn.Module):
    """A network that gives back grey."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) in and out."""
        return torch.zeros_like(pictures)


@pytest.fixture
def validation(drawn_pairs: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Validation:
    """Of photos and pairs, judged by the detector of blobs."""
    monkeypatch.setattr("detbench.detectors.ultralytics_yolo.Yolo", lambda _file, _device: Blobs())
    return Validation([find_source(photos), find_source(drawn_pairs)], RECIPE, None, "cpu", lambda _line: None)


def test_sources_are_judged_apart(validation: Validation, make_plan: Callable[..., TrainingPlan]) -> None:
    """What changes nothing is as good as the blurred pictures of each; mAP is that of the source with boxes."""
    compared, images = validation.measure(make_plan(), nn.Identity(), CPU, "fp32")
    assert list(compared) == ["photos", "pairs"]
    for each in compared.values():
        assert each.restored == each.blurred
    assert compared["photos"].restored.psnr_db != compared["pairs"].restored.psnr_db
    assert compared["photos"].restored.map is compared["photos"].sharp_map is None
    assert compared["pairs"].restored.map < compared["pairs"].sharp_map  # type: ignore[operator]
    for image, blurred in zip(images, validation.blurred, strict=True):
        np.testing.assert_array_equal(image, blurred)


def test_a_network_that_wipes_everything_finds_nothing(
    validation: Validation, make_plan: Callable[..., TrainingPlan]
) -> None:
    """mAP 0 of what it restored, the blurred pictures' as it was; both sources' PSNR falls."""
    compared, _ = validation.measure(make_plan(), Wiping(), CPU, "fp32")
    assert compared["pairs"].restored.map == 0
    assert compared["pairs"].blurred.map > 0  # type: ignore[operator]
    assert all(each.restored.psnr_db < each.blurred.psnr_db for each in compared.values())  # type: ignore[operator]


def test_crops_are_shared_among_the_sources(validation: Validation) -> None:
    """Six crops are three of each, a source's beside the other's: the page shows both kinds."""
    assert len(validation.sharp) == len(validation.blurred) == 6


def test_without_ultralytics_the_map_is_left_out(drawn_pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a note that says so; the rest is judged."""
    for name in [name for name in sys.modules if name.startswith("ultralytics.") or name in ADAPTERS]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    said: list[str] = []
    Validation([find_source(drawn_pairs)], RECIPE, None, "cpu", said.append)
    assert len(said) == 1
    assert "no mAP of held-out pictures" in said[0]
    assert "is not installed" in said[0]

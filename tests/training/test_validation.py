"""Held-out pictures of every source apart, on a drawn dataset with boxes and a detector that needs no weights."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch import Tensor, nn

from detbench.detectors.blobs import Blobs
from detbench.errors import DataError
from detbench.training.data.sources import Source, find_source
from detbench.training.held_out_detection import HeldOutDetection, detection_of
from detbench.training.recipe import Recipe
from detbench.training.training_plan import TrainingPlan
from detbench.training.validation import Validation

CPU = torch.device("cpu")
RECIPE = Recipe(crop_px=32, held_out_px=32, held_out_crops=6, blurs=("trajectory:length_px=12",))


@pytest.fixture
def pairs(drawn_dataset: Path, tmp_path: Path) -> Path:
    """The drawn dataset with blurred twins."""
    folder = Path(shutil.copytree(drawn_dataset, tmp_path / "pairs"))
    (folder / "blurred").mkdir()
    for file in (folder / "images").iterdir():
        blurred = cv2.blur(np.asarray(PillowImage.open(file).convert("RGB")), (9, 9))
        PillowImage.fromarray(blurred).save(folder / "blurred" / file.name)
    return folder


@pytest.fixture
def detection(pairs: Path) -> HeldOutDetection:
    """All twelve pairs, and the detector of blobs."""
    found = detection_of(find_source(pairs), Blobs(), 24)
    assert found is not None
    return found


def test_blur_costs_map(detection: HeldOutDetection) -> None:
    """Sharp pictures are at .9 and more, blurred ones far below; boxes of nothing are worth nothing."""
    sharp, blurred = detection.map_of(detection.sharp), detection.map_of(detection.blurred)
    assert sharp is not None
    assert blurred is not None
    assert sharp > 0.9
    assert blurred < sharp - 0.2
    assert detection.map_of([np.zeros_like(image) for image in detection.sharp]) == 0


def test_only_the_held_out_pictures_count(pairs: Path) -> None:
    """Of two pairs, two pictures and their own boxes are the truth."""
    source = find_source(pairs)
    some = Source(source.name, source.kind, source.pictures[4:6], 1.0, source.annotations)
    found = detection_of(some, Blobs(), 24)
    assert found is not None
    assert [image["file_name"] for image in found.truth["images"]] == ["drawn-05.png", "drawn-06.png"]
    assert {each["image_id"] for each in found.truth["annotations"]} == {5, 6}
    assert found.map_of(found.sharp) > 0.9  # type: ignore[operator]


def test_pictures_are_spread_evenly(pairs: Path) -> None:
    """Four of twelve are every third."""
    found = detection_of(find_source(pairs), Blobs(), 4)
    assert found is not None
    assert [image["id"] for image in found.truth["images"]] == [1, 4, 7, 10]
    assert len(found.sharp) == len(found.blurred) == 4


def test_a_detector_of_other_things_does_not_judge(pairs: Path, photos: Path) -> None:
    """Without a common class, and of sources without boxes, there is no mAP; damaged boxes are an error."""

    class Faces(Blobs):
        classes = ("face",)

    assert detection_of(find_source(pairs), Faces(), 24) is None
    assert detection_of(find_source(photos), Blobs(), 24) is None
    (pairs / "annotations.json").write_text("{")
    with pytest.raises(DataError, match=r"annotations\.json"):
        detection_of(find_source(pairs), Blobs(), 24)


class Wiping(nn.Module):
    """A network that gives back grey."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) in and out."""
        return torch.zeros_like(pictures)


@pytest.fixture
def validation(pairs: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Validation:
    """Of photos and pairs, judged by the detector of blobs."""
    monkeypatch.setattr("detbench.detectors.ultralytics_yolo.Yolo", lambda _file, _device: Blobs())
    return Validation([find_source(photos), find_source(pairs)], RECIPE, None, "cpu", lambda _line: None)


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


def test_without_ultralytics_the_map_is_left_out(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a note that says so; the rest is judged."""
    monkeypatch.setitem(sys.modules, "detbench.detectors.ultralytics_yolo", None)
    said: list[str] = []
    Validation([find_source(pairs)], RECIPE, None, "cpu", said.append)
    assert len(said) == 1
    assert "no mAP of held-out pictures" in said[0]
    assert "is not installed" in said[0]


def test_annotations_of_other_pictures_are_no_truth(pairs: Path) -> None:
    """Where no held-out picture is annotated there is no mAP."""
    document = json.loads((pairs / "annotations.json").read_text())
    for image in document["images"]:
        image["file_name"] = f"other-{image['file_name']}"
    (pairs / "annotations.json").write_text(json.dumps(document))
    assert detection_of(find_source(pairs), Blobs(), 24) is None

"""The embedded dataset as it is shipped."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.core.paths import shipped
from detbench.datasets.coco import CocoFolder
from detbench.datasets.opening import open_dataset

FOLDER = shipped("datasets") / "streets"
CLASSES = {
    1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 6: "bus", 8: "truck", 10: "traffic light", 13: "stop sign",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """`annotations.json`."""
    content: dict[str, Any] = json.loads((FOLDER / "annotations.json").read_text())
    return content


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """`manifest.json`."""
    content: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text())
    return content


def counted(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Annotations that are no crowd."""
    return [annotation for annotation in document["annotations"] if not annotation["iscrowd"]]


def test_it_opens_by_its_name() -> None:
    """120 pairs of 640 × 480; every file is the one that the manifest was written for, every blur is known."""
    dataset = open_dataset("streets")
    assert (dataset.name, len(dataset), dict(dataset.classes)) == ("streets", 120, CLASSES)
    for sample in dataset:
        assert sample.sharp is not None
        assert sample.blur is not None
        assert (sample.sharp.width, sample.sharp.height) == (sample.blurred.width, sample.blurred.height) == (640, 480)
        assert (sample.blur.kind, sample.blur.kernel) == ("exposure", None)


def test_pixels_differ_by_blur_alone() -> None:
    """A twin has the scene light of its sharp picture, or more where a clipped sky spreads; and it has less detail."""
    for sample in CocoFolder(FOLDER):
        assert sample.sharp is not None
        assert sample.blur is not None
        sharp, blurred = sample.sharp.load() / 255, sample.blurred.load() / 255
        assert 0.99 < (blurred**2.2).mean() / (sharp**2.2).mean() < 1.15
        detail = np.abs(np.diff(blurred, axis=1)).mean() / np.abs(np.diff(sharp, axis=1)).mean()
        assert detail < (1 if (sample.blur.severity_px or 0) < 12 else 0.9)


def test_it_is_light_enough_to_ship() -> None:
    """All files together stay under 30 MB."""
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 30e6


def test_every_class_is_there(document: dict[str, Any]) -> None:
    """Each class has counted boxes enough for an average precision, people and cars in plenty."""
    counts = Counter(CLASSES[annotation["category_id"]] for annotation in counted(document))
    assert set(counts) == set(CLASSES.values())
    assert min(counts.values()) >= 30
    assert min(counts["person"], counts["car"]) >= 300


def test_what_is_too_small_or_hidden_is_a_crowd(document: dict[str, Any]) -> None:
    """The stated rule: counted boxes have sides of 12 px, 60 px of area and a quarter in sight, or more."""
    for annotation in counted(document):
        assert min(annotation["bbox"][2:]) >= 12
        assert annotation["area"] >= 60
        assert annotation["visible"] >= 0.25
    assert sum(annotation["iscrowd"] for annotation in document["annotations"]) > 50


def test_boxes_lie_in_their_pictures(document: dict[str, Any]) -> None:
    """Whole pixels, inside the picture, and no more visible pixels than the box has."""
    for annotation in document["annotations"]:
        left, top, wide, tall = annotation["bbox"]
        assert all(isinstance(number, int) for number in annotation["bbox"])
        assert left >= 0
        assert top >= 0
        assert left + wide <= 640
        assert top + tall <= 480
        assert 0 < annotation["area"] <= wide * tall


def test_sizes_span_from_tiny_to_half_the_picture(document: dict[str, Any]) -> None:
    """From COCO's small to more than a third of the picture, a good share of each size class."""
    areas = np.array([annotation["area"] for annotation in counted(document)])
    shares = [(areas < 32**2).mean(), ((areas >= 32**2) & (areas < 96**2)).mean(), (areas >= 96**2).mean()]
    assert min(shares) > 0.1
    assert max(annotation["bbox"][2] * annotation["bbox"][3] for annotation in counted(document)) > 640 * 480 / 3


def test_severities_spread_evenly(manifest: dict[str, Any]) -> None:
    """Mean paths from 2 to 42 px, about as many pictures in each quarter of that range."""
    severities = [picture["severity_px"] for picture in manifest["pictures"]]
    counts, _ = np.histogram(severities, bins=np.linspace(2, 42, 5))
    assert counts.sum() >= 116
    assert min(counts) >= 24


def test_exposures_are_a_cameras(manifest: dict[str, Any]) -> None:
    """Times between a thousandth and a fifth of a second, in linear light, the camera always in some motion."""
    for picture in manifest["pictures"]:
        parameters = picture["parameters"]
        assert 1e-3 < parameters["exposure_s"] < 0.2
        assert parameters["light"] == "linear"
        assert parameters["turn_deg"] + parameters["shift_m"] > 0


def test_light_and_views_vary(document: dict[str, Any]) -> None:
    """Sun, clouds, overcast and dusk; a driver's, a walker's, a bystander's and an upper window's view."""
    assert {image["weather"] for image in document["images"]} == {"clear", "cloudy", "overcast", "dusk"}
    assert {image["view"] for image in document["images"]} == {"driver", "walker", "across", "high"}
    assert len({image["street"] for image in document["images"]}) == 24


def test_nothing_else_is_shipped() -> None:
    """Every picture in the folder belongs to a sample."""
    names = {sample.file_name for sample in CocoFolder(FOLDER)}
    for kind in ("images", "blurred"):
        assert {path.name for path in Path(FOLDER / kind).iterdir()} == names

"""Boxes found in whole held-out pictures, on a drawn dataset and with a detector that needs no weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from detbench.detectors.blobs import Blobs
from detbench.errors import DataError
from detbench.training.data.sources import Source, find_source
from detbench.training.held_out_detection import HeldOutDetection, detection_of


@pytest.fixture
def detection(drawn_pairs: Path) -> HeldOutDetection:
    """All twelve pairs, and the detector of blobs."""
    found = detection_of(find_source(drawn_pairs), Blobs(), 24)
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


def test_only_the_held_out_pictures_count(drawn_pairs: Path) -> None:
    """Of two pairs, two pictures and their own boxes are the truth."""
    source = find_source(drawn_pairs)
    some = Source(source.name, source.kind, source.pictures[4:6], 1.0, source.annotations)
    found = detection_of(some, Blobs(), 24)
    assert found is not None
    assert [image["file_name"] for image in found.truth["images"]] == ["drawn-05.png", "drawn-06.png"]
    assert {each["image_id"] for each in found.truth["annotations"]} == {5, 6}
    assert found.map_of(found.sharp) > 0.9  # type: ignore[operator]


def test_pictures_are_spread_evenly(drawn_pairs: Path) -> None:
    """Four of twelve are every third."""
    found = detection_of(find_source(drawn_pairs), Blobs(), 4)
    assert found is not None
    assert [image["id"] for image in found.truth["images"]] == [1, 4, 7, 10]
    assert len(found.sharp) == len(found.blurred) == 4


def test_a_detector_of_other_things_does_not_judge(drawn_pairs: Path, photos: Path) -> None:
    """Without a common class, and of sources without boxes, there is no mAP; damaged boxes are an error."""

    class Faces(Blobs):
        classes = ("face",)

    assert detection_of(find_source(drawn_pairs), Faces(), 24) is None
    assert detection_of(find_source(photos), Blobs(), 24) is None
    (drawn_pairs / "annotations.json").write_text("{")
    with pytest.raises(DataError, match=r"annotations\.json"):
        detection_of(find_source(drawn_pairs), Blobs(), 24)


def test_annotations_of_other_pictures_are_no_truth(drawn_pairs: Path) -> None:
    """Where no held-out picture is annotated there is no mAP."""
    document = json.loads((drawn_pairs / "annotations.json").read_text())
    for image in document["images"]:
        image["file_name"] = f"other-{image['file_name']}"
    (drawn_pairs / "annotations.json").write_text(json.dumps(document))
    assert detection_of(find_source(drawn_pairs), Blobs(), 24) is None


def test_labels_become_the_categories_ids(drawn_pairs: Path) -> None:
    """A class is found by its name, whatever its case; its boxes count under the id that the annotations give it."""
    document = json.loads((drawn_pairs / "annotations.json").read_text())
    for each in document["categories"]:
        each["name"], each["id"] = each["name"].upper(), each["id"] + 40
    for each in document["annotations"]:
        each["category_id"] += 40
    (drawn_pairs / "annotations.json").write_text(json.dumps(document))
    found = detection_of(find_source(drawn_pairs), Blobs(), 24)
    assert found is not None
    names = {each["id"]: each["name"] for each in document["categories"]}
    named = {Blobs.classes[label].upper(): names[number] for label, number in found.category_of.items()}
    assert named
    assert list(named) == list(named.values())
    assert found.map_of(found.sharp) > 0.9  # type: ignore[operator]

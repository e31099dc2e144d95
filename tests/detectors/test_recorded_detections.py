import json
from pathlib import Path

import pytest

from detbench.detectors.recorded_detections import RecordedDetections
from detbench.errors import DataError

SIZES = {3: (40, 20), 7: (10, 30)}
BUS = {"image_id": 3, "category_id": 2, "bbox": [1, 2, 10, 4.5], "score": 0.75}


def write(place: Path, *results: object) -> Path:
    """A file of COCO results."""
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(results))
    return place


def test_boxes_become_corners_of_their_picture(tmp_path: Path) -> None:
    """COCO's left, top, width, height become x1, y1, x2, y2; a picture without a result has no box."""
    recorded = RecordedDetections(write(tmp_path / "mine.json", BUS), SIZES, {2})
    found = recorded.find("blurred", 3)
    assert (found.boxes.tolist(), found.scores.tolist(), found.labels.tolist()) == ([[1, 2, 11, 6.5]], [0.75], [2])
    assert recorded.find("blurred", 7).boxes.shape == (0, 4)


def test_each_arm_has_its_file(tmp_path: Path) -> None:
    """A folder has a file for each arm; an arm without one is an error where it is required."""
    folder = write(tmp_path / "all" / "sharp.json", BUS).parent
    write(folder / "blurred.json")
    recorded = RecordedDetections(folder, SIZES, {2})
    assert (len(recorded.find("sharp", 3)), len(recorded.find("blurred", 3))) == (1, 0)
    recorded.require("sharp")
    with pytest.raises(DataError, match=r"has no detections in the wiener pictures; add .*wiener\.json"):
        recorded.require("wiener")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": 4}, "image_id"),
        ({"category_id": 1}, "category_id"),
        ({"bbox": [30, 10, 40, 20]}, "reaches far out of its 40x20 picture; it is left, top, width, height"),
    ],
)
def test_results_of_another_dataset_are_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    """An unknown picture or class, and corners in place of sizes, are named with file and record."""
    file = write(tmp_path / "mine.json", {**BUS, **change})
    with pytest.raises(DataError, match=rf"mine\.json: results\[0\].*{words}"):
        RecordedDetections(file, SIZES, {2})

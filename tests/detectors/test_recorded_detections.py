import json
import math
from pathlib import Path

import numpy as np
import pytest

from detbench.detectors.recorded_detections import RecordedDetections
from detbench.errors import DataError
from detbench.types import GroundTruth, Picture, Sample


def sample(number: int, width: int, height: int) -> Sample:
    """A picture without true boxes."""
    none = np.zeros(0, np.int64)
    truth = GroundTruth(np.zeros((0, 4)), none, none.astype(bool), np.zeros(0), none)
    picture = Picture("", width, height, lambda: np.zeros((height, width, 3), np.uint8))
    return Sample(number, f"{number}.png", None, picture, truth)


SAMPLES = [sample(3, 40, 20), sample(7, 10, 30)]
BUS = {"image_id": 3, "category_id": 2, "bbox": [1, 2, 10, 4.5], "score": 0.75}


def write(place: Path, *results: object) -> Path:
    """A file of COCO results."""
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(results))
    return place


def test_boxes_become_corners_of_their_picture(tmp_path: Path) -> None:
    """COCO's left, top, width, height become x1, y1, x2, y2; a picture without a result has no box."""
    recorded = RecordedDetections(write(tmp_path / "mine.json", BUS), SAMPLES, {2})
    found = recorded.find("blurred", 3)
    assert (found.boxes.tolist(), found.scores.tolist(), found.labels.tolist()) == ([[1, 2, 11, 6.5]], [0.75], [2])
    assert recorded.find("blurred", 7).boxes.shape == (0, 4)


def test_each_arm_has_its_file(tmp_path: Path) -> None:
    """A folder has a file for each arm; an arm without one is an error where it is required."""
    folder = write(tmp_path / "all" / "sharp.json", BUS).parent
    write(folder / "blurred.json")
    recorded = RecordedDetections(folder, SAMPLES, {2})
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
        RecordedDetections(file, SAMPLES, {2})


def test_hidden_files_are_no_arms(tmp_path: Path) -> None:
    """macOS puts `._blurred.json`, which is no JSON, beside each file of a zip: only `blurred.json` is read."""
    folder = write(tmp_path / "all" / "blurred.json", BUS).parent
    (folder / "._blurred.json").write_bytes(b"\0\5\x16\7")
    recorded = RecordedDetections(folder, SAMPLES, {2})
    assert (len(recorded.find("blurred", 3)), recorded.has("._blurred")) == (1, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"annotations": [], "images": []}', "an object; .* write what 'annotations' and 'images' holds as a file"),
        ('{"blurred": [], "wiener": []}', "an object; .* write what 'blurred' and 'wiener' holds as a file"),
        ('{"image_id": 3}\n{"image_id": 7}\n', r"a record on each line \(JSON Lines\); write them as one list"),
    ],
)
def test_lists_in_other_wrappings_are_refused(tmp_path: Path, text: str, words: str) -> None:
    """A list inside an object, lists by arm, and JSON Lines are refused with what to write instead."""
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(DataError, match=rf"mine\.json: .*{words}"):
        RecordedDetections(tmp_path / "mine.json", SAMPLES, {2})


def test_repeated_detections(tmp_path: Path) -> None:
    """One that stands there twice is kept, as pycocotools does, with a note; a file appended to itself is refused."""
    other = {**BUS, "score": 0.25}
    recorded = RecordedDetections(write(tmp_path / "mine.json", BUS, other, BUS), SAMPLES, {2})
    assert len(recorded.find("blurred", 3)) == 3
    assert recorded.notes == ("1 detections in mine.json repeat another to the last digit and count as false ones",)
    with pytest.raises(DataError, match=r"mine\.json: each detection stands in it 2 times"):
        RecordedDetections(write(tmp_path / "mine.json", BUS, other, BUS, other), SAMPLES, {2})


@pytest.mark.parametrize("score", [75, -2.3, "0.75", math.nan])
def test_scores_of_another_kind_are_refused(tmp_path: Path, score: object) -> None:
    """Percentages, logits, texts and NaN are no scores."""
    with pytest.raises(DataError, match=r"mine\.json: .*(score is .* 0\.\.1, no percent or logit|holds NaN)"):
        RecordedDetections(write(tmp_path / "mine.json", {**BUS, "score": score}), SAMPLES, {2})


def test_whole_numbers_in_any_writing(tmp_path: Path) -> None:
    """pandas writes ids as 3.0, others as "3": both are picture 3."""
    for image_id in (3, 3.0, "3"):
        recorded = RecordedDetections(write(tmp_path / "mine.json", {**BUS, "image_id": image_id}), SAMPLES, {2})
        assert (len(recorded.find("blurred", 3)), recorded.notes) == (1, ())


def test_pictures_known_by_name_are_noted(tmp_path: Path) -> None:
    """A file that names pictures by file name is read, and the note says so, once for all files."""
    folder = write(tmp_path / "all" / "sharp.json", {**BUS, "image_id": "0", "file_name": "3.png"}).parent
    write(folder / "blurred.json", {**BUS, "image_id": "0", "file_name": "7.png", "bbox": [1, 2, 4, 4]})
    recorded = RecordedDetections(folder, SAMPLES, {2})
    assert recorded.find("blurred", 7).boxes.tolist() == [[1, 2, 5, 6]]
    assert recorded.notes == (
        "each detection's picture is known by its file_name, not by an id, in blurred.json and 1 more",
    )

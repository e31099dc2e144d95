import json
import shutil
from pathlib import Path

import pytest

from detbench.datasets.export import export_dataset
from detbench.datasets.opening import open_dataset
from detbench.datasets.true_records import open_true_records
from detbench.errors import DataError


def test_a_coco_file_needs_no_pictures(drawn_dataset: Path, tmp_path: Path) -> None:
    """The annotation file alone gives the boxes as they stand there, and sides from its records."""
    file = Path(shutil.copy(drawn_dataset / "annotations.json", tmp_path / "truth.json"))
    true = open_true_records(str(file))
    written = json.loads(file.read_text())
    assert [a["bbox"] for a in true.document["annotations"]] == [a["bbox"] for a in written["annotations"]]
    assert (len(true.samples), true.id_source) == (12, "format")
    assert {(each.blurred.width, each.blurred.height) for each in true.samples} == {(320, 240), (317, 241)}


def test_other_formats_give_the_same_boxes(drawn_dataset: Path, tmp_path: Path) -> None:
    """YOLO labels of the same pictures give the same boxes by the ids that the conversion kept."""
    export_dataset(open_dataset(str(drawn_dataset)), "yolo", tmp_path / "yolo")
    ours, theirs = (open_true_records(str(folder)) for folder in (drawn_dataset, tmp_path / "yolo"))
    boxes = [{a["id"]: a["bbox"] for a in each.document["annotations"]} for each in (ours, theirs)]
    assert boxes[0].keys() == boxes[1].keys()
    assert all(boxes[1][number] == pytest.approx(box) for number, box in boxes[0].items())
    assert theirs.id_source == "kept"


def test_pairs_have_no_true_boxes(drawn_dataset: Path, tmp_path: Path) -> None:
    """A dataset without boxes is refused: every number would be undefined."""
    for name in ("sharp", "blur"):
        shutil.copytree(drawn_dataset / "images", tmp_path / name)
    with pytest.raises(DataError, match="has no true boxes to hold results against"):
        open_true_records(str(tmp_path))

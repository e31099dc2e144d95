import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from detbench.datasets.coco import CocoFolder
from detbench.errors import DataError
from detbench.training.yolo_layout import write_yolo_layout


@pytest.fixture
def crowded(drawn_dataset: Path, tmp_path: Path) -> Path:
    """The drawn pictures, the first box of each a crowd."""
    folder = Path(shutil.copytree(drawn_dataset, tmp_path / "crowded"))
    document = json.loads((folder / "annotations.json").read_text())
    first = {annotation["image_id"]: annotation for annotation in reversed(document["annotations"])}
    for annotation in first.values():
        annotation["iscrowd"] = 1
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder


def test_every_box_that_is_no_crowd_is_written(crowded: Path, tmp_path: Path) -> None:
    """Centre and size in shares of the picture give back the annotated boxes, under labels in the classes' order."""
    dataset = CocoFolder(crowded)
    layout = write_yolo_layout(dataset, tmp_path / "yolo")
    sides = {"train": list(dataset)[:-1], "val": list(dataset)[-1:]}
    for part, samples in sides.items():
        for sample in samples:
            text = (tmp_path / "yolo" / "labels" / part / f"{sample.id:012d}-0.txt").read_text()
            rows = np.array([line.split() for line in text.splitlines()], float)
            wide_tall = np.array([sample.blurred.width, sample.blurred.height])
            centre, size = rows[:, 1:3] * wide_tall, rows[:, 3:5] * wide_tall
            kept = ~sample.truth.crowd
            np.testing.assert_allclose(
                np.hstack((centre - size / 2, centre + size / 2)), sample.truth.boxes[kept], atol=1e-3
            )
            names = [layout.classes[int(label)] for label in rows[:, 0]]
            assert names == [dataset.classes[label] for label in sample.truth.labels[kept]]
            assert kept.sum() == len(sample.truth) - 1


def test_the_last_tenth_is_held_out(drawn_dataset: Path, tmp_path: Path) -> None:
    """One of twelve pictures, the last by id; the YAML names both sides by whole paths and downloads nothing."""
    layout = write_yolo_layout(CocoFolder(drawn_dataset), tmp_path / "yolo")
    assert (layout.training_pictures, layout.held_out_pictures) == (11, 1)
    assert [path.name for path in (tmp_path / "yolo" / "images" / "val").iterdir()] == ["000000000012-0.png"]
    content = json.loads(layout.yaml.read_text())
    assert content["names"] == list(layout.classes)
    assert "download" not in content
    assert (Path(content["path"]) / content["train"]).is_dir()


def test_of_pairs_the_sharp_pictures_are_taken(drawn_dataset: Path, tmp_path: Path) -> None:
    """A detector learns from sharp pictures, whatever twins there are."""
    pairs = Path(shutil.copytree(drawn_dataset, tmp_path / "pairs"))
    shutil.copytree(pairs / "images", pairs / "blurred")
    sharp = (pairs / "images" / "drawn-01.png").read_bytes()
    (pairs / "blurred" / "drawn-01.png").write_bytes((pairs / "images" / "drawn-02.png").read_bytes())
    write_yolo_layout(CocoFolder(pairs), tmp_path / "yolo")
    assert (tmp_path / "yolo" / "images" / "train" / "000000000001-0.png").read_bytes() == sharp


def test_too_few_pictures_are_refused(drawn_dataset: Path, tmp_path: Path) -> None:
    """Without a held-out picture nothing could choose the epoch."""
    few = Path(shutil.copytree(drawn_dataset, tmp_path / "few"))
    document = json.loads((few / "annotations.json").read_text())
    document["images"] = document["images"][:3]
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] <= 3]
    (few / "annotations.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match="3 pictures are too few"):
        write_yolo_layout(CocoFolder(few), tmp_path / "yolo")


def test_blurred_twins_are_seen_with_the_same_boxes(drawn_dataset: Path, tmp_path: Path) -> None:
    """Twice the pictures and boxes, a twin on the side of its sharp picture; without pairs that is refused."""
    pairs = Path(shutil.copytree(drawn_dataset, tmp_path / "pairs"))
    with pytest.raises(DataError, match="no pairs"):
        write_yolo_layout(CocoFolder(pairs), tmp_path / "none", blurred=True)
    shutil.copytree(pairs / "images", pairs / "blurred")
    sharp = write_yolo_layout(CocoFolder(pairs), tmp_path / "sharp")
    both = write_yolo_layout(CocoFolder(pairs), tmp_path / "both", blurred=True)
    assert (both.training_pictures, both.held_out_pictures) == (22, 2)
    assert both.training_boxes == 2 * sharp.training_boxes
    held_out = tmp_path / "both" / "images" / "val"
    assert sorted(path.name for path in held_out.iterdir()) == ["000000000012-0.png", "000000000012-1.png"]
    labels = [tmp_path / "both" / "labels" / "train" / f"000000000003-{side}.txt" for side in (0, 1)]
    assert labels[0].read_text() == labels[1].read_text() != ""

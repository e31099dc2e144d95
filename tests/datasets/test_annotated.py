import json
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets import annotated
from detbench.datasets.coco import CocoFolder
from detbench.datasets.export import export_dataset
from detbench.datasets.opening import open_dataset
from detbench.errors import DataError


def test_samples_come_by_image_id(plain: Path) -> None:
    """Samples are sorted by image id, whatever the file's order; pictures without an object are among them."""
    dataset = CocoFolder(plain)
    assert [sample.id for sample in dataset] == [3, 7, 20]
    assert [sample.file_name for sample in dataset] == ["sub/a.png", "empty.png", "b.png"]
    assert len(dataset) == 3
    assert (dataset.name, dataset.classes) == ("plain", {1: "car", 2: "bus"})


def test_boxes_become_corners(plain: Path) -> None:
    """COCO's left, top, width, height become x1, y1, x2, y2; each box keeps its own label, crowd mark, area and id."""
    truth = list(CocoFolder(plain))[2].truth
    assert truth.boxes.tolist() == [[1, 2, 11, 6.5], [0, 0, 3, 2]]
    assert truth.labels.tolist() == [2, 1]
    assert truth.crowd.tolist() == [False, True]
    assert truth.areas.tolist() == [30.25, 6]
    assert truth.ids.tolist() == [5, 4]


def test_the_box_stands_in_for_a_missing_area(plain: Path) -> None:
    """Without `area`, the size class goes by the box; without `iscrowd`, an object is none."""
    truth = next(iter(CocoFolder(plain))).truth
    assert truth.areas.tolist() == [6]
    assert truth.crowd.tolist() == [False]


def test_a_picture_without_objects_has_empty_truth(plain: Path) -> None:
    """No annotation means no box, in the shapes of the contract."""
    truth = list(CocoFolder(plain))[1].truth
    assert truth.boxes.shape == (0, 4)
    assert len(truth) == 0


def test_a_scaled_picture_is_refused(plain: Path) -> None:
    """A picture of another size than annotated would have every box in the wrong place."""
    PillowImage.new("RGB", (24, 14)).save(plain / "images" / "b.png")
    with pytest.raises(DataError, match=r"b\.png: 24x14 pixels, but annotations\.json says 12x7 .* scaled boxes"):
        list(CocoFolder(plain))


def test_a_rotated_picture_is_hinted_at(plain: Path) -> None:
    """Width and height swapped point to an EXIF rotation that the annotator did not follow."""
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.new("RGB", (12, 7)).save(plain / "images" / "b.png", exif=exif)
    with pytest.raises(DataError, match=r"7x12 pixels, but .* 12x7 for image id 20; .*EXIF"):
        list(CocoFolder(plain))


def test_a_twin_of_another_size_is_refused(paired: Path) -> None:
    """A twin has the size of its annotation, hence of its sharp picture."""
    PillowImage.new("RGB", (12, 8)).save(paired / "blurred" / "b.png")
    with pytest.raises(DataError, match=r"blurred.b\.png: 12x8 pixels"):
        list(CocoFolder(paired))


def test_the_fingerprint_follows_every_byte(paired: Path) -> None:
    """Annotations, sharp and blurred pictures each change the fingerprint; a second reading and a new name do not."""
    seen = [CocoFolder(paired).fingerprint]
    (paired / "dataset.toml").write_text('name = "other"')
    assert CocoFolder(paired).fingerprint == seen[0]
    (paired / "manifest.json").unlink()
    for part in ("images", "blurred"):
        PillowImage.new("RGB", (12, 7), (1, 2, 3)).save(paired / part / "b.png")
        seen.append(CocoFolder(paired).fingerprint)
    document = json.loads((paired / "annotations.json").read_text())
    (paired / "annotations.json").write_text(json.dumps(document, indent=1))
    seen.append(CocoFolder(paired).fingerprint)
    assert len(set(seen)) == 4


def test_each_file_is_hashed_once(paired: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening reads no picture; fingerprint and repeated iteration read each file once in all."""
    hashed: list[Path] = []
    real = annotated.picture_from_file
    monkeypatch.setattr(annotated, "picture_from_file", lambda path: hashed.append(path) or real(path))
    dataset = CocoFolder(paired)
    assert hashed == []
    assert dataset.fingerprint
    assert len(list(dataset)) == len(list(dataset)) == 3
    assert len(hashed) == len(set(hashed)) == 6


@pytest.mark.parametrize("part", ["images", "blurred"])
def test_a_file_changed_after_the_manifest_is_named(paired: Path, part: str) -> None:
    """A picture whose digest is not the manifest's is refused: its kernel and severity may no longer be true."""
    PillowImage.new("RGB", (12, 7), (1, 2, 3)).save(paired / part / "b.png")
    with pytest.raises(
        DataError, match=rf"{part}.b\.png: not the file .*manifest\.json was written for.*detbench blur"
    ):
        list(CocoFolder(paired))


@pytest.mark.parametrize("to", ["yolo", "voc"])
def test_where_ids_come_from(plain: Path, tmp_path: Path, to: str) -> None:
    """COCO's format has ids; a conversion to YOLO or VOC keeps them in a file, and without it pictures are numbered."""
    assert CocoFolder(plain).id_source == "format"
    export_dataset(CocoFolder(plain), to, tmp_path / to)  # type: ignore[arg-type]
    kept = open_dataset(str(tmp_path / to))
    (tmp_path / to / "detbench-ids.json").unlink()
    numbered = open_dataset(str(tmp_path / to))
    assert (kept.id_source, numbered.id_source) == ("kept", "numbered")  # type: ignore[attr-defined]

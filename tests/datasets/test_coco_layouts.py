import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.coco_layouts import coco_file, coco_files
from detbench.datasets.opening import looks_like, open_dataset
from detbench.errors import DataError

SIZES = {"a.jpg": (40, 20), "b.jpg": (30, 50)}


def write(annotations: Path, pictures: Path, prefix: str = "", level: int = 90) -> None:
    """One box in each of two pictures, in that annotation file and folder, `file_name` beginning with the prefix."""
    document: dict[str, list[dict[str, Any]]] = {
        "images": [
            {"id": number, "file_name": f"{prefix}{name}", "width": width, "height": height}
            for number, (name, (width, height)) in enumerate(SIZES.items())
        ],
        "annotations": [{"id": n, "image_id": n, "category_id": 0, "bbox": [4, 2 + n, 10, 5]} for n in range(2)],
        "categories": [{"id": 0, "name": "car"}],
    }
    annotations.parent.mkdir(parents=True, exist_ok=True)
    annotations.write_text(json.dumps(document))
    pictures.mkdir(parents=True, exist_ok=True)
    for name, size in SIZES.items():
        PillowImage.new("RGB", size, (level, level, level)).save(pictures / name)


def assert_read(word: str | Path) -> AnnotatedDataset:
    """Hold that the dataset has both pictures with their boxes and sizes; the dataset."""
    dataset = open_dataset(str(word))
    assert isinstance(dataset, AnnotatedDataset)
    samples = list(dataset)
    assert [sample.truth.boxes.tolist() for sample in samples] == [[[4, 2, 14, 7]], [[4, 3, 14, 8]]]
    assert [sample.blurred.load().shape[:2] for sample in samples] == [(20, 40), (50, 30)]
    assert [sample.file_name for sample in samples] == ["a.jpg", "b.jpg"]
    return dataset


LAYOUTS = [
    ("annotations.json", "images", ""),
    ("annotations.json", ".", ""),
    ("annotations.json", "images", "images/"),
    ("annotations/instances_val2017.json", "val2017", ""),
    ("annotations/instances_val2017.json", "val2017", "./"),
    ("annotations/instances_val2017.json", "val2017", "val2017/"),
    ("annotations/instances_val2017.json", "images/val2017", "images/val2017/"),
    ("annotations/instances_val2017.json", "images", "images\\"),
    ("annotations/instances_default.json", "images/default", ""),
    ("annotations/instances.json", "images", ""),
    ("annotations/val.json", "val", ""),
    ("annotations/train_labels.json", "images", ""),
    ("_annotations.coco.json", ".", ""),
    ("valid/_annotations.coco.json", "valid", ""),
    ("labels.json", "data", ""),
    ("labels.json", "data", "data/"),
    ("result.json", "images", "images/"),
    ("result.json", "images", "images\\"),
    ("instances.json", "images", ""),
    ("instances_val.json", "images", ""),
]


@pytest.mark.parametrize(("annotations", "pictures", "prefix"), LAYOUTS)
def test_a_tools_layout_is_read(tmp_path: Path, annotations: str, pictures: str, prefix: str) -> None:
    """A folder as a tool writes it is recognised, by itself and by its annotation file."""
    folder = tmp_path / "ds"
    write(folder / annotations, folder / pictures, prefix)
    assert looks_like(folder) == "coco"
    assert_read(folder)
    assert_read(folder / annotations)


@pytest.mark.parametrize(
    ("annotations", "pictures", "part"),
    [
        ("annotations/instances_val2017.json", "val2017", "val2017"),
        ("annotations/instances_default.json", "images/default", "default"),
        ("annotations/val.json", "images/val", "val"),
        ("valid/_annotations.coco.json", "valid", "valid"),
    ],
)
def test_parts_are_named(tmp_path: Path, annotations: str, pictures: str, part: str) -> None:
    """With several parts, a folder alone is refused with how each is named, and `#` names one."""
    write(tmp_path / annotations, tmp_path / pictures)
    other = annotations.replace(part, "train")
    write(tmp_path / other, tmp_path / pictures.replace(part, "train"), level=120)
    with pytest.raises(DataError, match=rf"holds 2 COCO annotation files; say which is meant: .*#(train|{part}) or "):
        open_dataset(str(tmp_path))
    assert next(iter(assert_read(f"{tmp_path}#{part}"))).blurred.load()[0, 0, 0] == 90
    with pytest.raises(DataError, match=rf"has no part 'test'; there are: (train, {part}|{part}, train)"):
        open_dataset(f"{tmp_path}#test")
    with pytest.raises(DataError, match=r"must hold annotations/instances_test\.json"):
        coco_file(tmp_path / "train", "test")


def test_a_part_may_be_a_folder_of_its_own(tmp_path: Path) -> None:
    """FiftyOne and detbench write a folder for each split, which `#` names too."""
    write(tmp_path / "val" / "labels.json", tmp_path / "val" / "data")
    write(tmp_path / "test" / "annotations.json", tmp_path / "test" / "images")
    for part in ("val", "test"):
        assert assert_read(f"{tmp_path}#{part}").name == part


def test_two_files_for_one_folder_are_refused(tmp_path: Path) -> None:
    """A folder that FiftyOne and detbench could each have written is refused with both files, and each is read."""
    write(tmp_path / "annotations.json", tmp_path / "images")
    write(tmp_path / "labels.json", tmp_path / "data")
    with pytest.raises(DataError, match=r"say which is meant: .*annotations\.json or .*labels\.json"):
        open_dataset(str(tmp_path))


def test_captions_and_hidden_files_are_none(tmp_path: Path) -> None:
    """COCO's captions and key points beside the instances, and what macOS hides in zips, are no annotation files."""
    write(tmp_path / "annotations" / "instances_val2017.json", tmp_path / "val2017")
    for name in ("captions_val2017.json", "person_keypoints_val2017.json", "._instances_val2017.json", ".x.json"):
        (tmp_path / "annotations" / name).write_bytes(b"\x00\x05\x16\x07")
    for name in ("._annotations.json", ".DS_Store", "._instances.json"):
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "val2017" / "._a.jpg").write_bytes(b"\x00\x05\x16\x07")
    assert [*coco_files(tmp_path).values()] == ["val2017"]
    assert_read(tmp_path)


@pytest.mark.parametrize("name", ["labels.json", "result.json", "other.json"])
def test_a_name_that_others_use_too_needs_the_pictures_folder(tmp_path: Path, name: str) -> None:
    """`result.json` of a run, or `labels.json` of another format, make no COCO folder."""
    (tmp_path / name).write_text("{}")
    assert coco_files(tmp_path) == {}


def test_a_file_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From within annotations/, the pictures beside it are found as well."""
    write(tmp_path / "annotations" / "instances_val2017.json", tmp_path / "val2017")
    monkeypatch.chdir(tmp_path / "annotations")
    assert_read("instances_val2017.json")
    (tmp_path / "annotations" / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "annotations" / "deeper")
    assert_read("../instances_val2017.json")


CASES = [
    ("fiftyone", "ds", ()),
    ("fiftyone", "ds/labels.json", ()),
    ("labelstudio", "ds", (0,)),
    ("labelstudio", "ds/result.json", (0,)),
    ("roboflow-ids", "ds", (0,)),
    ("roboflow-ids", "ds#valid", (0,)),
    ("roboflow-same-name", "ds#valid", ()),
]


@pytest.mark.parametrize(("case", "word", "renamed"), CASES)
def test_exports_of_six_photos(
    shared_file: Callable[[str], Path], case: str, word: str, renamed: tuple[int, ...]
) -> None:
    """Exports of one task by four tools hold the same 34 boxes under the ids that they wrote, 0 aside."""
    dataset = open_dataset(str(shared_file(f"cases/{case}/cmd.sh").parent / word))
    assert isinstance(dataset, AnnotatedDataset)
    file = dataset.found.source
    written = json.loads(file.read_text())
    boxes = {annotation["id"]: annotation["bbox"] for annotation in written["annotations"]}
    found = {annotation["id"]: annotation["bbox"] for annotation in dataset.found.records.annotations}
    assert len(found) == 34
    for number in renamed:
        boxes[max(boxes) + 1] = boxes.pop(number)
    assert found == boxes
    assert "person" in dataset.classes.values()


def test_a_paired_folder_by_its_file(paired: Path) -> None:
    """annotations.json stands for its folder, blurred twins and all."""
    by_file, by_folder = open_dataset(str(paired / "annotations.json")), open_dataset(str(paired))
    assert by_file.fingerprint == by_folder.fingerprint
    assert all(sample.sharp is not None for sample in by_file)

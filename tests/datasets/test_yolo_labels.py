import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.yolo_labels import label_file, read_yolo
from detbench.errors import DataError

YAML = "names: [car, bus]\nval: images/val\n"
PLACES = ["a.png", "sub/b 1.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of 40x20 pixels, the first with a bus and a car, the second empty."""
    for name in PLACES:
        path = tmp_path / "images" / "val" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (40, 20)).save(path)
    (tmp_path / "labels" / "val" / "sub").mkdir(parents=True)
    (tmp_path / "labels" / "val" / "a.txt").write_text("1 0.5 0.5 0.5 0.2\n\n0 0.25 0.5 0.1 1\n")
    (tmp_path / "data.yaml").write_text(YAML)
    return tmp_path


def read(folder: Path, split: str | None = None) -> AnnotatedDataset:
    """The dataset in a folder."""
    return AnnotatedDataset("mine", read_yolo(folder, split))


def rewrite(folder: Path, label: str) -> None:
    """Give the first picture other labels."""
    (folder / "labels" / "val" / "a.txt").write_text(label)


def refused(folder: Path, words: str, split: str | None = None) -> None:
    """Hold that reading ends with one message that `words` (a pattern) describe."""
    with pytest.raises(DataError, match=words):
        read(folder, split)


def test_shares_become_pixels(folder: Path) -> None:
    """Centre and size in shares are corners in pixels of a picture that is not square; label 0 is the first class."""
    dataset = read(folder)
    first, second = dataset
    assert dataset.classes == {1: "car", 2: "bus"}
    assert [sample.file_name for sample in (first, second)] == PLACES
    assert first.truth.boxes.tolist() == [[10, 8, 30, 12], [8, 0, 12, 20]]
    assert first.truth.labels.tolist() == [2, 1]
    assert (first.truth.ids.tolist(), first.truth.areas.tolist()) == ([1, 2], [80, 80])
    assert len(second.truth) == 0


def test_an_outline_is_the_box_around_it(folder: Path) -> None:
    """A segment of corner points counts as its bounding box."""
    rewrite(folder, "0 0.25 0.5 0.5 0.1 0.75 0.5 0.5 0.9\n")
    assert next(iter(read(folder))).truth.boxes.tolist() == [[10, 2, 30, 18]]


@pytest.mark.parametrize(
    "yaml",
    [
        "names: {1: bus, 0: car}\nval: images/val\n",
        "names: [car, bus]\nnc: 2\nval: [images/val]\n",
        "names: [car, bus]\npath: .\nval: ./images/val\ntrain: nowhere\n",
        "names: [car, bus]\nval: ../images/val\n",
        "names: [car, bus]\ntest: images/val\n",
        "names: [car, bus]\nval: images\n",
    ],
)
def test_ways_to_write_the_yaml(folder: Path, yaml: str) -> None:
    """Names as a list or by number, folders as one or several, with `path:`, and one level too high as Roboflow has it
    are the same dataset.
    """
    (folder / "data.yaml").write_text(yaml)
    dataset = read(folder)
    assert [len(sample.truth) for sample in dataset] == [2, 0]
    assert list(dataset.classes.values()) == ["car", "bus"]


def test_a_list_of_pictures(folder: Path) -> None:
    """A text file that lists pictures, from its own folder on, is a split; names start at their common folder."""
    (folder / "data.yaml").write_text("names: [car, bus]\nval: images/val\ntest: lists/test.txt\n")
    (folder / "lists").mkdir()
    (folder / "lists" / "test.txt").write_text("../images/val/a.png\n\n")
    assert [sample.file_name for sample in read(folder, "test")] == ["a.png"]
    (folder / "lists" / "test.txt").write_text("../images/val/a.png\n../images/val/c.png\n")
    refused(folder, r"test\.txt: line 2 lists \.\./images/val/c\.png, which is not there", "test")


def test_labels_lie_beside_pictures_without_a_folder_images() -> None:
    """Only the last folder called images becomes labels; without one, the text lies beside the picture."""
    assert label_file(Path("/images/x/images/val/a.b.jpg")) == Path("/images/x/labels/val/a.b.txt")
    assert label_file(Path("/x/a.jpg")) == Path("/x/a.txt")


@pytest.mark.parametrize(
    "hostile",
    [
        "names: !!python/object/apply:os.system ['touch {}']\nval: images/val\n",
        "names: [car]\nval: !!python/name:os.system\n",
        "names: &a [*a]\nval: images/val\n",
    ],
)
def test_nothing_in_the_yaml_is_executed(folder: Path, tmp_path: Path, hostile: str) -> None:
    """Python tags and a list that holds itself are refused, and run nothing."""
    proof = tmp_path / "executed"
    (folder / "data.yaml").write_text(hostile.format(proof))
    refused(folder, r"data\.yaml: ")
    assert not proof.exists()


def test_download_is_not_looked_at(folder: Path, tmp_path: Path) -> None:
    """The script that ultralytics would run is a text like any other."""
    proof = tmp_path / "executed"
    (folder / "data.yaml").write_text(YAML + f"download: |\n  import os\n  os.system('touch {proof}')\n")
    assert len(read(folder)) == 2
    assert not proof.exists()


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("- car\n", "must hold `names:` and `val:`"),
        ("names: [car\n", "not YAML that is plain data"),
        ("val: images/val\n", "names is None; list the classes"),
        ("names: [car, no]\nval: images/val\n", "names holds False, which YAML does not read as a text; put it in"),
        ("names: {1: car, 2: bus}\nval: images/val\n", r"numbered \[1, 2\]; number them 0, 1, 2"),
        ("names: [car, bus]\nnc: 3\nval: images/val\n", "nc is 3, but names lists 2 classes"),
        ("names: [car, car]\nval: images/val\n", r"categories\[1\] .*'car' is that of categories\[0\] too"),
        ("names: [car, bus]\n", "names no pictures; add `val:`"),
        ("names: [car, bus]\nval: 7\n", "val is 7; it must be a folder of pictures"),
        ("names: [car, bus]\nval: images/vla\n", "val is 'images/vla', but there is no .*images/vla; correct `path:`"),
        ("names: [car, bus]\nval: labels\n", "val leads to .*labels, where there is no picture"),
    ],
)
def test_faults_of_the_yaml(folder: Path, yaml: str, words: str) -> None:
    """What is wrong in data.yaml is named with its value and the mend."""
    (folder / "data.yaml").write_text(yaml)
    refused(folder, rf"data\.yaml: .*{words}")


def test_an_unknown_split(folder: Path) -> None:
    """A split that the YAML does not have is met with those that it has."""
    refused(folder, r"data\.yaml: has no 'train'; it has val", "train")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2 .5 .5 .1 .1", "class is 2, but classes count from 0 to 1"),
        ("-1 .5 .5 .1 .1", "class is -1"),
        ("0.5 .5 .5 .1 .1", "class is 0.5"),
        ("0,.5,.5,.1,.1", "it must be numbers with spaces between"),
        ("0 .5 .5 .1", "holds 4 numbers; a box has 5"),
        ("0 .5 .5 .1 .1 .97", "a confidence too many"),
        ("0 20 10 12 8", "holds 20: pixels"),
        ("0 nan .5 .1 .1", "every number must be finite"),
        ("0 .5 .5 0 .1", "width and height are 0 and 0.1; both must be positive"),
        ("0 .5 .5 -.1 .1", "both must be positive"),
        ("0 .7 .6 .9 .9", "the box reaches 6.0 px out of its 40x20 picture; a line holds centre and size, not corners"),
    ],
)
def test_faults_of_a_label(folder: Path, line: str, words: str) -> None:
    """What is wrong in a label file is named with the file, the line and the mend; sound lines are not."""
    rewrite(folder, f"0 .5 .5 .1 .1\n{line}\n")
    refused(folder, rf"data\.yaml: \S*labels/val/a\.txt line 2: .*{words}")


def test_several_faults_are_counted(folder: Path) -> None:
    """The first five of many faults are shown, with their number."""
    rewrite(folder, "9 .5 .5 .1 .1\n" * 7)
    refused(folder, r"7 faults; the first 5:")


def test_a_label_file_that_is_no_text(folder: Path) -> None:
    """Bytes that are no UTF-8 are named; a byte order mark is none of the text."""
    (folder / "labels" / "val" / "a.txt").write_bytes(b"\xff\xfe0\x00")
    refused(folder, r"a\.txt: not a text file")
    (folder / "labels" / "val" / "a.txt").write_bytes("\ufeff0 .5 .5 .1 .1\r\n".encode())
    assert len(next(iter(read(folder))).truth) == 1


def test_no_label_file_at_all(folder: Path) -> None:
    """Pictures of which none has labels are a wrong folder, not a dataset without objects."""
    (folder / "labels").rename(folder / "lables")
    refused(folder, r"no picture has a label file; that of \S*a\.png would be \S*labels/val/a\.txt")


def test_names_that_do_not_meet(folder: Path) -> None:
    """A picture without labels beside labels without a picture is a misnamed file; alone it is an empty picture."""
    (folder / "labels" / "val" / "sub" / "b_1.txt").write_text("0 .5 .5 .1 .1\n")
    (folder / "labels" / "val" / "classes.txt").write_text("car\nbus\n")
    refused(folder, r"1 pictures have no label file, the first sub/b 1\.png, and 1 .* first \S*b_1\.txt; give both")


def test_the_order_of_the_classes(folder: Path) -> None:
    """A classes.txt beside the labels, as annotation tools leave it, must have the order of `names:`."""
    (folder / "labels" / "val" / "classes.txt").write_text("car\nbus\n")
    assert len(read(folder)) == 2
    (folder / "labels" / "val" / "classes.txt").write_text("bus\ncar\n")
    refused(folder, r"data\.yaml: names are in the order car, bus, .*classes\.txt: bus, car\. Give names that order")


def test_two_pictures_of_one_label_file(folder: Path) -> None:
    """a.png and a.jpg would share a.txt."""
    PillowImage.new("RGB", (40, 20)).save(folder / "images" / "val" / "a.jpg")
    refused(folder, "two pictures share one label file")


def test_which_yaml(folder: Path) -> None:
    """The only YAML of a folder will do whatever its name; of several, data.yaml; otherwise one must be named."""
    (folder / "data.yaml").rename(folder / "coco8.yaml")
    assert len(read(folder)) == 2
    (folder / "other.yaml").write_text("")
    refused(folder, "several YAML files; name the one")
    (folder / "data.yaml").write_text(json.dumps({"names": ["car", "bus"], "val": "images/val"}))
    assert len(read(folder)) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: rewrite(folder, "1 0.5 0.5 0.5 0.2\n"),
        lambda folder: (folder / "data.yaml").write_text(YAML.replace("bus", "tram")),
        lambda folder: PillowImage.new("RGB", (40, 20), "red").save(folder / "images" / "val" / "a.png"),
    ],
)
def test_the_fingerprint_follows_every_part(folder: Path, change: Callable[[Path], object]) -> None:
    """Labels, names and pictures each change the fingerprint; another reading does not."""
    before = read(folder).fingerprint
    assert read(folder).fingerprint == before
    change(folder)
    assert read(folder).fingerprint != before

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.ids import FILE_NAME, ids_document
from detbench.datasets.yolo_labels import read_yolo
from detbench.errors import DataError

YAML = "names: [car, bus]\nval: images/val\n"
PLACES = ["a.png", "sub/b 1.png"]


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


def test_shares_become_pixels(yolo_folder: Path) -> None:
    """Centre and size in shares are corners in pixels of a picture that is not square; label 0 is the first class."""
    dataset = read(yolo_folder)
    first, second = dataset
    assert dataset.classes == {1: "car", 2: "bus"}
    assert [sample.file_name for sample in (first, second)] == PLACES
    assert first.truth.boxes.tolist() == [[10, 8, 30, 12], [8, 0, 12, 20]]
    assert first.truth.labels.tolist() == [2, 1]
    assert (first.truth.ids.tolist(), first.truth.areas.tolist()) == ([1, 2], [80, 80])
    assert len(second.truth) == 0


def test_an_outline_is_the_box_around_it(yolo_folder: Path) -> None:
    """A segment of corner points counts as its bounding box."""
    rewrite(yolo_folder, "0 0.25 0.5 0.5 0.1 0.75 0.5 0.5 0.9\n")
    assert next(iter(read(yolo_folder))).truth.boxes.tolist() == [[10, 2, 30, 18]]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2 .5 .5 .1 .1", "class is 2, but classes count from 0 to 1"),
        ("-1 .5 .5 .1 .1", "class is -1"),
        ("0.5 .5 .5 .1 .1", "class is 0.5"),
        ("0,.5,.5,.1,.1", "it must be numbers with spaces between"),
        ("0 .5 .5 .1", "holds 4 numbers; a box has 5"),
        ("0 .5 .5 .1 .1 .97", "holds 6 numbers, a confidence too many, or a tracker's id"),
        ("0 .5 .5 .1 .1 .97 12", "holds 7 numbers, 12 among them: a tracker's id"),
        ("1 0 .5 .5 .1 .1 .97 12", "holds 8 numbers; a box has 5: class"),
        ("0 .5 .5 .4 .4 .5 .5 2 .5 .5 2 .5 .5 1", r"holds 14 numbers; .* must have `kpt_shape: \[3, 3\]`"),
        ("8 5 9 5 9 9 8 9 plane 0", "DOTA's own label, in pixels; convert it"),
        ("imagesource:GoogleEarth", "DOTA's own label"),
        ("0 20 10 12 8", "holds 20: pixels"),
        ("0 nan .5 .1 .1", "every number must be finite"),
        ("0 .5 .5 0 .1", "width and height are 0 and 2 px; both must be positive"),
        ("0 .5 .5 -.1 .1", "both must be positive"),
        ("0 .7 .6 .9 .9", "the box reaches 6.0 px out of its 40x20 picture; a line holds centre and size, not corners"),
    ],
)
def test_faults_of_a_label(yolo_folder: Path, line: str, words: str) -> None:
    """What is wrong in a label file is named with the file, the line and the mend; sound lines are not."""
    rewrite(yolo_folder, f"0 .5 .5 .1 .1\n{line}\n")
    refused(yolo_folder, rf"data\.yaml: \S*labels/val/a\.txt line 2: .*{words}")


def test_several_faults_are_counted(yolo_folder: Path) -> None:
    """The first five of many faults are shown, with their number."""
    rewrite(yolo_folder, "9 .5 .5 .1 .1\n" * 7)
    refused(yolo_folder, r"7 faults; the first 5:")


def test_a_label_file_that_is_no_text(yolo_folder: Path) -> None:
    """Bytes that are no UTF-8 are named; a byte order mark is none of the text."""
    (yolo_folder / "labels" / "val" / "a.txt").write_bytes(b"\xff\xfe0\x00")
    refused(yolo_folder, r"a\.txt: not a text file")
    (yolo_folder / "labels" / "val" / "a.txt").write_bytes("\ufeff0 .5 .5 .1 .1\r\n".encode())
    assert len(next(iter(read(yolo_folder))).truth) == 1


def test_no_label_file_at_all(yolo_folder: Path) -> None:
    """Pictures of which none has labels are a wrong folder, not a dataset without objects."""
    (yolo_folder / "labels").rename(yolo_folder / "lables")
    refused(yolo_folder, r"no picture has a label file; that of \S*a\.png would be \S*labels/val/a\.txt")


def test_names_that_do_not_meet(yolo_folder: Path) -> None:
    """A picture without labels beside labels without a picture is a misnamed file; alone it is an empty picture."""
    (yolo_folder / "labels" / "val" / "sub" / "b_1.txt").write_text("0 .5 .5 .1 .1\n")
    (yolo_folder / "labels" / "val" / "classes.txt").write_text("car\nbus\n")
    refused(
        yolo_folder, r"1 pictures have no label file, the first sub/b 1\.png, and 1 .* first \S*b_1\.txt; give both"
    )


def test_the_order_of_the_classes(yolo_folder: Path) -> None:
    """A classes.txt beside the labels, as annotation tools leave it, must have the order of `names:`."""
    (yolo_folder / "labels" / "val" / "classes.txt").write_text("car\nbus\n")
    assert len(read(yolo_folder)) == 2
    (yolo_folder / "labels" / "val" / "classes.txt").write_text("bus\ncar\n")
    refused(
        yolo_folder, r"data\.yaml: names are in the order car, bus, .*classes\.txt: bus, car\. Give names that order"
    )


def test_two_pictures_of_one_label_file(yolo_folder: Path) -> None:
    """a.png and a.jpg would share a.txt."""
    PillowImage.new("RGB", (40, 20)).save(yolo_folder / "images" / "val" / "a.jpg")
    refused(yolo_folder, "two pictures share one label file")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: rewrite(folder, "1 0.5 0.5 0.5 0.2\n"),
        lambda folder: (folder / "data.yaml").write_text(YAML.replace("bus", "tram")),
        lambda folder: PillowImage.new("RGB", (40, 20), "red").save(folder / "images" / "val" / "a.png"),
    ],
)
def test_the_fingerprint_follows_every_part(yolo_folder: Path, change: Callable[[Path], object]) -> None:
    """Labels, names and pictures each change the fingerprint; another reading does not."""
    before = read(yolo_folder).fingerprint
    assert read(yolo_folder).fingerprint == before
    change(yolo_folder)
    assert read(yolo_folder).fingerprint != before


def test_equal_lines_count_once(yolo_folder: Path) -> None:
    """A line whose class and numbers another has counts once, with a note; one that differs a little stays."""
    rewrite(yolo_folder, "1 .5 .5 .5 .2\n0 .5 .5 .5 .2\n1 0.50 0.5 0.5 0.2\n1 .5 .5 .5 .21\n")
    dataset = read(yolo_folder)
    assert next(iter(dataset)).truth.labels.tolist() == [2, 1, 2]
    assert "1 label lines equal another of their picture and count once, first a.txt line 3" in dataset.notes


def test_equal_boxes_that_have_ids_are_kept(yolo_folder: Path) -> None:
    """Two boxes of a converted dataset are two although they are equal: each has an id."""
    rewrite(yolo_folder, "1 .5 .5 .5 .2\n1 .5 .5 .5 .2\n")
    found = read_yolo(yolo_folder)
    assert len(found.records.annotations) == 1
    kept = replace(found.records, annotations=[{"id": n, "image_id": 1, "category_id": 2} for n in (7, 9)])
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in label_contents(yolo_folder).items()}
    document = ids_document(kept, sha256, crowds_apart=True)
    (yolo_folder / FILE_NAME).write_text(json.dumps(document))
    assert next(iter(read(yolo_folder))).truth.ids.tolist() == [7, 9]


def label_contents(folder: Path) -> dict[str, bytes]:
    """The labels of each picture by its name."""
    files = {name: (folder / "labels" / "val" / name).with_suffix(".txt") for name in PLACES}
    return {name: file.read_bytes() if file.is_file() else b"" for name, file in files.items()}


def test_key_points_are_left_out(yolo_folder: Path) -> None:
    """With kpt_shape the first four numbers are the box, of lines without key points too."""
    (yolo_folder / "data.yaml").write_text(YAML + "kpt_shape: [2, 3]\n")
    rewrite(yolo_folder, "0 .5 .5 .5 .2 .4 .5 2 0 0 0\n1 .25 .5 .1 1\n")
    assert next(iter(read(yolo_folder))).truth.boxes.tolist() == [[10, 8, 30, 12], [8, 0, 12, 20]]
    rewrite(yolo_folder, "0 .5 .5 .5 .2 .4 .5 .6 .5\n")
    refused(yolo_folder, r"a\.txt line 1: holds 9 numbers; with kpt_shape \[2, 3\] it has 5 or 11: correct one")


def test_key_points_without_a_shape_are_refused(yolo_folder: Path) -> None:
    """Without kpt_shape they could be an outline, and are never taken for one; kpt_shape: [0, 0] says that they are."""
    rewrite(yolo_folder, "0 .5 .5 .5 .2 .4 .5 .6 .5\n1 .25 .5 .1 1 .24 .2 .26 .9\n")
    refused(yolo_folder, r"a\.txt line 1 and 1 others hold 9 numbers, which may be .* add `kpt_shape: \[2, 2\]`")
    (yolo_folder / "data.yaml").write_text(YAML + "kpt_shape: [0, 0]\n")
    assert next(iter(read(yolo_folder))).truth.boxes[1].tolist() == pytest.approx([4, 4, 10.4, 20])


def test_boxes_and_outlines_in_one_file(yolo_folder: Path) -> None:
    """Each line is read by its count, and a note says that they are mixed."""
    rewrite(yolo_folder, "0 .5 .5 .5 .2\n1 .2 .1 .4 .1 .4 .9\n1 .2 .1 .4 .1 .4 .9 .2 .9\n")
    dataset = read(yolo_folder)
    assert next(iter(dataset)).truth.boxes.tolist() == [[10, 8, 30, 12], [8, 2, 16, 18], [8, 2, 16, 18]]
    assert "1 label files hold boxes and outlines, read line by line, first that of a.png" in dataset.notes


def test_oriented_boxes_are_noted(yolo_folder: Path) -> None:
    """Four corners are an oriented box: the upright box around it is meant."""
    rewrite(yolo_folder, "0 .5 .2 .75 .5 .5 .8 .25 .5\n")
    dataset = read(yolo_folder)
    assert next(iter(dataset)).truth.boxes.tolist() == [[10, 4, 30, 16]]
    assert "1 oriented boxes count as the upright boxes around them" in dataset.notes


def test_pictures_and_labels_without_the_other_are_noted(yolo_folder: Path) -> None:
    """A picture without a label file is an empty one, a label file without a picture is left out: notes say so."""
    assert read(yolo_folder).notes == ("1 of 2 pictures have no label file and count as empty, first sub/b 1.png",)
    (yolo_folder / "labels" / "val" / "sub" / "b 1.txt").write_text("")
    (yolo_folder / "labels" / "val" / "c.txt").write_text("0 .5 .5 .1 .1\n")
    (yolo_folder / "labels" / "val" / "README.txt").write_text("made by hand\n")
    assert read(yolo_folder).notes == ("1 label files have no picture and are left out, first c.txt",)


def test_hidden_files_are_no_labels(yolo_folder: Path) -> None:
    """macOS leaves `._` files in zips, of pictures, labels and the YAML."""
    for name in ("labels/val/._a.txt", "labels/val/._z.txt", "images/val/._a.png", "._data.yaml"):
        (yolo_folder / name).write_bytes(b"\0\5\x16\7\0\2")
    (yolo_folder / "data.yaml").rename(yolo_folder / "mine.yaml")
    assert [len(sample.truth) for sample in read(yolo_folder)] == [2, 0]


def test_labels_of_another_task_are_not_taken(yolo_folder: Path) -> None:
    """Pictures that are reached through a link to a folder have the labels beside the link."""
    task = yolo_folder / "task"
    (task / "labels" / "val").mkdir(parents=True)
    (task / "labels" / "val" / "a.txt").write_text("0 .5 .5 .5 .2\n")
    (task / "images").symlink_to("../images")
    (task / "data.yaml").write_text("names: [sign]\nval: images/val\n")
    assert [len(sample.truth) for sample in read(task)] == [1, 0]
    assert read(task).classes == {1: "sign"}


def test_a_folder_of_pictures_that_is_a_link(yolo_folder: Path) -> None:
    """`images -> raw` keeps its labels in labels/; where those are beside the real pictures alone, a note says so."""
    (yolo_folder / "images").rename(yolo_folder / "raw")
    (yolo_folder / "images").symlink_to("raw")
    assert [len(sample.truth) for sample in read(yolo_folder)] == [2, 0]
    store = yolo_folder / "store"
    store.mkdir()
    (yolo_folder / "raw").rename(store / "images")
    (yolo_folder / "labels").rename(store / "labels")
    (yolo_folder / "images").unlink()
    (yolo_folder / "images").symlink_to("store/images")
    dataset = read(yolo_folder)
    assert [len(sample.truth) for sample in dataset] == [2, 0]
    assert dataset.notes[0] == "labels are read beside the files that the pictures are links to"


def test_pictures_and_labels_that_are_all_links(yolo_folder: Path) -> None:
    """A store of content, as DVC's, has neither names nor labels beside it."""
    for number, path in enumerate([p for p in yolo_folder.rglob("*") if p.is_file() and p.suffix != ".yaml"]):
        stored = yolo_folder / "store" / str(number)
        stored.parent.mkdir(exist_ok=True)
        path.rename(stored)
        path.symlink_to(stored)
    assert [len(sample.truth) for sample in read(yolo_folder)] == [2, 0]
    (yolo_folder / "labels" / "val" / "a.txt").resolve().unlink()
    refused(yolo_folder, r"a\.txt: a link to \S*, which is not there; fetch it or remove the link")

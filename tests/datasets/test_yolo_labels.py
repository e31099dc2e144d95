from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.yolo_labels import read_yolo
from detbench.datasets.yolo_pictures import label_file
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


def test_labels_lie_beside_pictures_without_a_folder_images() -> None:
    """Only the last folder called images becomes labels; without one, the text lies beside the picture."""
    assert label_file(Path("/images/x/images/val/a.b.jpg")) == Path("/images/x/labels/val/a.b.txt")
    assert label_file(Path("/x/a.jpg")) == Path("/x/a.txt")


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

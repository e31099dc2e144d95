"""What commonly goes wrong with people's own data: each either simply works or is one message with the mend in it."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

Run = Callable[..., Any]


@pytest.fixture
def folder(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> Callable[[str], Path]:
    """The drawn pictures in a format, to be spoilt; numbered anew, as a folder of somebody else's would be."""

    def made(form: str) -> Path:
        place = tmp_path / form
        if form == "coco":
            shutil.copytree(drawn_dataset, place)
        else:
            assert detbench("convert", drawn_dataset, "--to", form, "--out", form).code == 0
            (place / "detbench-ids.json").unlink()
        return place

    return made


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Change the first place of a text in a file."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return change


def corner(name: str, value: int) -> Callable[[Path], None]:
    """Move the first box of the first picture of a VOC folder."""

    def change(folder: Path) -> None:
        file = folder / "Annotations" / "drawn-01.xml"
        file.write_text(re.sub(rf"<{name}>\d+", f"<{name}>{value}", file.read_text(), count=1))

    return change


def first_line(*words: object) -> Callable[[Path], None]:
    """Give the first picture of a YOLO folder one other line."""
    return lambda folder: (folder / "labels" / "drawn-01.txt").write_text(" ".join(map(str, words)) + "\n") and None


def first(kind: str, **values: Any) -> Callable[[Path], None]:
    """Set values of the first record of a COCO file."""

    def change(folder: Path) -> None:
        document = json.loads((folder / "annotations.json").read_text())
        document[kind][0].update(values)
        (folder / "annotations.json").write_text(json.dumps(document))

    return change


def picture(mode: str, **how: Any) -> Callable[[Path], None]:
    """Save the first picture in another mode."""

    def change(folder: Path) -> None:
        file = next(folder.rglob("drawn-01.png"))
        PillowImage.open(file).convert(mode).save(file, **how)

    return change


def sixteen_bits(folder: Path) -> None:
    """Save the first picture as 16-bit grey."""
    file = next(folder.rglob("drawn-01.png"))
    PillowImage.fromarray(np.full((240, 320), 40_000, np.uint16)).save(file)


def upside(folder: Path) -> None:
    """Turn the first picture on its side and say so in its EXIF, as cameras do, the boxes being those of the file."""
    file = next(folder.rglob("drawn-01.png"))
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.open(file).save(file, exif=exif)


def class_list(folder: Path) -> None:
    """Leave the annotation tool's list of classes, in another order than the YAML's."""
    (folder / "labels" / "classes.txt").write_text("green disc\nred disc\nblue square\nyellow square\n")


MISTAKES: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "YOLO classes from 1": ("yolo", first_line(4, 0.5, 0.5, 0.1, 0.1), ("drawn-01.txt line 1", "from 0 to 3")),
    "YOLO in pixels": ("yolo", first_line(0, 160, 120, 32, 24), ("drawn-01.txt line 1", "pixels? Divide")),
    "YOLO corners far out": ("yolo", first_line(0, 0.8, 0.7, 0.9, 0.9), ("line 1", "centre and size, not corners")),
    "YOLO predictions": ("yolo", first_line(0, 0.5, 0.5, 0.1, 0.1, 0.9), ("line 1", "a confidence too many")),
    "YOLO commas": ("yolo", first_line("0,0.5,0.5,0.1,0.1"), ("line 1", "spaces between")),
    "YOLO class order": ("yolo", class_list, ("data.yaml", "Give names that order")),
    "YOLO nc": ("yolo", replace("data.yaml", "names:", "nc: 80\nnames:"), ("nc is 80", "correct one")),
    "YOLO moved": ("yolo", replace("data.yaml", "val: images", "val: ../elsewhere/images"), ("correct `path:`",)),
    "YOLO no labels": ("yolo", lambda f: (f / "labels").rename(f / "lables"), ("no picture has a label file",)),
    "YOLO renamed": (
        "yolo",
        lambda f: (f / "labels" / "drawn-02.txt").rename(f / "labels" / "drawn_02.txt"),
        ("drawn-02.png", "drawn_02.txt", "give both the same name"),
    ),
    "VOC from 0": ("voc", corner("xmin", 0), ("voc0:FOLDER",)),
    "VOC swapped": ("voc", corner("xmax", 1), ("object 1", "swapped")),
    "VOC no picture": ("voc", lambda f: (f / "JPEGImages/drawn-03.png").unlink(), ("drawn-03.xml", "add it or remove")),
    "COCO corners": ("coco", first("annotations", bbox=[200, 100, 260, 160]), ("annotations[0]", "left, top, width")),
    "COCO ids in fractions": ("coco", first("annotations", id=0.5), ("annotations[0]", "renumber")),
    "COCO class from 0": ("coco", first("annotations", category_id=0), ("annotations[0]", "no category has id 0")),
    "COCO absolute names": ("coco", first("images", file_name="/home/me/a.png"), ("images[0]", "relative to images/")),
    "COCO size": ("coco", first("images", width=640, height=480), ("drawn-01.png", "scaled copies need scaled boxes")),
    "16 bits": ("coco", sixteen_bits, ("drawn-01.png", "convert it to 8-bit RGB")),
    "EXIF": ("coco", upside, ("drawn-01.png", "EXIF rotation", "Save it upright")),
    "EXIF in VOC": ("voc", upside, ("drawn-01.png", "EXIF rotation", "Save it upright")),
    "a file that is no picture": (
        "coco",
        lambda f: (f / "images" / "drawn-01.png").write_text("<html>"),
        ("drawn-01.png", "not a picture"),
    ),
    "the wrong folder": ("coco", lambda f: (f / "annotations.json").unlink(), ("recognised", "data.yaml", "sharp/")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_message(detbench: Run, folder: Callable[[str], Path], mistake: str) -> None:
    """File, record and mend are in it, and nothing is written."""
    form, spoil, parts = MISTAKES[mistake]
    place = folder(form)
    spoil(place)
    said = detbench("convert", place, "--to", "coco", "--out", "there")
    assert said.code == 2, said.out
    message = said.err.partition("detbench: ")[2]
    assert all(part in message for part in parts), message
    assert "Traceback" not in said.err
    assert not Path("there").exists()


def renamed(folder: Path) -> None:
    """Spaces, other alphabets and several dots in the first picture's name."""
    name = "東京 straße 1.v2"
    for file in [*folder.rglob("drawn-01.*")]:
        file.rename(file.with_name(name + file.suffix))
    if (folder / "annotations.json").exists():
        first("images", file_name=f"{name}.png")(folder)


WORKING: dict[str, Callable[[Path], Any]] = {
    "spaces and other alphabets": renamed,
    "grey": picture("L"),
    "alpha": picture("RGBA"),
    "palette": picture("P"),
    "black and white": picture("1"),
}


@pytest.mark.parametrize("form", ["coco", "yolo", "voc"])
@pytest.mark.parametrize("oddity", WORKING)
def test_what_is_odd_but_right_works(detbench: Run, folder: Callable[[str], Path], form: str, oddity: str) -> None:
    """Names of any letters and pictures of any mode are read in every format, mixed sizes among them."""
    place = folder(form)
    WORKING[oddity](place)
    said = detbench("convert", place, "--to", "coco", "--out", "there")
    assert said.code == 0, said.err
    assert "12 pictures with 84 boxes of 4 classes" in said.err


def test_a_blank_label_file_is_an_empty_picture(detbench: Run, folder: Callable[[str], Path]) -> None:
    """In YOLO's format a picture without objects has an empty label file or none."""
    place = folder("yolo")
    boxes = len((place / "labels" / "drawn-01.txt").read_text().splitlines())
    (place / "labels" / "drawn-01.txt").write_text("")
    (place / "labels" / "drawn-02.txt").unlink()
    assert f"with {84 - 2 * boxes} boxes" in detbench("convert", place, "--to", "coco", "--out", "there").err

"""What people's tools do to datasets, each as a change of a Draft, with what a reader must make of it.

`read`: it must be read as it was drawn. `refuse`: it must be refused. `either`: both are right, another reading is not.
A mutation works at one step: on the drawn `shots`, on the `document`, on the `files` or in the `folder`. Those of
different kinds combine.
"""

import json
import os
import random
import re
import runpy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

HAND = runpy.run_path(str(Path(__file__).with_name("hand_written.py")))
Draft, Shot, Box = HAND["Draft"], HAND["Shot"], HAND["Box"]
Change = Callable[[Any], None]
STEPS = ("shots", "document", "files", "folder")
EVERY = "coco yolo voc"


@dataclass(frozen=True)
class Mutation:
    """A change of a dataset of some formats; `step` is where it works, `kind` what sort of change it is."""

    name: str
    kind: str
    step: str
    forms: tuple[str, ...]
    verdict: str
    change: Change


MUTATIONS: list[Mutation] = []


def mutation(kind: str, step: str, forms: str, verdict: str, name: str = "") -> Callable[[Change], Change]:
    """Put a change on the list under its function's name."""

    def listed(change: Change) -> Change:
        title = (name or change.__name__).replace("_", " ").strip()
        MUTATIONS.append(Mutation(title, kind, step, tuple(forms.split()), verdict, change))
        return change

    return listed


def add(kind: str, step: str, forms: str, verdict: str, changes: dict[str, Change]) -> None:
    """Put several changes on the list."""
    for name, change in changes.items():
        mutation(kind, step, forms, verdict, name)(change)


# ---- rename ---------------------------------------------------------------------------------------------------------


def stems(rename: Callable[[int, str], str]) -> Change:
    """Rename every picture; the function gets its number, counted from 0, and its stem."""

    def change(draft: Any) -> None:
        draft.shots = [replace(shot, stem=rename(index, shot.stem)) for index, shot in enumerate(draft.shots)]

    return change


def suffixes(*cycle: str) -> Change:
    """Store the pictures as files of these suffixes, one after the other."""

    def change(draft: Any) -> None:
        draft.shots = [stored(shot, cycle[index % len(cycle)]) for index, shot in enumerate(draft.shots)]

    return change


def stored(shot: Any, suffix: str, orientation: int = 1) -> Any:
    """The shot with a file of another format, of other pixels of the same upright size."""
    width, height = shot.size
    raw = (width, height) if orientation >= 5 else (height, width)
    pixels = np.random.default_rng(len(shot.data)).integers(0, 256, (*raw, 3), np.uint8)
    pixels[0, 0] = list(shot.key.encode()[:3])  # each picture its own
    return replace(shot, suffix=suffix, data=HAND["encoded"](pixels, suffix, orientation))


add("rename", "shots", EVERY, "read", {
    "spaces in stems": stems(lambda i, s: f"my {s}  no {i}"),
    "dots in stems": stems(lambda i, s: f"v1.{i}.{s}.final"),
    "unicode stems": stems(lambda i, s: f"straße_日本_{s}"),
    "roboflow hashes": stems(lambda i, s: f"{s}_jpg.rf.{i:02d}c0ffee00decade"),
    "numbers as stems": stems(lambda i, s: str(12 - i)),
    "numbers from 0": stems(lambda i, s: str(i)),
    "zero padded numbers": stems(lambda i, s: f"{9 + i:012d}"),
    "one number, padded in ways": stems(lambda i, s: "7".zfill(i + 1)),
    "a dash in front": stems(lambda i, s: f"-{s}"),
    "stems that differ in case": stems(lambda i, s: ("abc", "Abc", "aBc", "ABc", "abC", "AbC")[i]),
    "brackets and signs": stems(lambda i, s: f"{s} [{i}] (copy) #1 100% it's"),
    "commas and stars": stems(lambda i, s: f"{s},a;b*?{i}"),
    "long stems": stems(lambda i, s: s + "x" * 200),
    "folders with equal stems": stems(lambda i, s: f"cam{i}/frame"),
    "deep folders": stems(lambda i, s: f"a b/{i % 2}/c.d/{s}"),
    "a folder called images": stems(lambda i, s: f"day{i}/images/{s}") ,
    "capital suffixes": suffixes(".PNG", ".JPG", ".Jpeg"),
    "suffixes of all kinds": suffixes(".jpg", ".webp", ".bmp", ".tif", ".jpeg", ".tiff"),
    "a stem with a suffix in it": stems(lambda i, s: f"{s}.png" if i % 2 else f"{s}.jpg"),
    "trailing space in stems": stems(lambda i, s: f"{s} "),
})  # fmt: skip

add("rename", "shots", EVERY, "either", {
    "rare suffixes": suffixes(".jfif", ".JPE", ".jpg", ".png"),
    "a backslash in stems": stems(lambda i, s: f"a\\{s}"),
    "names that are not UTF-8": stems(lambda i, s: f"caf\udce9_{s}"),
    "a line break in stems": stems(lambda i, s: f"a\n{s}"),
})  # fmt: skip


@mutation("rename", "shots", "coco yolo", "either")
def one_stem_two_suffixes(draft: Any) -> None:
    """a.png and a.jpg are two pictures; a label file can be of one alone."""
    first, second, *rest = draft.shots
    draft.shots = [first, replace(stored(second, ".jpg"), stem=first.stem), *rest]


# ---- recase ---------------------------------------------------------------------------------------------------------


def classes(rename: Callable[[int, str], str]) -> Change:
    """Rename every class."""

    def change(draft: Any) -> None:
        new = {name: rename(index, name) for index, name in enumerate(draft.classes)}
        draft.classes = list(new.values())
        draft.shots = [
            replace(shot, boxes=tuple(replace(box, name=new[box.name]) for box in shot.boxes)) for shot in draft.shots
        ]

    return change


add("recase", "shots", EVERY, "read", {
    "capital class names": classes(lambda i, n: n.upper()),
    "unicode class names": classes(lambda i, n: f"{n} 車 ß"),
    "class names with signs": classes(lambda i, n: f"{n} & <x> 'y' #: {i}"),
    "class names that YAML takes for other things": classes(lambda i, n: ("no", "null", "1.5", "0x1f")[i]),
    "numbers as class names": classes(lambda i, n: str(7 - i)),
    "spaces around class names": classes(lambda i, n: f" {n} "),
    "long class names": classes(lambda i, n: n * 40),
})  # fmt: skip
add("recase", "shots", EVERY, "either", {
    "class names that differ in case": classes(lambda i, n: ("Person", "person", "PERSON", "car")[i]),
    "class names that differ in spaces": classes(lambda i, n: ("person", "person ", " person", "car")[i]),
    "empty class names": classes(lambda i, n: " " * i),
})  # fmt: skip


@mutation("recase", "document", "coco", "either")
def file_names_in_another_case(draft: Any) -> None:
    """Windows does not tell a.png from a.PNG."""
    for image in draft.document["images"]:
        image["file_name"] = image["file_name"].swapcase()


@mutation("recase", "document", EVERY, "either")
def folders_in_another_case(draft: Any) -> None:
    """Images/, Labels/, annotations/."""
    draft.moves += [("images/", "Images/"), ("labels/", "Labels/"), ("Annotations/", "annotations/")]
    draft.moves += [("JPEGImages/", "jpegimages/")]
    if draft.form == "yolo":
        draft.document["yaml"]["val"] = "Images/val"


@mutation("recase", "files", "yolo voc", "either")
def suffixes_of_labels_in_capitals(draft: Any) -> None:
    """A.TXT and A.XML."""
    for path in draft.annotation_files():
        stem, dot, suffix = path.rpartition(".")
        draft.files[stem + dot + suffix.upper()] = draft.files.pop(path)


# ---- reorder --------------------------------------------------------------------------------------------------------


def each(kind: str, edit: Callable[[dict[str, Any], int], None]) -> Change:
    """Edit every record of one of COCO's lists; the function gets its place too."""

    def change(draft: Any) -> None:
        for index, record in enumerate(draft.document[kind]):
            edit(record, index)

    return change


def renumber(kind: str, number: Callable[[Any], Any]) -> Change:
    """Other ids for the records of a list, and for what refers to them."""

    def change(draft: Any) -> None:
        for record in draft.document[kind]:
            record["id"] = number(record["id"])
        key = {"images": "image_id", "categories": "category_id"}.get(kind)
        for record in draft.document["annotations"] if key else ():
            record[key] = number(record[key])

    return change


@mutation("reorder", "document", "coco", "read")
def records_in_another_order(draft: Any) -> None:
    """All three lists shuffled."""
    for kind in ("images", "annotations", "categories"):
        draft.rng.shuffle(draft.document[kind])


@mutation("reorder", "document", "coco", "read")
def keys_in_another_order(draft: Any) -> None:
    """The lists, and the keys of every record, backwards."""
    draft.document = dict(reversed(draft.document.items()))
    for kind in ("images", "annotations", "categories"):
        draft.document[kind] = [dict(reversed(record.items())) for record in draft.document[kind]]


add("reorder", "document", "coco", "read", {
    "annotation ids from 0": renumber("annotations", lambda i: i - 1),
    "large annotation ids": renumber("annotations", lambda i: 900_100_581_904 + 7 * i),
    "annotation ids backwards": renumber("annotations", lambda i: 1000 - i),
    "image ids from 0": renumber("images", lambda i: i - 1),
    "large image ids": renumber("images", lambda i: 10**15 + 997 * i),
    "image ids backwards": renumber("images", lambda i: 100 - i),
    "category ids from 0": renumber("categories", lambda i: i - 1),
    "category ids with gaps": renumber("categories", lambda i: (90, 3, 44, 17)[i - 1]),
    "large category ids": renumber("categories", lambda i: 10**9 + i),
})  # fmt: skip
add("reorder", "document", "coco", "either", {
    "annotation ids from -3": renumber("annotations", lambda i: i - 4),
    "negative category ids": renumber("categories", lambda i: i - 3),
    "negative image ids": renumber("images", lambda i: i - 3),
    "image ids beyond 2**53": renumber("images", lambda i: 2**60 + i),
    "annotation ids beyond 2**53": renumber("annotations", lambda i: 2**60 + i),
    "annotation ids by picture": each("annotations", lambda r, i: r.update(id=i % 3 + 1)),
    "no annotation ids": each("annotations", lambda r, i: r.pop("id")),
    "annotation ids null": each("annotations", lambda r, i: r.update(id=None)),
    "file names as image ids": renumber("images", lambda i: f"street_{i}.png"),
})  # fmt: skip


@mutation("reorder", "document", "yolo", "read")
def label_lines_backwards(draft: Any) -> None:
    """The order of lines means nothing."""
    for lines in draft.document["labels"].values():
        lines.reverse()


@mutation("reorder", "document", "yolo", "read")
def names_as_a_dictionary_backwards(draft: Any) -> None:
    """The numbers of the classes count, not their order."""
    draft.document["yaml"]["names"] = dict(reversed([*enumerate(draft.classes)]))


@mutation("reorder", "document", "yolo", "read")
def yaml_keys_in_another_order(draft: Any) -> None:
    """With nc, and the keys that ultralytics ignores."""
    extra = {"roboflow": {"workspace": "x", "url": "https://x"}, "nc": len(draft.classes), "download": None}
    draft.document["yaml"] = {**extra, **dict(reversed(draft.document["yaml"].items()))}


def xml(edit: Callable[[str], str]) -> Change:
    """Edit the text of every XML file."""

    def change(draft: Any) -> None:
        draft.document = {index: edit(text) for index, text in draft.document.items()}

    return change


def swapped(pattern: str, by: str) -> Change:
    """Replace what a pattern finds in every XML file."""
    return xml(lambda text: re.sub(pattern, by, text, flags=re.DOTALL))


add("reorder", "document", "voc", "read", {
    "corners in another order": swapped(r"(<xmin>\d+</xmin>)(<ymin>\d+</ymin>)(.*?)(</bndbox>)", r"\3\2\1\4"),
    "the name last": swapped(r"(<name>[^<]*</name>)(<truncated>.*?)(</object>)", r"\2\1\3"),
    "the size last": swapped(r"(<size>.*?</size>)(.*)(</annotation>)", r"\2\1\3"),
})  # fmt: skip


# ---- retype ---------------------------------------------------------------------------------------------------------

add("retype", "document", "coco", "either", {
    "ids as text": each("annotations", lambda r, i: r.update(id=str(r["id"]))),
    "image ids as text": renumber("images", str),
    "image ids as text in annotations": each("annotations", lambda r, i: r.update(image_id=str(r["image_id"]))),
    "category ids as text": renumber("categories", str),
    "class ids as text in annotations": each("annotations", lambda r, i: r.update(category_id=str(r["category_id"]))),
    "floating image ids": renumber("images", float),
    "floating ids": renumber("annotations", float),
    "floating category ids": renumber("categories", float),
    "crowds true and false": each("annotations", lambda r, i: r.update(iscrowd=bool(r["iscrowd"]))),
    "floating crowds": each("annotations", lambda r, i: r.update(iscrowd=float(r["iscrowd"]))),
    "crowds as text": each("annotations", lambda r, i: r.update(iscrowd=str(r["iscrowd"]))),
    "floating sizes": each("images", lambda r, i: r.update(width=float(r["width"]), height=float(r["height"]))),
    "sizes as text": each("images", lambda r, i: r.update(width=str(r["width"]), height=str(r["height"]))),
    "no sizes": each("images", lambda r, i: (r.pop("width"), r.pop("height"))),
    "sizes 0": each("images", lambda r, i: r.update(width=0, height=0)),
    "sizes null": each("images", lambda r, i: r.update(width=None, height=None)),
    "boxes as text": each("annotations", lambda r, i: r.update(bbox=[*map(str, r["bbox"])])),
    "areas as text": each("annotations", lambda r, i: r.update(area=str(r["area"]))),
    "boxes in exponents": each("annotations", lambda r, i: r.update(bbox=[value + 1e-9 for value in r["bbox"]])),
    "category names as numbers": each("categories", lambda r, i: r.update(name=i)),
})  # fmt: skip
add("retype", "document", "coco", "refuse", {
    "NaN in a box": each("annotations", lambda r, i: r["bbox"].__setitem__(2, float("nan"))),
    "three numbers a box": each("annotations", lambda r, i: r["bbox"].pop()),
    "five numbers a box": each("annotations", lambda r, i: r["bbox"].append(0.3)),
    "boxes null": each("annotations", lambda r, i: r.update(bbox=None)),
    "unknown pictures": each("annotations", lambda r, i: r.update(image_id=r["image_id"] + 70)),
    "unknown classes": each("annotations", lambda r, i: r.update(category_id=r["category_id"] + 70)),
})  # fmt: skip


def own_area(draft: Any) -> None:
    """Where no area is given, it is the box's own."""
    draft.shots = [replace(shot, boxes=tuple(replace(box, area=None) for box in shot.boxes)) for shot in draft.shots]


@mutation("retype", "document", "coco", "either")
def areas_null(draft: Any) -> None:
    """The outline's area is not known."""
    own_area(draft)
    each("annotations", lambda r, i: r.update(area=None))(draft)


@mutation("retype", "document", "coco", "read")
def no_areas(draft: Any) -> None:
    """Without the key, the box's area counts."""
    own_area(draft)
    each("annotations", lambda r, i: r.pop("area"))(draft)


@mutation("retype", "document", "coco", "read")
def no_crowd_keys(draft: Any) -> None:
    """What has no `iscrowd` is none."""
    for record in draft.document["annotations"]:
        if not record["iscrowd"]:
            del record["iscrowd"]


def encoding(encode: Callable[[str], bytes]) -> Change:
    """Write annotations in another encoding, or with other ends of lines."""

    def change(draft: Any) -> None:
        draft.encode = encode

    return change


add("retype", "document", EVERY, "read", {
    "byte order marks": encoding(lambda text: text.encode("utf-8-sig")),
    "CRLF": encoding(lambda text: text.replace("\n", "\r\n").encode()),
    "no line break at the end": encoding(lambda text: text.rstrip("\n").encode()),
    "blank lines at the end": encoding(lambda text: f"{text}\n \n\n".encode()),
})  # fmt: skip
add("retype", "document", EVERY, "either", {
    "UTF-16": encoding(lambda text: text.encode("utf-16")),
    "old Macintosh line ends": encoding(lambda text: text.replace("\n", "\r").encode()),
    "a zero byte at the end": encoding(lambda text: text.encode() + b"\0"),
})  # fmt: skip


def lines(edit: Callable[[list[str]], list[str]]) -> Change:
    """Edit the words of every label line."""

    def change(draft: Any) -> None:
        labels = draft.document["labels"]
        for index in labels:
            labels[index] = [" ".join(edit(line.split())) for line in labels[index]]

    return change


def text_lines(edit: Callable[[str], str]) -> Change:
    """Edit the text of every label line."""

    def change(draft: Any) -> None:
        labels = draft.document["labels"]
        for index in labels:
            labels[index] = [edit(line) for line in labels[index]]

    return change


add("retype", "document", "yolo", "read", {
    "tabs": text_lines(lambda line: line.replace(" ", "\t")),
    "many blanks": text_lines(lambda line: f"  {line.replace(' ', '   ')}  "),
    "blank lines between": text_lines(lambda line: f"\n{line}\n  "),
    "exponents": lines(lambda words: [words[0], *(f"{float(word):.12e}" for word in words[1:])]),
    "numbers without their zero": lines(lambda words: [words[0], *(word.removeprefix("0") for word in words[1:])]),
    "floating classes": lines(lambda words: [f"{words[0]}.0", *words[1:]]),
    "classes in exponents": lines(lambda words: [f"{int(words[0]):.18e}", *words[1:]]),
    "no-break spaces": text_lines(lambda line: line.replace(" ", "\u00a0")),
})  # fmt: skip
add("retype", "document", "yolo", "either", {
    "commas between": text_lines(lambda line: line.replace(" ", ",")),
    "commas and blanks between": text_lines(lambda line: line.replace(" ", ", ")),
    "decimal commas": text_lines(lambda line: line.replace(".", ",")),
    "comments": text_lines(lambda line: f"# {line}\n{line} # a car"),
    "padded classes": lines(lambda words: [f"0{words[0]}", *words[1:]]),
    "classes from 1": lines(lambda words: [str(int(words[0]) + 7), *words[1:]]),
    "words for nothing": lines(lambda words: [words[0], *words[1:-1], "nan"]),
})  # fmt: skip


@mutation("retype", "document", "yolo", "either")
def class_names_in_the_lines(draft: Any) -> None:
    """The class as a word."""
    lines(lambda words: [draft.classes[int(words[0])].replace(" ", "_"), *words[1:]])(draft)


def described(edit: Callable[[dict[str, Any], list[str]], None]) -> Change:
    """Edit data.yaml; the function gets the classes too."""

    def change(draft: Any) -> None:
        edit(draft.document["yaml"], draft.classes)

    return change


add("yaml", "document", "yolo", "read", {
    "names as text keys": described(lambda y, c: y.update(names={str(i): name for i, name in enumerate(c)})),
    "names as numbered keys": described(lambda y, c: y.update(names=dict(enumerate(c)))),
    "nc": described(lambda y, c: y.update(nc=len(c))),
    "a slash after the folder": described(lambda y, c: y.update(val="./images/val/")),
    "no path": described(lambda y, c: y.pop("path")),
    "path empty": described(lambda y, c: y.update(path="")),
    "path null": described(lambda y, c: y.update(path=None)),
    "splits null": described(lambda y, c: y.update(train=None, test=None)),
    "other splits that are not there": described(lambda y, c: y.update(train="images/train", test="images/test")),
    "a folder in a list": described(lambda y, c: y.update(val=["images/val"])),
    "the folder of folders": described(lambda y, c: y.update(val="images")),
    "Roboflow's path": described(lambda y, c: y.update(val="../images/val")),
})  # fmt: skip
add("yaml", "document", "yolo", "either", {
    "nc as text": described(lambda y, c: y.update(nc=str(len(c)))),
    "validation instead of val": described(lambda y, c: y.update(validation=y.pop("val"))),
    "names in one text": described(lambda y, c: y.update(names=", ".join(c))),
    "names as numbers": described(lambda y, c: y.update(names=[*range(len(c))])),
    "names with a gap": described(lambda y, c: y.update(names={i + (i > 1): name for i, name in enumerate(c)})),
    "names from 1": described(lambda y, c: y.update(names={i + 1: name for i, name in enumerate(c)})),
    "a path of another computer": described(lambda y, c: y.update(path="/home/somebody/datasets/x")),
    "a path below datasets": described(lambda y, c: y.update(path="../datasets/x")),
    "a Windows path": described(lambda y, c: y.update(val="images\\val")),
    "a folder twice": described(lambda y, c: y.update(val=["images/val", "images/val"])),
    "a folder and one in it": described(lambda y, c: y.update(val=["images", "images/val"])),
    "a folder that is not there": described(lambda y, c: y.update(val=["images/val", "images/more"])),
    "names twice": described(lambda y, c: y.update(names=[*c, c[0]])),
})  # fmt: skip
add("yaml", "document", "yolo", "refuse", {
    "nc of another number": described(lambda y, c: y.update(nc=len(c) + 1)),
    "no names": described(lambda y, c: y.pop("names")),
    "no split": described(lambda y, c: y.pop("val")),
    "too few names": described(lambda y, c: y.update(names=["x"])),
})  # fmt: skip


add("retype", "document", "voc", "read", {
    "floating corners": swapped(r"(<[xy]m(?:in|ax)>\d+)<", r"\1.0<"),
    "corners in blanks": swapped(r"(<[xy]m(?:in|ax)>)(\d+)<", r"\1\n  \2\n<"),
    "an XML declaration": xml(lambda text: f"<?xml version='1.0' encoding='utf-8'?>\n<!-- x -->\n{text}"),
    "verified": xml(lambda text: text.replace("<annotation>", '<annotation verified="yes">')),
    "no difficult": swapped(r"<difficult>0</difficult>", ""),
    "names in blanks": swapped(r"<name>([^<]*)</name>", r"<name>\n  \1\n</name>"),
    "names as CDATA": swapped(r"<name>([^<&]*)</name>", r"<name><![CDATA[\1]]></name>"),
    "comments in objects": swapped(r"<bndbox>", r"<!-- <bndbox> --><bndbox>"),
    "parts with boxes of their own": swapped(
        r"</object>", "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
        "</bndbox></part></object>"
    ),
    "parts in front": swapped(
        r"<object>", "<object><part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
        "</bndbox></part>"
    ),
    "no file names": swapped(r"<filename>.*?</filename>", ""),
    "file names without a suffix": swapped(r"(<filename>[^<]*)\.\w+</filename>", r"\1</filename>"),
    "paths of Windows": swapped(r"(<filename>[^<]*</filename>)", r"\1<path>C:\\\\Users\\\\x\\\\a.jpg</path>"),
    "a folder in the file name": swapped(r"<filename>([^<]*)</filename>", r"<filename>JPEGImages/\1</filename>"),
    "sizes 0": swapped(r"<size>.*?</size>", "<size><width>0</width><height>0</height><depth>0</depth></size>"),
    "no sizes": swapped(r"<size>.*?</size>", ""),
    "floating sizes": swapped(r"<(width|height)>(\d+)<", r"<\1>\2.0<"),
})  # fmt: skip
add("retype", "document", "voc", "either", {
    "a document type": xml(lambda text: f'<!DOCTYPE annotation SYSTEM "x.dtd">\n{text}'),
    "a namespace": xml(lambda text: text.replace("<annotation>", '<annotation xmlns="http://x/y">')),
    "difficult as a word": swapped(r"<difficult>(\d)</difficult>", lambda m: f"<difficult>{m[1] == '1'}</difficult>"),
    "difficult in blanks": swapped(r"<difficult>(\d)</difficult>", r"<difficult> \1 </difficult>"),
    "difficult Unspecified": swapped(r"<difficult>0</difficult>", "<difficult>Unspecified</difficult>"),
    "corners swapped": swapped(r"<xmin>(\d+)</xmin>(.*?)<xmax>(\d+)</xmax>", r"<xmin>\3</xmin>\2<xmax>\1</xmax>"),
    "sizes as words": swapped(r"<(width|height)>\d+<", r"<\1>unknown<"),
    "capital tags": xml(lambda text: text.replace("bndbox", "BndBox").replace("xmin", "Xmin")),
})  # fmt: skip


@mutation("retype", "document", "voc", "either")
def latin_1_declared(draft: Any) -> None:
    """A declaration may name any encoding."""
    draft.document = {i: f"<?xml version='1.0' encoding='windows-1252'?>{text}" for i, text in draft.document.items()}
    draft.encode = lambda text: text.encode("windows-1252", "xmlcharrefreplace")


# ---- rescale --------------------------------------------------------------------------------------------------------


def scaled(by: Callable[[list[float], tuple[int, int]], list[float]]) -> Change:
    """Write COCO's boxes in other units."""

    def change(draft: Any) -> None:
        sizes = {image["id"]: (image["width"], image["height"]) for image in draft.document["images"]}
        for record in draft.document["annotations"]:
            record["bbox"] = by(record["bbox"], sizes[record["image_id"]])

    return change


def percent(box: list[float], size: tuple[int, int]) -> list[float]:
    """A box in percent of its picture."""
    return [100 * value / size[place % 2] for place, value in enumerate(box)]


add("rescale", "document", "coco", "either", {
    "boxes in shares": scaled(lambda box, size: [value / 100 for value in percent(box, size)]),
    "boxes in percent": scaled(percent),
    "boxes as corners": scaled(lambda b, size: [b[0], b[1], b[0] + b[2], b[1] + b[3]]),
    "boxes of a picture twice the size": scaled(lambda box, size: [2 * value for value in box]),
    "sizes of another picture": each("images", lambda r, i: r.update(width=2 * r["width"], height=2 * r["height"])),
    "sizes swapped": each("images", lambda r, i: r.update(width=r["height"], height=r["width"])),
})  # fmt: skip


@mutation("rescale", "document", "coco", "either")
def annotated_at_twice_the_size(draft: Any) -> None:
    """Boxes and sizes of the large picture, and the small one on disk."""
    scaled(lambda box, size: [2 * value for value in box])(draft)
    each("images", lambda r, i: r.update(width=2 * r["width"], height=2 * r["height"]))(draft)


@mutation("rescale", "shots", EVERY, "read")
def rotated_by_EXIF(draft: Any) -> None:  # noqa: N802
    """Annotated as a viewer shows them, stored lying on their side."""
    draft.shots = [stored(shot, ".jpg", (6, 8, 3)[index % 3]) for index, shot in enumerate(draft.shots)]


def numbers(edit: Callable[[float, int, tuple[int, int]], float]) -> Change:
    """Edit the numbers of every label line; the function gets the place of each and the picture's size."""

    def change(draft: Any) -> None:
        for index, rows in draft.document["labels"].items():
            size = draft.shots[index].size
            for place, (label, *shares) in enumerate(row.split() for row in rows):
                new = (edit(float(share), axis, size) for axis, share in enumerate(shares))
                rows[place] = " ".join([label, *(f"{value:.9f}" for value in new)])

    return change


add("rescale", "document", "yolo", "either", {
    "labels in pixels": numbers(lambda share, axis, size: share * size[axis % 2]),
    "labels in percent": numbers(lambda share, axis, size: share * 100),
    "labels in thousandths": numbers(lambda share, axis, size: share * 1000),
})  # fmt: skip


@mutation("rescale", "document", "yolo", "either")
def corners_in_the_lines(draft: Any) -> None:
    """class x1 y1 x2 y2, in shares."""
    lines(lambda w: [w[0], *(f"{float(w[a]) + sign * float(w[a + 2]) / 2:.9f}" for sign in (-1, 1) for a in (1, 2))])(
        draft
    )


add("rescale", "document", "voc", "either", {
    "sizes of another picture": swapped(r"<(width|height)>(\d+)<", lambda m: f"<{m[1]}>{2 * int(m[2])}<"),
    "sizes swapped": swapped(r"<width>(\d+)</width><height>(\d+)", r"<width>\2</width><height>\1"),
    "corners in shares": swapped(r"(<[xy]m(?:in|ax)>)(\d+)<", lambda m: f"{m[1]}{int(m[2]) / 100}<"),
})  # fmt: skip


@mutation("rescale", "document", "voc", "read")
def corners_from_0(draft: Any) -> None:
    """Tools that count from 0 and give corners are read as voc0."""
    xml(lambda text: re.sub(r"<([xy])min>(\d+)<", lambda m: f"<{m[1]}min>{int(m[2]) - 1}<", text))(draft)
    draft.prefix = "voc0:"


def with_box(form_box: Callable[[tuple[int, int]], tuple[float, float, float, float]], repaired: bool) -> Change:
    """One more box in the first picture, that readers may also clip (or leave out where nothing is left)."""

    def change(draft: Any) -> None:
        first, *rest = draft.shots
        left, top, width, height = form_box(first.size)
        name, area = draft.classes[0], round(width * height * 0.5, 2) if draft.form == "coco" else None
        shot = replace(first, boxes=(*first.boxes, Box(name, (left, top, width, height), False, area)))
        right, bottom = min(left + width, first.size[0]), min(top + height, first.size[1])
        if repaired and width > 0:
            clipped = (max(left, 0), max(top, 0), right - max(left, 0), bottom - max(top, 0))
            kept = replace(first, boxes=(*first.boxes, Box(name, clipped, False, area)))
            draft.other_readings.append([kept, *rest])
        draft.other_readings.append([first, *rest])
        draft.shots = [shot, *rest]

    return change


add("rescale", "shots", EVERY, "either", {
    "a box without height": with_box(lambda size: (5, 6, 7, 0), True),
    "a box without width": with_box(lambda size: (5, 6, 0, 9), True),
    "a box half outside": with_box(lambda size: (size[0] - 10, 5, 20, 10), True),
    "a box outside": with_box(lambda size: (size[0] + 10, 5, 20, 10), False),
    "a box of negative height": with_box(lambda size: (5, 16, 7, -6), False),
    "a box left of the picture's border": with_box(lambda size: (-6, 4, 12, 10), True),
})  # fmt: skip
add("rescale", "shots", EVERY, "read", {
    "a box that fills its picture": with_box(lambda size: (0, 0, *size), False),
    "a box of one pixel": with_box(lambda size: (3, 4, 1, 1), False),
    "a box one pixel outside": with_box(lambda size: (4, 5, size[0] - 3, 6), False),
})  # fmt: skip


# ---- duplicate ------------------------------------------------------------------------------------------------------


@mutation("duplicate", "document", "yolo", "read")
def identical_lines(draft: Any) -> None:
    """ultralytics leaves out lines that repeat another."""
    for rows in draft.document["labels"].values():
        rows += rows[::2]


@mutation("duplicate", "document", "coco", "read")
def annotations_under_new_ids(draft: Any) -> None:
    """Two records are two objects, as pycocotools counts them."""
    first = draft.document["annotations"][0]
    draft.document["annotations"].append({**first, "id": 4001})
    shot = draft.shots[0]
    draft.shots[0] = replace(shot, boxes=(*shot.boxes, shot.boxes[0]))


def repeated(kind: str, **change_of: Any) -> Change:
    """The first record of a list a second time, changed a little."""

    def change(draft: Any) -> None:
        draft.document[kind].append({**draft.document[kind][0], **change_of})

    return change


add("duplicate", "document", "coco", "either", {
    "an annotation twice": repeated("annotations"),
    "a picture twice": repeated("images"),
    "a class twice": repeated("categories"),
    "a class under another id": repeated("categories", id=4001),
    "a picture under another id": repeated("images", id=4001),
})  # fmt: skip
add("duplicate", "document", "coco", "refuse", {
    "one annotation id for two boxes": repeated("annotations", bbox=[1, 1, 5, 5]),
    "one image id for two pictures": repeated("images", file_name="street_0.png"),
})  # fmt: skip


@mutation("duplicate", "document", "coco", "read")
def a_root_category_named_as_its_class(draft: Any) -> None:
    """Roboflow's category 0 is the project, and may be called as the class is."""
    renumber("categories", lambda i: i + 1)(draft)
    name = draft.classes[0]
    draft.document["categories"].insert(0, {"id": 0, "name": name, "supercategory": "none"})
    draft.document["categories"][1]["supercategory"] = name


@mutation("duplicate", "files", EVERY, "read")
def a_copy_of_the_dataset_in_a_hidden_folder(draft: Any) -> None:
    """Editors and version control keep copies."""
    folders = {Path(path).parent for path in draft.files if Path(path).parent != Path()}
    for path, content in [*draft.files.items()]:
        parent, name = Path(path).parent, Path(path)
        if parent in folders:
            draft.files[str(parent / ".ipynb_checkpoints" / f"{name.stem}-checkpoint{name.suffix}")] = content


@mutation("duplicate", "files", EVERY, "read")
def a_copy_of_the_dataset_beside_it(draft: Any) -> None:
    """A backup in a folder of its own."""
    for path, content in [*draft.files.items()]:
        draft.files[f"backup of 2023/{path}"] = content


# ---- columns --------------------------------------------------------------------------------------------------------


def key_points(count: int, dims: int) -> Change:
    """Key points behind each box, that lie anywhere in the picture."""

    def change(draft: Any) -> None:
        values = [
            f"{draft.rng.random():.6f}" if axis < 2 else str(draft.rng.choice((0, 1, 2)))
            for _ in range(count)
            for axis in range(dims)
        ]
        lines(lambda words: [*words, *values])(draft)
        draft.document["yaml"]["kpt_shape"] = [count, dims]

    return change


def without_kpt_shape(change: Change) -> Change:
    """The same labels, and a data.yaml that does not say what they are."""

    def changed(draft: Any) -> None:
        change(draft)
        draft.document["yaml"].pop("kpt_shape")

    return changed


def outlined(points: Callable[[list[float]], list[float]]) -> Change:
    """An outline in place of each box; the function makes points of left, top, right and bottom."""

    def change(draft: Any) -> None:
        def edit(words: list[str]) -> list[str]:
            x, y, w, h = map(float, words[1:5])
            outline = points([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
            return [words[0], *(f"{value:.12f}" for value in outline)]

        lines(edit)(draft)

    return change


add("columns", "document", "yolo", "read", {
    "pose, 12 points in 2-D": key_points(12, 2),
    "pose, 17 points in 3-D": key_points(17, 3),
    "pose, 24 points in 3-D": key_points(24, 3),
    "pose, one point": key_points(1, 2),
    "pose, 5 points in 3-D": key_points(5, 3),
    "oriented boxes": outlined(lambda b: [b[0], b[1], b[2], b[1], b[2], b[3], b[0], b[3]]),
    "oriented boxes on a corner": outlined(
        lambda b: [(b[0] + b[2]) / 2, b[1], b[2], (b[1] + b[3]) / 2, (b[0] + b[2]) / 2, b[3], b[0], (b[1] + b[3]) / 2]
    ),
    "outlines": outlined(lambda b: [b[0], b[1], b[2], b[1], b[2], b[3], (b[0] + b[2]) / 2, b[3], b[0], b[3]]),
    "closed outlines": outlined(lambda b: [b[0], b[1], b[2], b[1], b[2], b[3], b[0], b[3], b[0], b[1]]),
    "triangles": outlined(lambda b: [b[0], b[3], b[2], b[3], b[0], b[1]]),
})  # fmt: skip
add("columns", "document", "yolo", "either", {
    "pose, 17 points in 3-D, unsaid": without_kpt_shape(key_points(17, 3)),
    "pose, 24 points in 3-D, unsaid": without_kpt_shape(key_points(24, 3)),
    "a tracker's id": lines(lambda w: [*w, "0"]),
    "a tracker's confidence and id": lines(lambda w: [*w, "0.83", "1"]),
    "a tracker's confidence and id 0": lines(lambda w: [*w, "1", "0"]),
    "a detector's confidence": lines(lambda w: [*w, "0.91"]),
    "oriented boxes with their angle": lines(lambda w: [*w, "0.5"]),
    "KITTI's words": lines(lambda w: ["Car", "0.00", "0", "-1.57", *w[1:]]),
    "DOTA's difficulty": lambda draft: (
        outlined(lambda b: [b[0], b[1], b[2], b[1], b[2], b[3], b[0], b[3]])(draft),
        lines(lambda w: [*w, "1"])(draft),
    ),
})  # fmt: skip
add("columns", "document", "yolo", "refuse", {
    "the class alone": lines(lambda w: w[:1]),
    "three numbers": lines(lambda w: w[:4]),
    "an outline with half a point": lines(lambda w: [*w, "0.1", "0.2", "0.3"]),
})  # fmt: skip


@mutation("columns", "document", "yolo", "either")
def outlines_among_boxes(draft: Any) -> None:
    """Some objects have an outline and others a box."""
    rows = next(rows for rows in draft.document["labels"].values() if len(rows) > 1)
    x, y, w, h = map(float, rows[0].split()[1:])
    corners = (x - w / 2, y - h / 2, x + w / 2, y - h / 2, x + w / 2, y + h / 2, x - w / 2, y + h / 2)
    rows[0] = " ".join([rows[0].split()[0], *(f"{value:.12f}" for value in corners)])


add("columns", "document", "coco", "read", {
    "outlines and key points": each(
        "annotations",
        lambda r, i: r.update(segmentation=[[1, 1, 5, 1, 5, 5]], keypoints=[1, 1, 2], num_keypoints=1, attributes={}),
    ),
    "null outlines": each("annotations", lambda r, i: r.update(segmentation=None, score=None, ignore=0)),
    "extra keys of pictures": each("images", lambda r, i: r.update(license=1, coco_url="http://x", date_captured=0)),
    "key point categories": each("categories", lambda r, i: r.update(keypoints=["nose"], skeleton=[[1, 2]])),
    "no supercategories": each("categories", lambda r, i: r.pop("supercategory")),
})  # fmt: skip
add("columns", "document", "coco", "either", {
    "ignored objects": each("annotations", lambda r, i: r.update(ignore=1)),
    "outlines without boxes": each(
        "annotations", lambda r, i: r.update(segmentation=[_corners(r.pop("bbox"))])
    ),
})  # fmt: skip


def _corners(b: list[float]) -> list[float]:
    return [b[0], b[1], b[0] + b[2], b[1], b[0] + b[2], b[1] + b[3], b[0], b[1] + b[3]]


@mutation("columns", "document", "coco", "read")
def no_info_and_licenses(draft: Any) -> None:
    """Only three lists matter."""
    del draft.document["info"], draft.document["licenses"]


add("columns", "document", "voc", "read", {
    "other keys of objects": swapped(r"</object>", "<pose>Left</pose><occluded>1</occluded></object>"),
    "outlines": swapped(r"</object>", "<polygon><x1>3</x1><y1>4</y1><x2>5</x2><y2>6</y2></polygon></object>"),
})  # fmt: skip
add("columns", "document", "voc", "refuse", {
    "rotated boxes": swapped(
        r"<bndbox>.*?</bndbox>", "<robndbox><cx>9</cx><cy>9</cy><w>5</w><h>5</h><angle>1</angle></robndbox>"
    ),
    "no class": swapped(r"<name>[^<]*</name>", ""),
    "a corner missing": swapped(r"<xmax>\d+</xmax>", ""),
    "a corner that is no number": swapped(r"<xmax>\d+<", "<xmax>12px<"),
})  # fmt: skip


# ---- relayout -------------------------------------------------------------------------------------------------------


def layout(*moves: tuple[str, str], opened: str = "", names: Callable[[str], str] | None = None, **keys: Any) -> Change:
    """Move files as another tool lays them out; `names` change COCO's file names, `keys` are of YOLO's YAML."""

    def change(draft: Any) -> None:
        draft.moves += moves
        draft.opened = opened
        if draft.form == "yolo":
            draft.document["yaml"].update(keys)
        for image in draft.document["images"] if names else ():
            image["file_name"] = names(image["file_name"])

    return change


COCO_2017 = ("annotations.json", "annotations/instances_val2017.json")
ROBOFLOW = ("annotations.json", "valid/_annotations.coco.json")
add("relayout", "document", "coco", "read", {
    "COCO": layout(COCO_2017, ("images/", "val2017/")),
    "COCO by its split": layout(COCO_2017, ("images/", "val2017/"), opened="#val2017"),
    "COCO by its file": layout(COCO_2017, ("images/", "val2017/"), opened="/annotations/instances_val2017.json"),
    "COCO below images": layout(COCO_2017, ("images/", "images/val2017/")),
    "COCO beside images": layout(COCO_2017),
    "Roboflow by its split": layout(ROBOFLOW, ("images/", "valid/"), opened="#valid"),
    "Roboflow by the folder of its split": layout(ROBOFLOW, ("images/", "valid/"), opened="/valid"),
    "Label Studio": layout(("annotations.json", "result.json"), names="images/{}".format),
    "Label Studio by its file": layout(
        ("annotations.json", "result.json"), names="images/{}".format, opened="/result.json"
    ),
    "FiftyOne": layout(("annotations.json", "labels.json"), ("images/", "data/")),
    "FiftyOne by its file": layout(("annotations.json", "labels.json"), ("images/", "data/"), opened="/labels.json"),
    "CVAT": layout(("annotations.json", "annotations/instances_default.json")),
    "CVAT with its folder": layout(
        ("annotations.json", "annotations/instances_default.json"), ("images/", "images/default/")
    ),
    "a file of any name": layout(("annotations.json", "export 7.json"), opened="/export 7.json"),
    "a file among the pictures": layout(("annotations.json", "x.json"), ("images/", ""), opened="/x.json"),
    "folders in file names": layout(
        COCO_2017, ("images/", "val2017/"), names="val2017/{}".format, opened="/annotations/instances_val2017.json"
    ),
    "a folder called images": layout(("", "images/"), opened="/images"),
})  # fmt: skip
add("relayout", "document", "coco", "either", {
    "Label Studio of Windows": layout(("annotations.json", "result.json"), names="images\\{}".format),
    "uploads of Label Studio": layout(("annotations.json", "result.json"), names="/data/upload/1/{}".format),
    "paths with a dot": layout(names="./{}".format),
    "paths through the folder above": layout(names="../images/{}".format),
    "paths of another computer": layout(names="/home/somebody/coco/{}".format),
    "addresses": layout(names="https://example.org/{}".format),
    "paths of Windows": layout(names="C:\\coco\\{}".format),
    "a file of any name in its folder": layout(("annotations.json", "export.json")),
    "a file of COCO's name above": layout(("annotations.json", "instances_val2017.json"), ("images/", "val2017/")),
    "labels.json beside images": layout(("annotations.json", "labels.json")),
    "Roboflow by its root": layout(ROBOFLOW, ("images/", "valid/")),
})  # fmt: skip


def _list_file(line: str, *, at: str = "val.txt") -> Change:
    def change(draft: Any) -> None:
        draft.document["yaml"]["val"] = at
        draft.after.append(lambda folder: _write_list(draft, folder, line, at))

    return change


def _write_list(draft: Any, folder: Path, line: str, at: str) -> None:
    (folder / at).parent.mkdir(exist_ok=True)
    places = [draft.place_of(shot) for shot in draft.shots]
    text = "".join(line.format(path=path, folder=folder.absolute()) for path in places)
    (folder / at).write_bytes(text.encode("utf-8", "surrogateescape"))


add("relayout", "document", "yolo", "read", {
    "Roboflow": layout(("images/val/", "valid/images/"), ("labels/val/", "valid/labels/"), val="../valid/images"),
    "Roboflow, mended": layout(("images/val/", "valid/images/"), ("labels/val/", "valid/labels/"), val="valid/images"),
    "splits outside": layout(("images/val/", "val/images/"), ("labels/val/", "val/labels/"), val="val/images"),
    "the folder of a split outside": layout(("images/val/", "val/images/"), ("labels/val/", "val/labels/"), val="val"),
    "no splits": layout(("images/val/", "images/"), ("labels/val/", "labels/"), val="images"),
    "labels among the pictures": layout(("images/val/", "frames/"), ("labels/val/", "frames/"), val="frames"),
    "dataset.yaml": layout(("data.yaml", "dataset.yaml")),
    "a YAML of any name": layout(("data.yaml", "coco8.yaml")),
    "a .yml": layout(("data.yaml", "data.yml")),
    "the YAML by its path": layout(("data.yaml", "conf.yaml"), opened="/conf.yaml"),
    "the YAML outside": layout(
        ("data.yaml", "cfg/x.yaml"),
        ("images/", "d/images/"),
        ("labels/", "d/labels/"),
        path="../d",
        opened="/cfg/x.yaml",
    ),
    "a test split": layout(
        ("images/val/", "images/test/"), ("labels/val/", "labels/test/"), test="images/test", val=None
    ),
    "below a folder called images": layout(
        ("images/", "images/images/"), ("labels/", "images/labels/"), path="images"
    ),
    "below a folder called labels": layout(("images/", "labels/images/"), ("labels/", "labels/labels/"), path="labels"),
    "a list of pictures": _list_file("./{path}\n"),
    "a list without dots": _list_file("{path}\n"),
    "a list of absolute paths": _list_file("{folder}/{path}\n"),
    "a list with CRLF": _list_file("./{path}\r\n"),
    "a list with blank lines": _list_file("\n./{path}\n"),
    "a list in a folder": _list_file("{path}\n", at="lists/val.txt"),
    "the split by its name": layout(opened="#val"),
})  # fmt: skip
add("relayout", "document", "yolo", "either", {
    "a list with lines twice": _list_file("./{path}\n./{path}\n"),
    "a list of data/": _list_file("data/{path}\n"),
    "a list of Windows": _list_file(".\\{path}\n"),
    "no YAML": lambda draft: draft.after.append(lambda folder: (folder / "data.yaml").unlink()),
    "labels in a folder of another name": layout(("labels/", "annotations/")),
    "two folders of labels": layout(("labels/val/", "labels/val2/")),
})  # fmt: skip


@mutation("relayout", "document", "yolo", "either")
def darknet(draft: Any) -> None:
    """CVAT's YOLO 1.1: obj.data, obj.names, train.txt, and the labels among the pictures."""
    draft.moves += [("images/val/", "obj_train_data/"), ("labels/val/", "obj_train_data/"), ("data.yaml", "old.txt")]
    names = "".join(f"{name}\n" for name in draft.classes)
    data = f"classes = {len(draft.classes)}\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n"
    draft.files |= {"obj.names": names.encode(), "obj.data": data.encode()}
    draft.after.append(lambda folder: _write_list(draft, folder, "data/{path}\n", "train.txt"))


@mutation("relayout", "document", "yolo", "either")
def label_studio_without_a_YAML(draft: Any) -> None:  # noqa: N802
    """images/, labels/, classes.txt, notes.json."""
    draft.moves += [("images/val/", "images/"), ("labels/val/", "labels/"), ("data.yaml", "old.txt")]
    notes = {"categories": [{"id": i, "name": name} for i, name in enumerate(draft.classes)], "info": {}}
    draft.files |= {"classes.txt": "\n".join(draft.classes).encode(), "notes.json": json.dumps(notes).encode()}


add("relayout", "document", "voc", "read", {
    "beside images/": layout(("JPEGImages/", "images/")),
    "among the pictures": layout(("JPEGImages/", ""), ("Annotations/", "")),
    "Roboflow by the folder of its split": layout(
        ("JPEGImages/", "valid/"), ("Annotations/", "valid/"), opened="/valid"
    ),
    "a folder called images": layout(("", "images/"), opened="/images"),
})  # fmt: skip
add("relayout", "document", "voc", "either", {
    "Kaggle": layout(("JPEGImages/", "images/"), ("Annotations/", "annotations/")),
    "labelImg's folders": layout(("JPEGImages/", "pics/"), ("Annotations/", "xml/")),
    "below VOCdevkit": layout(("", "VOCdevkit/VOC2012/")),
    "Roboflow by its split": layout(("JPEGImages/", "valid/"), ("Annotations/", "valid/"), opened="#valid"),
})  # fmt: skip


@mutation("relayout", "document", "voc", "read")
def a_split_of_all(draft: Any) -> None:
    """ImageSets/Main/default.txt, as CVAT writes it."""
    draft.opened = "#default"
    names = "".join(f"{shot.stem}\n" for shot in draft.shots)
    draft.files["ImageSets/Main/default.txt"] = names.encode("utf-8", "surrogateescape")


@mutation("relayout", "document", "voc", "either")
def a_split_of_one_class(draft: Any) -> None:
    """ImageSets/Main/car_val.txt marks the pictures with 1 and -1."""
    draft.opened = "#car_val"
    names = "".join(f"{shot.stem}  {draft.rng.choice((1, -1))}\n" for shot in draft.shots)
    draft.files["ImageSets/Main/car_val.txt"] = names.encode("utf-8", "surrogateescape")


# ---- truncate -------------------------------------------------------------------------------------------------------


def spoiled(which: Callable[[Any], list[str]], spoil: Callable[[bytes], bytes]) -> Change:
    """Spoil one of some files."""

    def change(draft: Any) -> None:
        for path in which(draft)[:1]:
            content = draft.files[path]
            draft.files[path] = spoil(content)
            draft.shots = [
                replace(shot, data=draft.files[path]) if shot.data is content else shot for shot in draft.shots
            ]
            draft.is_cut = True

    return change


def pictures_with_boxes(draft: Any) -> list[str]:
    """The paths of the pictures with objects."""
    return [draft.place_of(shot) for shot in draft.shots if shot.boxes]


def boxed_annotations(draft: Any) -> list[str]:
    """The files of annotations that hold a box."""
    return [path for path in draft.annotation_files() if len(draft.files[path]) > 20]


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
add("truncate", "files", "coco voc", "refuse", {
    "annotations cut": spoiled(boxed_annotations, lambda data: data[: len(data) * 2 // 3]),
    "annotations without their end": spoiled(boxed_annotations, lambda data: data.rstrip()[:-1]),
    "annotations empty": spoiled(boxed_annotations, lambda data: b""),
    "annotations in git-lfs": spoiled(boxed_annotations, lambda data: LFS),
    "annotations of zeros": spoiled(boxed_annotations, lambda data: bytes(len(data))),
})  # fmt: skip
add("truncate", "files", "yolo", "refuse", {
    "annotations cut": spoiled(boxed_annotations, lambda data: data.rstrip().rsplit(b" ", 1)[0]),
    "annotations in git-lfs": spoiled(boxed_annotations, lambda data: LFS),
    "annotations of zeros": spoiled(boxed_annotations, lambda data: bytes(len(data))),
    "a YAML without its end": spoiled(lambda draft: ["data.yaml"], lambda data: data.split(b"names")[0]),
})  # fmt: skip
add("truncate", "files", EVERY, "either", {
    "a picture cut in half": spoiled(pictures_with_boxes, lambda data: data[: len(data) // 2]),
    "a picture without its last bytes": spoiled(pictures_with_boxes, lambda data: data[:-2]),
    "a picture empty": spoiled(pictures_with_boxes, lambda data: b""),
    "a picture in git-lfs": spoiled(pictures_with_boxes, lambda data: LFS),
    "a picture that is a web page": spoiled(pictures_with_boxes, lambda data: b"<!DOCTYPE html><html>404</html>"),
})  # fmt: skip


def cut_jpeg(lost: int) -> Change:
    """All pictures are JPEG, and the first lacks its last bytes; viewers show such files."""

    def change(draft: Any) -> None:
        first, *rest = [stored(shot, ".jpg") for shot in draft.shots]
        draft.shots = [replace(first, data=first.data[:-lost]), *rest]
        draft.is_cut = True

    return change


add("truncate", "shots", EVERY, "either", {
    "a JPEG without its last 2 bytes": cut_jpeg(2),
    "a JPEG without its last 200 bytes": cut_jpeg(200),
})  # fmt: skip


@mutation("truncate", "files", EVERY, "either")
def a_picture_missing(draft: Any) -> None:
    """One that has boxes."""
    del draft.files[pictures_with_boxes(draft)[0]]
    draft.is_cut = True


@mutation("truncate", "shots", "yolo", "either")
def a_picture_missing_whose_labels_are_there(draft: Any) -> None:
    """All other pictures have a label file, and nothing but the spare one shows that a picture is gone."""
    draft.shots = [shot for shot in draft.shots if shot.boxes]
    draft.is_cut = len(draft.shots) > 1
    draft.after.append(lambda folder: (folder / draft.place_of(draft.shots[-1])).unlink())


@mutation("truncate", "files", EVERY, "refuse")
def all_pictures_missing(draft: Any) -> None:
    """Annotations alone."""
    for shot in draft.shots:
        del draft.files[draft.place_of(shot)]


@mutation("truncate", "files", "yolo", "refuse")
def all_labels_missing(draft: Any) -> None:
    """Pictures alone."""
    for path in draft.annotation_files():
        del draft.files[path]


@mutation("truncate", "shots", "yolo voc", "read")
def pictures_without_objects(draft: Any) -> None:
    """All but the first are empty."""
    draft.shots = [draft.shots[0], *(replace(shot, boxes=()) for shot in draft.shots[1:])]


@mutation("truncate", "shots", EVERY, "either")
def no_objects_at_all(draft: Any) -> None:
    """Pictures, and nothing to find in them."""
    draft.shots = [replace(shot, boxes=()) for shot in draft.shots]


# ---- extend ---------------------------------------------------------------------------------------------------------


def in_every_folder(name: str, content: bytes) -> Change:
    """A file in every folder."""

    def change(draft: Any) -> None:
        for folder in {Path(path).parent for path in draft.files}:
            draft.files.setdefault(str(folder / name), content)

    return change


def in_folders_of_annotations(name: str, content: bytes) -> Change:
    """A file beside the annotations."""

    def change(draft: Any) -> None:
        for folder in {Path(path).parent for path in draft.annotation_files()}:
            draft.files.setdefault(str(folder / name), content)

    return change


def appledouble(draft: Any) -> None:
    """macOS leaves a file of its own beside every file on other disks."""
    for path in [*draft.files]:
        draft.files[str(Path(path).with_name(f"._{Path(path).name}"))] = b"\0\5\x16\7\0\2\0\0Mac OS X        \xff\xfe"


def macosx(draft: Any) -> None:
    """And a folder of them in every zip."""
    for path in [*draft.files]:
        twin = Path("__MACOSX") / Path(path).with_name(f"._{Path(path).name}")
        draft.files[str(twin)] = b"\0\5\x16\7\0\2\0\0Mac OS X        \xff\xfe"


add("extend", "files", EVERY, "read", {
    "Thumbs.db": in_every_folder("Thumbs.db", b"\xd0\xcf\x11\xe0"),
    "DS_Store": in_every_folder(".DS_Store", b"\0\0\0\1Bud1"),
    "desktop.ini": in_every_folder("desktop.ini", "[.ShellClassInfo]".encode("utf-16")),
    "gitkeep": in_every_folder(".gitkeep", b""),
    "._ files": appledouble,
    "__MACOSX": macosx,
    "a README.md": in_every_folder("README.md", b"# Streets\n"),
    "README.txt beside the annotations": in_folders_of_annotations("README.txt", b"These are labels. v1.0\n"),
    "README.roboflow.txt": lambda draft: draft.files.update({"README.roboflow.txt": b"v1\n"}),
    "labels.cache": in_every_folder("labels.cache", b"\x80\4\x95"),
    "a film": in_every_folder("clip.mp4", b"\0\0\0\x18ftyp"),
    "a notebook": in_every_folder("look.ipynb", b'{"cells": []}'),
    "a hidden picture": in_every_folder(".thumb.png", HAND["encoded"](np.zeros((8, 8, 3), np.uint8), ".png")),
    "a hidden label file": in_folders_of_annotations(".old.txt", b"0 0.5 0.5 0.1 0.1\n"),
    "a lock of an office program": in_every_folder("~$notes.docx", b"\0"),
    "a zip": in_every_folder("all.zip", b"PK\3\4"),
    "a table": in_every_folder("results.csv", b"a,b\n1,2\n"),
})  # fmt: skip
add("extend", "files", "yolo", "read", {
    "a model": lambda draft: draft.files.update({"runs/weights/best.pt": b"PK\3\4", "runs/args.yaml": b"a: 1\n"}),
    "predict_labels": lambda draft: draft.files.update({"predict/labels/street_1.txt": b"0 0.5 0.5 0.1 0.1 0.9\n"}),
})  # fmt: skip
add("extend", "files", "yolo", "either", {
    "a label of no picture": in_folders_of_annotations("street_99.txt", b"0 0.5 0.5 0.1 0.1\n"),
    "a second YAML": lambda draft: draft.files.update({"hyp.yaml": b"lr0: 0.01\n"}),
})  # fmt: skip
add("extend", "files", "voc", "either", {
    "an XML of something else": in_folders_of_annotations("project.xml", b"<project><x/></project>"),
    "an XML of no picture": in_folders_of_annotations("street_99.xml", b"<annotation></annotation>"),
})  # fmt: skip
add("extend", "files", "voc", "read", {
    "masks": lambda draft: draft.files.update({"SegmentationClass/street_1.png": draft.shots[0].data}),
})  # fmt: skip
add("extend", "files", "coco", "read", {
    "another JSON": in_every_folder("other.json", b"{}"),
    "captions and key points": lambda draft: draft.files.update(
        {f"annotations/{name}_val2017.json": b'{"images": []}' for name in ("captions", "person_keypoints")}
    ),
    "pictures that are not annotated": lambda draft: draft.files.update(
        {str(Path(path).with_name("extra.png")): HAND["encoded"](np.zeros((9, 9, 3), np.uint8), ".png")
         for path in pictures_with_boxes(draft)[:1]}
    ),
})  # fmt: skip


@mutation("extend", "files", "yolo", "read")
def classes_txt(draft: Any) -> None:
    """The list of an annotation tool, in the same order."""
    in_folders_of_annotations("classes.txt", "\n".join(draft.classes).encode())(draft)


@mutation("extend", "files", "yolo", "either")
def classes_txt_in_another_order(draft: Any) -> None:
    """A list that contradicts data.yaml."""
    in_folders_of_annotations("classes.txt", "\n".join(reversed(draft.classes)).encode())(draft)


# ---- relink ---------------------------------------------------------------------------------------------------------


def linked(which: Callable[[Any], list[str]], *, absolute: bool) -> Change:
    """Files become links into a store beside the dataset, where they are called otherwise."""

    def change(draft: Any) -> None:
        draft.after.append(lambda folder: _link_files(folder, which(draft), absolute))

    return change


def _link_files(folder: Path, paths: list[str], absolute: bool) -> None:
    for number, name in enumerate(paths):
        target = folder.parent / "store" / f"{number:02x}" / f"{hash(name) & 0xFFFFFF:06x}"
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(target)
        _link(folder / name, target, absolute)


def _link(link: Path, target: Path, absolute: bool) -> None:
    link.symlink_to(target.absolute() if absolute else os.path.relpath(target, link.parent))


def linked_folders(depth: int, *, absolute: bool, of: str = "") -> Change:
    """The folders at a depth become links to folders of other names elsewhere; `of` takes one of them."""

    def change(draft: Any) -> None:
        draft.after.append(lambda folder: _link_folders(folder, depth, absolute, of))

    return change


def _link_folders(folder: Path, depth: int, absolute: bool, of: str) -> None:
    inside = [path for path in folder.glob("/".join("*" * depth)) if path.is_dir() and not path.is_symlink()]
    for number, place in enumerate(sorted(path for path in inside if of in path.as_posix())):
        target = folder.parent / "raw" / f"part {number}"
        target.parent.mkdir(parents=True, exist_ok=True)
        place.rename(target)
        _link(place, target, absolute)


def all_files(draft: Any) -> list[str]:
    """Every file there is."""
    return [*draft.files]


def all_pictures(draft: Any) -> list[str]:
    """Every picture there is, in folders' order."""
    return [path for shot in draft.shots for path in draft.files if draft.files[path] is shot.data]


add("relink", "folder", EVERY, "read", {
    "all files in a store (DVC)": linked(all_files, absolute=True),
    "all files in a store, relative": linked(all_files, absolute=False),
    "pictures as links": linked(all_pictures, absolute=False),
    "pictures as absolute links": linked(all_pictures, absolute=True),
    "half of the pictures as links": linked(lambda draft: all_pictures(draft)[::2], absolute=True),
    "annotations as links": linked(lambda draft: draft.annotation_files(), absolute=True),
    "folders as links": linked_folders(1, absolute=False),
    "folders as absolute links": linked_folders(1, absolute=True),
    "inner folders as links": linked_folders(2, absolute=False),
    "images -> raw": linked_folders(1, absolute=False, of="mages"),
    "images/val -> raw": linked_folders(2, absolute=True, of="mages"),
})  # fmt: skip


@mutation("relink", "folder", EVERY, "read")
def the_dataset_is_a_link(draft: Any) -> None:
    """The folder itself lies elsewhere, under another name."""

    def change(folder: Path) -> None:
        target = folder.parent / "labels" / "real"
        target.parent.mkdir(exist_ok=True)
        folder.rename(target)
        folder.symlink_to(target)

    draft.after.append(change)


@mutation("relink", "folder", "yolo", "read")
def labels_of_another_task_beside_the_real_pictures(draft: Any) -> None:
    """images -> ../images, while ../labels holds the labels of something else."""

    def change(folder: Path) -> None:
        for place in [path for path in (folder, *folder.iterdir()) if (path / "images").is_dir()][:1]:
            target = folder.parent / "pool" / "images"
            target.parent.mkdir()
            (place / "images").rename(target)
            (place / "images").symlink_to(target)
            for picture in [path for path in target.rglob("*") if path.is_file()]:
                label = folder.parent / "pool" / "labels" / picture.relative_to(target).with_suffix(".txt")
                label.parent.mkdir(parents=True, exist_ok=True)
                label.write_text("0 0.5 0.5 0.25 0.25\n")

    draft.after.append(change)


@mutation("relink", "folder", EVERY, "either")
def a_folder_that_links_to_itself(draft: Any) -> None:
    """Walking through it never ends."""
    draft.after.append(lambda folder: [
        (place / "loop").symlink_to(folder) for place in [*folder.iterdir()] if place.is_dir()
    ])  # fmt: skip


@mutation("relink", "folder", EVERY, "either")
def a_picture_that_links_to_nothing(draft: Any) -> None:
    """The store was not fetched."""

    def change(folder: Path) -> None:
        picture = folder / pictures_with_boxes(draft)[0]
        picture.unlink()
        picture.symlink_to(folder.parent / "gone.png")

    draft.after.append(change)
    draft.is_cut = True


# ---- cases ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A dataset of a format, drawn from a seed, and what is done to it in turn."""

    form: str
    seed: int
    mutations: tuple[Mutation, ...]

    def __str__(self) -> str:
        return f"{self.form}: {' + '.join(each.name for each in self.mutations)} ({self.seed})"

    @property
    def verdict(self) -> str:
        """One mutation that must be refused spoils all; one that may be refused lets all be refused."""
        verdicts = {each.verdict for each in self.mutations}
        return next(verdict for verdict in ("refuse", "either", "read") if verdict in verdicts)

    def draft(self) -> Any:
        """The draft with all mutations but those of the folder, which wait until it is written."""
        draft = HAND["draw"](self.form, self.seed)
        for step in STEPS:
            if step == "document":
                draft.document = HAND["document_of"](draft)
            if step == "files":
                HAND["render"](draft)
            for each_mutation in self.mutations:
                if each_mutation.step == step:
                    each_mutation.change(draft)
        return draft


CLASHES = {
    frozenset(pair)
    for pair in (
        ("relayout", "yaml"),
        ("relayout", "recase"),
        ("rescale", "columns"),
        ("rescale", "retype"),
        ("duplicate", "reorder"),
        ("duplicate", "relayout"),
    )
}
"""Kinds that undo each other: both write the same keys."""


def single_cases() -> list[Case]:
    """Each mutation of each format alone."""
    return [Case(form, 0, (each,)) for each in MUTATIONS for form in each.forms]


def combined_cases(count: int, seed: int) -> list[Case]:
    """Two or three mutations of different kinds, drawn from those that may be read: what is refused hides the rest."""
    rng = random.Random(seed)
    cases: list[Case] = []
    while len(cases) < count:
        form = rng.choice(EVERY.split())
        chosen = rng.sample([m for m in MUTATIONS if form in m.forms and m.verdict != "refuse"], rng.choice((2, 2, 3)))
        kinds = [each.kind for each in chosen]
        pairs = {frozenset((one, other)) for one in kinds for other in kinds}
        readable = sum(each.verdict == "read" for each in chosen)
        if len(set(kinds)) == len(kinds) and not pairs & CLASHES and readable >= len(chosen) - 1:
            cases.append(Case(form, len(cases) + 1, tuple(sorted(chosen, key=lambda m: STEPS.index(m.step)))))
    return cases


CHOSEN = (
    ("yolo", "a list of pictures", "half of the pictures as links"),
    ("yolo", "a list of absolute paths", "all files in a store (DVC)"),
    ("yolo", "a list of pictures", "images -> raw"),
    ("yolo", "a list of pictures", "labels of another task beside the real pictures"),
    ("yolo", "Roboflow", "roboflow hashes", "README.roboflow.txt"),
    ("yolo", "Roboflow", "identical lines", "CRLF"),
    ("yolo", "identical lines", "outlines"),
    ("yolo", "identical lines", "pose, 12 points in 2-D"),
    ("coco", "Roboflow by its split", "annotation ids from 0", "a root category named as its class", "roboflow hashes"),
    ("coco", "Label Studio", "image ids from 0", "category ids from 0", "annotation ids from 0"),
    ("coco", "FiftyOne", "all files in a store (DVC)"),
    ("coco", "annotation ids from 0", "records in another order"),
    ("voc", "among the pictures", "rotated by EXIF"),
)
"""Mutations that come together: one tool makes them, or each hides the other."""


def chosen_cases() -> list[Case]:
    """The cases of CHOSEN."""
    named = {(form, each.name): each for each in MUTATIONS for form in each.forms}
    return [Case(form, 0, tuple(named[form, name] for name in names)) for form, *names in CHOSEN]

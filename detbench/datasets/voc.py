"""Pascal VOC's layout: an XML file of boxes for each picture.

    DIR/Annotations/a.xml             size, and object: name, difficult, bndbox: xmin, ymin, xmax, ymax
    DIR/JPEGImages/a.jpg              the pictures, found by the XML's own name; also in images/, or beside the XML
    DIR/ImageSets/Main/val.txt        optional: the names of a split, one a line
    DIR/detbench-ids.json             optional, from `detbench convert`: ids, which VOC has none of

VOC counts pixels from 1 and both corners belong to the box: xmin 1, xmax 4 are four pixels, the corners 0 and 4 here.
Files that count from 0 and give corners are read as such by `voc0:`. `difficult` objects are neither found nor missed,
as COCO's crowds. The XML is data: document types and entities are refused.
Format: Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010.
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from detbench.core.files import is_file, read_bytes, read_text
from detbench.core.images import PICTURE_SUFFIXES, natural_order
from detbench.datasets.annotated import Annotated
from detbench.datasets.coco_records import (
    OUTSIDE_TOLERANCE_PX,
    CocoRecord,
    CocoRecords,
    check_records,
    raise_faults,
    reach_px,
)
from detbench.datasets.ids import with_ids
from detbench.datasets.repair import REMEDY, Repair, repaired
from detbench.errors import DataError

PICTURE_FOLDERS = ("JPEGImages", "images", ".")
"""Where pictures may be, below the dataset's folder, in the order of search."""


def read_voc(folder: Path, split: str | None = None, repair: Repair | None = None, first_pixel: int = 1) -> Annotated:
    """Read a folder in VOC's layout; `first_pixel` is what its coordinates count from, 1 or (corners, as COCO) 0.

    Classes are numbered from 1 in the order of their names. Raises DataError with the first faults, each with its file
    and object.
    """
    root = folder / "Annotations"
    root = root if root.is_dir() else folder
    files = _annotation_files(folder, root, split)
    contents = [read_bytes(file) for file in files]
    trees = [_parsed(content, file) for content, file in zip(contents, files, strict=True)]
    pictures = [_picture_file(folder, root, file, tree) for file, tree in zip(files, trees, strict=True)]
    records = _records(files, trees, [name for name, _ in pictures], first_pixel, root, is_strict=repair is None)
    sha256 = {name: hashlib.sha256(content).hexdigest() for (name, _), content in zip(pictures, contents, strict=True)}
    records = check_records(repaired(with_ids(records, folder, sha256), repair), root)
    digest = hashlib.sha256(repr((first_pixel, sorted(sha256.items()))).encode()).hexdigest()
    return Annotated(root, digest, records, dict(pictures))


def _annotation_files(folder: Path, root: Path, split: str | None) -> list[Path]:
    if split is None:
        files = sorted(root.rglob("*.xml"), key=natural_order)
        if not files:
            raise DataError(f"{root}: holds no XML file; a VOC dataset has one for each picture in Annotations/")
        return files
    listing = folder / "ImageSets" / "Main" / f"{split}.txt"
    if not listing.is_file():
        there = ", ".join(sorted(path.stem for path in listing.parent.glob("*.txt"))) or "none"
        raise DataError(f"{listing}: no such split; there are: {there}")
    stems = [line.strip() for line in read_text(listing).splitlines() if line.strip()]
    files = [root / f"{stem}.xml" for stem in stems]
    missing = [stem for stem, file in zip(stems, files, strict=True) if not is_file(file)]
    if missing or not files:
        raise DataError(f"{listing}: lists {missing[0] if missing else 'nothing'}, but {root} has no XML of that name")
    return files


def _parsed(content: bytes, file: Path) -> Element:
    try:
        tree: Element = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise DataError(
            f"{file}: has a document type or entities ({error}), which annotations have no use for; take it out"
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(f"{file}: not XML ({error}); fetch or export the file again") from None
    if tree.tag != "annotation":
        raise DataError(f"{file}: begins with <{tree.tag}>; a VOC file begins with <annotation>")
    return tree


def _picture_file(folder: Path, root: Path, file: Path, tree: Element) -> tuple[str, Path]:
    """Name and path of the picture of an XML file: the one called as the XML is, else as its <filename>."""
    own = file.relative_to(root).with_suffix("")
    stated = Path((tree.findtext("filename") or "").strip().replace("\\", "/")).name
    for place in PICTURE_FOLDERS:
        suffixes = dict.fromkeys([Path(stated).suffix, *sorted(PICTURE_SUFFIXES), *map(str.upper, PICTURE_SUFFIXES)])
        names = [own.with_name(own.name + suffix) for suffix in suffixes if suffix.lower() in PICTURE_SUFFIXES]
        for name in [*names, *([own.with_name(stated)] if stated else [])]:
            if is_file(folder / place / name):
                return name.as_posix(), folder / place / name
    named = f", nor as its <filename> {stated!r}" if stated and Path(stated).stem != own.name else ""
    raise DataError(f"{file}: no picture is called {own} in {folder / 'JPEGImages'}{named}; add it or remove the XML")


def _records(
    files: Sequence[Path],
    trees: Sequence[Element],
    names: Sequence[str],
    first_pixel: int,
    root: Path,
    *,
    is_strict: bool,
) -> CocoRecords:
    faults: list[str] = []
    found: list[tuple[int, str, CocoRecord]] = []
    images: list[CocoRecord] = []
    for image_id, (file, tree, name) in enumerate(zip(files, trees, names, strict=True), start=1):
        where = file.relative_to(root)
        try:
            width, height = _size(tree)
        except ValueError as fault:
            faults.append(f"{where}: {fault}")
            continue
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for number, item in enumerate(tree.findall("object"), start=1):
            try:
                name, record = _object(item, first_pixel)
                if is_strict:
                    _check_box(record["bbox"], (width, height))
                found.append((image_id, name, record))
            except ValueError as fault:
                faults.append(f"{where}, object {number} ({item.findtext('name') or 'no name'}): {fault}")
    raise_faults(faults, root)
    categories = {name: index for index, name in enumerate(sorted({name for _, name, _ in found}), start=1)}
    return CocoRecords(
        images,
        [
            {"id": number, "image_id": image_id, "category_id": categories[name], **record}
            for number, (image_id, name, record) in enumerate(found, start=1)
        ],
        [{"id": index, "name": name} for name, index in categories.items()],
    )


def _size(tree: Element) -> tuple[int, int]:
    width, height = _number(tree, "size/width"), _number(tree, "size/height")
    if not (width > 0 and height > 0 and width.is_integer() and height.is_integer()):
        raise ValueError(f"size is {width:g}x{height:g}; give the picture's width and height in pixels")
    return int(width), int(height)


def _object(item: Element, first_pixel: int) -> tuple[str, CocoRecord]:
    """Class, and the box and crowd mark in COCO's format; raises ValueError with what is wrong."""
    name = item.findtext("name") or ""
    if not name.strip():
        raise ValueError("has no <name>; give it a class")
    xmin, ymin = _number(item, "bndbox/xmin"), _number(item, "bndbox/ymin")
    xmax, ymax = _number(item, "bndbox/xmax"), _number(item, "bndbox/ymax")
    if first_pixel == 1 and (xmin == 0 or ymin == 0):
        raise ValueError(
            f"{'xmin' if xmin == 0 else 'ymin'} is 0, but VOC counts pixels from 1; add 1 to xmin and ymin, or, where "
            "the whole dataset counts from 0, name it voc0:FOLDER"
        )
    left, top = xmin - first_pixel, ymin - first_pixel
    bbox = [left, top, xmax - left, ymax - top]
    return name, {"bbox": bbox, "iscrowd": int((item.findtext("difficult") or "0").strip() == "1")}


def _check_box(bbox: Sequence[float], sides: tuple[int, int]) -> None:
    """Raise ValueError for a box without area or outside its picture."""
    if min(bbox[2:]) <= 0:
        raise ValueError(
            f"bndbox is {bbox[2]:g} px wide and {bbox[3]:g} px high; xmax and ymax must be the larger ones: are they "
            f"width and height, or swapped? {REMEDY.capitalize()}"
        )
    if reach_px(bbox, *sides) > OUTSIDE_TOLERANCE_PX:
        raise ValueError(
            f"bndbox reaches {reach_px(bbox, *sides):g} px out of its {sides[0]}x{sides[1]} picture; correct the "
            f"<size>, or {REMEDY}"
        )


def _number(tree: Element, path: str) -> float:
    text = tree.findtext(path)
    if text is None:
        raise ValueError(f"has no <{path.replace('/', '><')}>; add it")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"<{path.replace('/', '><')}> is {text!r}; it must be a number")
    return value

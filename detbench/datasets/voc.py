"""Pascal VOC's layout: an XML file of boxes for each picture.

    DIR/Annotations/a.xml             size, and object: name, difficult, bndbox: xmin, ymin, xmax, ymax
    DIR/JPEGImages/a.jpg              the pictures, found by the XML's own name; also in images/, or beside the XML
    DIR/ImageSets/Main/val.txt        optional: the names of a split, one a line
    DIR/detbench-ids.json             optional, from `detbench convert`: ids, which VOC has none of

VOC counts pixels from 1 and both corners belong to the box: xmin 1, xmax 4 are four pixels, the corners 0 and 4 here.
Files that count from 0 and give corners are read as such by `voc0:`. `difficult` objects are neither found nor missed,
as COCO's crowds. Where the size is absent or 0x0, as labelImg may write it, the picture's own stands in. The XML is
data: document types and entities are refused.
Format: Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from detbench.core.files import is_file, read_bytes, read_text
from detbench.core.images import (
    PICTURE_SUFFIXES,
    natural_order,
    open_picture,
    picture_files,
    picture_from_file,
    rotated_upright,
)
from detbench.datasets.annotated import Annotated
from detbench.datasets.coco_records import (
    OUTSIDE_TOLERANCE_PX,
    CocoRecord,
    CocoRecords,
    check_records,
    raise_faults,
    reach_px,
)
from detbench.datasets.coco_variants import twin_notes
from detbench.datasets.ids import with_ids
from detbench.datasets.repair import REMEDY, Repair, repaired
from detbench.errors import DataError
from detbench.types import Picture

PICTURE_FOLDERS = ("JPEGImages", "images", ".")
"""Where pictures may be, below the dataset's folder, in the order of search."""

_DIFFICULT = {"": False, "0": False, "false": False, "unspecified": False, "1": True, "true": True}


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
    unsized = [path for (_, path), tree in zip(pictures, trees, strict=True) if _has_no_size(tree)]
    opened = {path: _upright_picture(path) for path in unsized}
    sizes = {name: (opened[path].width, opened[path].height) for name, path in pictures if path in opened}
    names = [name for name, _ in pictures]
    records = _records(files, trees, names, sizes, first_pixel, root, is_strict=repair is None)
    sha256 = {name: hashlib.sha256(content).hexdigest() for (name, _), content in zip(pictures, contents, strict=True)}
    records = check_records(repaired(with_ids(records, folder, sha256), repair), root)
    digest = hashlib.sha256(repr((first_pixel, sorted(sha256.items()))).encode()).hexdigest()
    notes = [*_size_notes(unsized, files), *twin_notes(records), *_stray_notes(folder, root, split, dict(pictures))]
    return Annotated(root, digest, records, dict(pictures), pictures=opened, notes=tuple(notes))


def holds_voc(folder: Path) -> bool:
    """Whether a folder has XML files that are not hidden, in Annotations/ or in itself; none is opened."""
    root = folder / "Annotations"
    return any(_is_shown(path, folder) for path in (root.rglob("*.xml") if root.is_dir() else folder.glob("*.xml")))


def _is_shown(path: Path, root: Path) -> bool:
    """Whether neither a file nor a folder above it is hidden, as the ._a.xml of macOS's zips are."""
    return not any(part.startswith(".") for part in path.relative_to(root).parts)


def _annotation_files(folder: Path, root: Path, split: str | None) -> list[Path]:
    if split is None:
        files = sorted((file for file in root.rglob("*.xml") if _is_shown(file, root)), key=natural_order)
        if not files:
            raise DataError(f"{root}: holds no XML file; a VOC dataset has one for each picture in Annotations/")
        return files
    listing = folder / "ImageSets" / "Main" / f"{split}.txt"
    if not listing.is_file():
        there = ", ".join(sorted(path.stem for path in listing.parent.glob("[!.]*.txt"))) or "none"
        raise DataError(f"{listing}: no such split; there are: {there}")
    stems = [line.strip() for line in read_text(listing).splitlines() if line.strip()]
    files = [root / f"{stem}.xml" for stem in stems]
    missing = [stem for stem, file in zip(stems, files, strict=True) if not is_file(file)]
    if missing or not files:
        raise DataError(f"{listing}: lists {missing[0] if missing else 'nothing'}, but {root} has no XML of that name")
    return files


def _parsed(content: bytes, file: Path) -> Element:
    try:
        tree: Element = ElementTree.fromstring(_in_unicode(content), forbid_dtd=True)
    except DefusedXmlException as error:
        raise DataError(
            f"{file}: has a document type or entities ({error}), which annotations have no use for; take it out"
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(f"{file}: not XML ({error}); fetch or export the file again") from None
    if tree.tag != "annotation":
        raise DataError(f"{file}: begins with <{tree.tag}>; a VOC file begins with <annotation>")
    return tree


def _in_unicode(content: bytes) -> bytes | str:
    """The text of an XML in an encoding that the parser does not know, such as GBK; else the bytes, for the parser."""
    declared = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""", content)
    name = declared[1].decode().lower() if declared else "utf-8"
    return content if name.startswith(("utf", "iso-8859", "us-ascii", "windows-125")) else content.decode(name)


def _picture_file(folder: Path, root: Path, file: Path, tree: Element) -> tuple[str, Path]:
    """Name and path of the picture of an XML file: the one called as the XML is, else as its <filename>."""
    own = file.relative_to(root).with_suffix("")
    stated = Path((tree.findtext("filename") or "").strip().replace("\\", "/")).name
    endings = dict.fromkeys([Path(stated).suffix, *sorted(PICTURE_SUFFIXES), *map(str.upper, PICTURE_SUFFIXES)])
    names = [own.with_name(own.name + ending) for ending in endings if ending.lower() in PICTURE_SUFFIXES]
    for place in PICTURE_FOLDERS:
        found = [name for name in names if is_file(folder / place / name)]
        found = found[:1] if found and found[0].suffix == Path(stated).suffix else found
        if len({name.suffix.lower() for name in found}) > 1:
            raise DataError(
                f"{file}: its picture may be {found[0]} or {found[1]} in {folder / place}; say which by <filename>"
            )
        found += [own.with_name(stated)] if stated and is_file(folder / place / own.with_name(stated)) else []
        if found:
            return found[0].as_posix(), folder / place / found[0]
    named = f", nor as its <filename> {stated!r}" if stated and Path(stated).stem != own.name else ""
    raise DataError(f"{file}: no picture is called {own} in {folder / 'JPEGImages'}{named}; add it or remove the XML")


def _upright_picture(path: Path) -> Picture:
    """The picture of an XML without a size; raises DataError where EXIF turns it, for then its boxes may mean both."""
    with open_picture(path) as opened:
        if rotated_upright(opened) is not opened:
            raise DataError(
                f"{path}: EXIF turns it and its XML has no <size>, so it is open which way round the boxes are; "
                "add the <size> that was annotated"
            )
    return picture_from_file(path)


def _size_notes(unsized: Sequence[Path], files: Sequence[Path]) -> list[str]:
    more = f"{len(unsized)} of {len(files)} XML files have no size or 0x0"
    return [f"{more} (first that of {unsized[0].name}): it is taken from the picture"] if unsized else []


def _stray_notes(folder: Path, root: Path, split: str | None, used: Mapping[str, Path]) -> list[str]:
    """A note on pictures without an XML, which are no part of the dataset; a split lists what is."""
    if split is not None:
        return []
    place = next((folder / name for name in PICTURE_FOLDERS[:2] if (folder / name).is_dir()), root)
    known = {path.resolve() for path in used.values()}
    strays = [path for path in picture_files(place.rglob("*")) if path.resolve() not in known]
    if not strays:
        return []
    return [f"{len(strays)} pictures have no XML file and are left out (first {strays[0].relative_to(place)})"]


def _records(
    files: Sequence[Path],
    trees: Sequence[Element],
    names: Sequence[str],
    sizes: Mapping[str, tuple[int, int]],
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
            _refuse_hidden_objects(tree)
            width, height = sizes.get(name) or _size(tree)
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


def _has_no_size(tree: Element) -> bool:
    """Whether width and height are absent, empty or 0, both; one alone is a fault."""
    return all((tree.findtext(f"size/{side}") or "").strip() in ("", "0") for side in ("width", "height"))


def _size(tree: Element) -> tuple[int, int]:
    width, height = _number(tree, "size/width"), _number(tree, "size/height")
    if not (width > 0 and height > 0 and width.is_integer() and height.is_integer()):
        raise ValueError(f"size is {width:g}x{height:g}; give the picture's width and height in pixels")
    return int(width), int(height)


def _refuse_hidden_objects(tree: Element) -> None:
    """Raise ValueError for objects that are not where VOC has them: they would be missed without a word."""
    direct = tree.findall("object")
    others = [item for item in tree.iter() if str(item.tag).lower() in ("object", "objects") and item not in direct]
    if others:
        raise ValueError(f"<{others[0].tag}> is none of VOC's; it must be <object>, directly in <annotation>")


def _object(item: Element, first_pixel: int) -> tuple[str, CocoRecord]:
    """Class, and the box and crowd mark in COCO's format; raises ValueError with what is wrong."""
    name = (item.findtext("name") or "").strip()
    if not name:
        raise ValueError("has no <name>; give it a class")
    for tag in ("name", "bndbox"):
        if len(item.findall(tag)) > 1:
            raise ValueError(f"has {len(item.findall(tag))} <{tag}>; give each object one")
    xmin, ymin = _number(item, "bndbox/xmin"), _number(item, "bndbox/ymin")
    xmax, ymax = _number(item, "bndbox/xmax"), _number(item, "bndbox/ymax")
    if first_pixel == 1 and (xmin == 0 or ymin == 0):
        raise ValueError(
            f"{'xmin' if xmin == 0 else 'ymin'} is 0, but VOC counts pixels from 1; add 1 to xmin and ymin, or, where "
            "the whole dataset counts from 0, name it voc0:FOLDER"
        )
    left, top = xmin - first_pixel, ymin - first_pixel
    bbox = [left, top, xmax - left, ymax - top]
    return name, {"bbox": bbox, "iscrowd": int(_is_difficult(item))}


def _is_difficult(item: Element) -> bool:
    text = (item.findtext("difficult") or "0").strip().lower()
    if text not in _DIFFICULT:
        raise ValueError(f"<difficult> is {text!r}; it must be 0 or 1")
    return _DIFFICULT[text]


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

"""Writes a dataset in another format, pictures and all; reading it again gives the same boxes, ids and names."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import yaml

from detbench.core.images import write_atomically
from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.coco_layouts import ANNOTATIONS
from detbench.datasets.coco_records import CocoRecord, CocoRecords
from detbench.datasets.ids import FILE_NAME, by_image, ids_document
from detbench.errors import DataError, UsageError

Format = Literal["coco", "yolo", "voc"]
Pictures = Literal["sharp", "blurred"]

Label = Callable[[CocoRecord, Sequence[CocoRecord], Mapping[int, str]], bytes]
"""Makes one picture's label file of its image record, its annotations and the classes."""


def export_dataset(dataset: AnnotatedDataset, to: Format, out: Path, pictures: Pictures = "blurred") -> None:
    """Write the dataset's boxes as `to` has them into the empty or new folder `out`, and copy its pictures there.

    Of pairs, `pictures` chooses the sharp or the blurred ones. Raises UsageError where `out` is not empty or the
    dataset has no sharp pictures, DataError where the format cannot hold a name.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is not an empty folder; name another, so that nothing is overwritten")
    found = dataset.found
    files = found.sharp if pictures == "sharp" else found.blurred
    if not files:
        raise UsageError(f"dataset {dataset.name} has no sharp pictures; leave --pictures out")
    for _ in dataset:  # whatever is wrong with a picture is found before anything is written
        pass
    _WRITERS[to](_renamed(found.records, files), dataset.classes, out)
    folder = out / ("JPEGImages" if to == "voc" else "images")
    for name, file in files.items():
        target = folder / _picture_name(name, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def yolo_line(label: int, bbox: Sequence[float], sides: tuple[int, int]) -> str:
    """One line of a YOLO label file, every digit kept; `bbox` is left, top, width, height in pixels."""
    left, top, width, height = bbox
    shares = ((left + width / 2) / sides[0], (top + height / 2) / sides[1], width / sides[0], height / sides[1])
    return f"{label} {' '.join(repr(float(share)) for share in shares)}\n"


def _picture_name(name: str, file: Path) -> str:
    """The name of a picture's copy: the blurred twin of a JPEG may be a PNG."""
    return PurePosixPath(name).with_suffix(file.suffix).as_posix()


def _renamed(records: CocoRecords, files: Mapping[str, Path]) -> CocoRecords:
    images = [
        {**image, "file_name": _picture_name(image["file_name"], files[image["file_name"]])} for image in records.images
    ]
    return CocoRecords(images, records.annotations, records.categories, records.notes)


def _write_coco(records: CocoRecords, classes: Mapping[int, str], out: Path) -> None:
    annotations = [
        {
            "id": a["id"],
            "image_id": a["image_id"],
            "category_id": a["category_id"],
            "bbox": a["bbox"],
            "area": a.get("area", a["bbox"][2] * a["bbox"][3]),
            "iscrowd": a.get("iscrowd", 0),
        }
        for a in records.annotations
    ]
    images = [{key: image[key] for key in ("id", "file_name", "width", "height")} for image in records.images]
    categories = [{"id": number, "name": name} for number, name in classes.items()]
    document = {"images": images, "annotations": annotations, "categories": categories}
    write_atomically(out / ANNOTATIONS, _json(document))


def _write_yolo(records: CocoRecords, classes: Mapping[int, str], out: Path) -> None:
    def label(image: CocoRecord, annotations: Sequence[CocoRecord], classes: Mapping[int, str]) -> bytes:
        labels = {identity: index for index, identity in enumerate(classes)}
        sides = (image["width"], image["height"])
        boxes = [a for a in annotations if not a.get("iscrowd")]
        return "".join(yolo_line(labels[a["category_id"]], a["bbox"], sides) for a in boxes).encode()

    sha256 = _write_labels(records, classes, out / "labels", ".txt", label)
    # Without `path`, readers start from the file's own folder, wherever that is moved to.
    content = {"train": "images", "val": "images", "names": list(classes.values())}
    write_atomically(out / "data.yaml", yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    write_atomically(out / FILE_NAME, _json(ids_document(records, sha256, crowds_apart=True)))


def _write_voc(records: CocoRecords, classes: Mapping[int, str], out: Path) -> None:
    unwritable = [name for name in classes.values() if not name.isprintable() or name != name.strip()]
    if unwritable:
        raise DataError(f"class {unwritable[0]!r} has letters that XML does not keep; rename it first")
    sha256 = _write_labels(records, classes, out / "Annotations", ".xml", _voc_label)
    write_atomically(out / FILE_NAME, _json(ids_document(records, sha256, crowds_apart=False)))


def _voc_label(image: CocoRecord, annotations: Sequence[CocoRecord], classes: Mapping[int, str]) -> bytes:
    root = Element("annotation")
    SubElement(root, "filename").text = PurePosixPath(image["file_name"]).name
    size = SubElement(root, "size")
    for key, value in (("width", image["width"]), ("height", image["height"]), ("depth", 3)):
        SubElement(size, key).text = str(value)
    for annotation in annotations:
        item = SubElement(root, "object")
        SubElement(item, "name").text = classes[annotation["category_id"]]
        SubElement(item, "difficult").text = str(int(annotation.get("iscrowd", 0)))
        corners = SubElement(item, "bndbox")
        left, top, width, height = annotation["bbox"]
        # Corners from 1, both within the box: the last pixel's number is what COCO has as the right edge.
        for key, value in (("xmin", left + 1), ("ymin", top + 1), ("xmax", left + width), ("ymax", top + height)):
            SubElement(corners, key).text = repr(int(value) if value == int(value) else float(value))
    indent(root)
    return bytes(tostring(root, encoding="utf-8"))


def _write_labels(
    records: CocoRecords, classes: Mapping[int, str], folder: Path, suffix: str, label: Label
) -> dict[str, str]:
    """Write a label file for each picture; returns their digests by the picture's name."""
    grouped, sha256, taken = by_image(records.annotations), {}, dict[str, str]()
    for image in records.images:
        name = image["file_name"]
        own = PurePosixPath(name).with_suffix(suffix).as_posix()
        if own in taken:
            raise DataError(f"{taken[own]} and {name} would share the label file {own}; rename one of them")
        taken[own] = name
        content = label(image, grouped[image["id"]], classes)
        write_atomically(folder / own, content)
        sha256[name] = hashlib.sha256(content).hexdigest()
    return sha256


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_WRITERS: Mapping[Format, Callable[[CocoRecords, Mapping[int, str], Path], None]] = {
    "coco": _write_coco,
    "yolo": _write_yolo,
    "voc": _write_voc,
}

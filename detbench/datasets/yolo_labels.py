"""YOLO's layout: `data.yaml` names classes and folders of pictures, and each picture has a text file of boxes.

    DIR/data.yaml             names: [car, bus], and val: images/val, a folder, several, or a file that lists pictures
    DIR/images/val/a.jpg      the pictures
    DIR/labels/val/a.txt      a line a box: class, centre x, centre y, width, height; in shares of the picture, from 0
                              an outline (class x1 y1 x2 y2 …) counts as the box around it, and so does an oriented
                              box; key points (`kpt_shape` in the YAML) are left out; no file, no object
    DIR/detbench-ids.json     optional, from `detbench convert`: ids, which YOLO has none of

Format: https://docs.ultralytics.com/datasets/detect/
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from detbench.core.files import read_bytes, read_text
from detbench.core.images import picture_files, picture_from_file
from detbench.datasets.annotated import Annotated
from detbench.datasets.coco_records import (
    OUTSIDE_TOLERANCE_PX,
    CocoRecord,
    CocoRecords,
    check_records,
    raise_faults,
    reach_px,
)
from detbench.datasets.ids import FILE_NAME, with_ids
from detbench.datasets.repair import REMEDY, Repair, repaired
from detbench.datasets.yolo_lines import LabelLine, check_outlines, parsed_lines
from detbench.datasets.yolo_pictures import label_file, listed_pictures
from detbench.datasets.yolo_yaml import YoloConfig, read_config
from detbench.errors import DataError

CLASS_LIST = "classes.txt"
"""Annotation tools leave one beside the labels: the classes in the order in which they numbered them."""


def read_yolo(place: Path, split: str | None = None, repair: Repair | None = None) -> Annotated:
    """Read a `data.yaml`, or the folder that holds one. Classes and boxes are numbered from 1 in their order.

    Raises DataError with the first faults, each with its file and line.
    """
    config = read_config(place)
    files, skipped = listed_pictures(config, split)
    labels, notes = _label_files(config, files)
    texts = {name: read_bytes(label) if label.is_file() else b"" for name, label in labels.items()}
    pictures = {path: picture_from_file(path) for path in files.values()}
    sizes = {name: (pictures[path].width, pictures[path].height) for name, path in files.items()}
    records = _records(config, sizes, _lines(config, labels, texts), is_strict=repair is None)
    sha256 = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    records = with_ids(records, config.file.parent, sha256)
    records = check_records(repaired(records, repair), config.file)
    digest = hashlib.sha256(repr((config.names, sorted(sha256.items()))).encode()).hexdigest()
    return Annotated(config.file, digest, records, files, pictures=pictures, notes=(*config.notes, *skipped, *notes))


def _label_files(config: YoloConfig, files: Mapping[str, Path]) -> tuple[dict[str, Path], list[str]]:
    """The label file of each picture by its name, and notes on those that are not there.

    A missing label file means a picture without objects, but labels of no picture mean a wrong layout.
    """
    files, notes = _with_labels_beside(files)
    labels = {name: label_file(path) for name, path in files.items()}
    if len(set(labels.values())) < len(labels):
        raise DataError(f"{config.file}: two pictures share one label file; give each picture a stem of its own")
    _check_links(labels)
    missing = [name for name, label in labels.items() if not label.is_file()]
    if len(missing) == len(labels):
        raise DataError(
            f"{config.file}: no picture has a label file; that of {files[missing[0]]} would be {labels[missing[0]]}. "
            "Put labels/ beside images/, with the same folders and names below"
        )
    orphans = _orphans(files, labels)
    if missing and orphans:
        raise DataError(
            f"{config.file}: {len(missing)} pictures have no label file, the first {missing[0]}, and {len(orphans)} "
            f"label files no picture, the first {orphans[0]}; give both the same name"
        )
    for folder in {label.parent for label in labels.values()}:
        _check_class_list(config, folder / CLASS_LIST)
    if missing:
        notes += [f"{len(missing)} of {len(labels)} pictures have no label file and count as empty, first {missing[0]}"]
    if orphans:
        notes += [f"{len(orphans)} label files have no picture and are left out, first {orphans[0].name}"]
    return labels, notes


def _with_labels_beside(files: Mapping[str, Path]) -> tuple[Mapping[str, Path], list[str]]:
    """The pictures by the paths from which their labels are found: as they were named, else as what they link to."""
    if not any(label_file(path).is_file() for path in files.values()):
        linked = {name: path.resolve() for name, path in files.items()}
        if any(label_file(path).is_file() for path in linked.values()):
            return linked, ["labels are read beside the files that the pictures are links to"]
    return files, []


def _check_links(labels: Mapping[str, Path]) -> None:
    """A link to nothing is no missing label file: the boxes are elsewhere."""
    for label in labels.values():
        if label.is_symlink() and not label.exists():
            raise DataError(f"{label}: a link to {label.readlink()}, which is not there; fetch it or remove the link")


def _orphans(files: Mapping[str, Path], labels: Mapping[str, Path]) -> list[Path]:
    """Label files of which there is no picture, beside those of the pictures."""
    known = set(labels.values())
    stems: dict[Path, set[str]] = {}
    for name, label in labels.items():
        if label.parent not in stems and label.parent.is_dir():
            stems[label.parent] = {path.stem for path in picture_files(files[name].parent.iterdir())}
    return [
        text
        for folder, pictured in sorted(stems.items())
        for text in sorted(folder.iterdir())
        if text.suffix.lower() == ".txt" and not text.name.startswith(".") and text.name != CLASS_LIST
        if text not in known and (text.stem not in pictured or text.suffix != ".txt") and _begins_with_number(text)
    ]


def _begins_with_number(file: Path) -> bool:
    """Whether a text can hold labels: lists of pictures and notes may lie beside them."""
    words = read_bytes(file).split(maxsplit=1) if file.is_file() else []
    return bool(words) and words[0].lstrip(b"\xef\xbb\xbf").isdigit()


def _check_class_list(config: YoloConfig, file: Path) -> None:
    if not file.is_file():
        return
    listed = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    if sorted(listed) == sorted(config.names) and listed != list(config.names):
        raise DataError(
            f"{config.file}: names are in the order {', '.join(config.names)}, but the labels were numbered in that of "
            f"{file}: {', '.join(listed)}. Give names that order"
        )


def _lines(
    config: YoloConfig, labels: Mapping[str, Path], texts: Mapping[str, bytes]
) -> Mapping[str, Sequence[LabelLine]]:
    """The lines of each picture by its name."""
    lines: dict[str, Sequence[LabelLine]] = {}
    faults: list[str] = []
    for name, text in texts.items():
        lines[name], wrong = parsed_lines(labels[name], text, len(config.names), config.key_points)
        faults += wrong
    raise_faults(faults, config.file)
    if config.key_points is None:
        check_outlines([line for each in lines.values() for line in each])
    return lines


def _records(
    config: YoloConfig,
    sizes: Mapping[str, tuple[int, int]],
    lines: Mapping[str, Sequence[LabelLine]],
    *,
    is_strict: bool,
) -> CocoRecords:
    images: list[CocoRecord] = []
    annotations: list[CocoRecord] = []
    faults: list[str] = []
    notes = _notes(lines)
    if not (config.file.parent / FILE_NAME).is_file():  # that has an id for each line
        lines, repeated = _without_repeats(lines)
        notes += repeated
    for image_id, (name, size) in enumerate(sizes.items(), start=1):
        images.append({"id": image_id, "file_name": name, "width": size[0], "height": size[1]})
        for line in lines[name]:
            bbox = line.box_xywh(*size)
            if is_strict and (fault := _fault_of_box(bbox, size)):
                faults.append(f"{line.file} line {line.number}: {fault}")
            record = {"id": len(annotations) + 1, "image_id": image_id, "category_id": line.label + 1, "bbox": bbox}
            annotations.append(record)
    raise_faults(faults, config.file)
    categories = [{"id": label + 1, "name": name} for label, name in enumerate(config.names)]
    return CocoRecords(images, annotations, categories, tuple(notes))


def _notes(lines: Mapping[str, Sequence[LabelLine]]) -> list[str]:
    """What was read of lines that are no plain boxes, where that is not plain to see."""
    mixed = [name for name, own in lines.items() if len({line.is_outline for line in own}) > 1]
    outlines = [line for own in lines.values() for line in own if line.is_outline]
    notes = []
    if mixed:
        notes.append(f"{len(mixed)} label files hold boxes and outlines, read line by line, first that of {mixed[0]}")
    if outlines and all(len(line.shares) == 8 for line in outlines):
        notes.append(f"{len(outlines)} oriented boxes count as the upright boxes around them")
    return notes


def _without_repeats(
    lines: Mapping[str, Sequence[LabelLine]],
) -> tuple[Mapping[str, Sequence[LabelLine]], list[str]]:
    """Each picture's lines without those that another equals in class and numbers, and a note of them."""
    kept: dict[str, Sequence[LabelLine]] = {}
    repeated: list[LabelLine] = []
    for name, own in lines.items():
        first: dict[tuple[int, tuple[float, ...]], LabelLine] = {}
        repeated += [line for line in own if first.setdefault((line.label, line.shares), line) is not line]
        kept[name] = list(first.values())
    if not repeated:
        return kept, []
    place = f"{repeated[0].file.name} line {repeated[0].number}"
    return kept, [f"{len(repeated)} label lines equal another of their picture and count once, first {place}"]


def _fault_of_box(bbox: Sequence[float], sides: tuple[int, int]) -> str:
    """What is wrong with a box without area or outside its picture; empty where nothing is."""
    if min(bbox[2:]) <= 0:
        return f"width and height are {bbox[2]:g} and {bbox[3]:g} px; both must be positive: {REMEDY}"
    if reach_px(bbox, *sides) > OUTSIDE_TOLERANCE_PX:
        return (
            f"the box reaches {reach_px(bbox, *sides):.1f} px out of its {sides[0]}x{sides[1]} picture; a line holds "
            f"centre and size, not corners or the left top one: {REMEDY}"
        )
    return ""

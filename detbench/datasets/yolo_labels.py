"""YOLO's layout: `data.yaml` names classes and folders of pictures, and each picture has a text file of boxes.

    DIR/data.yaml             names: [car, bus], and val: images/val, a folder, several, or a file that lists pictures
    DIR/images/val/a.jpg      the pictures
    DIR/labels/val/a.txt      a line a box: class, centre x, centre y, width, height; in shares of the picture, from 0
                              an outline (class x1 y1 x2 y2 …) counts as the box around it; no file, no object
    DIR/detbench-ids.json     optional, from `detbench convert`: ids, which YOLO has none of

Format: https://docs.ultralytics.com/datasets/detect/
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from detbench.core.files import read_bytes, read_text
from detbench.core.images import PICTURE_SUFFIXES, picture_from_file
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
from detbench.datasets.yolo_yaml import YoloConfig, listed_pictures, read_config
from detbench.errors import DataError

CLASS_LIST = "classes.txt"
"""Annotation tools leave one beside the labels: the classes in the order in which they numbered them."""

DECIMALS = 9
"""Coordinates are rounded to a billionth of a pixel, so that whole pixels come back whole from shares."""


def read_yolo(place: Path, split: str | None = None, repair: Repair | None = None) -> Annotated:
    """Read a `data.yaml`, or the folder that holds one. Classes and boxes are numbered from 1 in their order.

    Raises DataError with the first faults, each with its file and line.
    """
    config = read_config(place)
    files = listed_pictures(config, split)
    labels = {name: label_file(path) for name, path in files.items()}
    _check_label_files(config, files, labels)
    texts = {name: read_bytes(label) if label.is_file() else b"" for name, label in labels.items()}
    pictures = {path: picture_from_file(path) for path in files.values()}
    sizes = {name: (pictures[path].width, pictures[path].height) for name, path in files.items()}
    records = _records(config, sizes, labels, texts, is_strict=repair is None)
    sha256 = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    records = with_ids(records, config.file.parent, sha256)
    records = check_records(repaired(records, repair), config.file)
    digest = hashlib.sha256(repr((config.names, sorted(sha256.items()))).encode()).hexdigest()
    return Annotated(config.file, digest, records, files, pictures=pictures)


def label_file(picture: Path) -> Path:
    """Where a picture's boxes are: the last folder `images` of its path is `labels`, the suffix `.txt`."""
    parts = list(picture.parts)
    place = max((place for place, part in enumerate(parts[:-1]) if part == "images"), default=None)
    if place is not None:
        parts[place] = "labels"
    return Path(*parts).with_suffix(".txt")


def _check_label_files(config: YoloConfig, files: Mapping[str, Path], labels: Mapping[str, Path]) -> None:
    """A missing label file means a picture without objects, but labels of no picture mean a wrong layout."""
    if len(set(labels.values())) < len(labels):
        raise DataError(f"{config.file}: two pictures share one label file; give each picture a stem of its own")
    missing = [name for name, label in labels.items() if not label.is_file()]
    if len(missing) == len(labels):
        raise DataError(
            f"{config.file}: no picture has a label file; that of {files[missing[0]]} would be {labels[missing[0]]}. "
            "Put labels/ beside images/, with the same folders and names below"
        )
    orphans = list(_orphans(set(labels.values()))) if missing else []
    if orphans:
        raise DataError(
            f"{config.file}: {len(missing)} pictures have no label file, the first {missing[0]}, and {len(orphans)} "
            f"label files no picture, the first {orphans[0]}; give both the same name"
        )
    for folder in {label.parent for label in labels.values()}:
        _check_class_list(config, folder / CLASS_LIST)


def _orphans(labels: set[Path]) -> Iterator[Path]:
    """Label files of which there is no picture."""
    for folder in sorted({label.parent for label in labels if label.parent.is_dir()}):
        for text in sorted(folder.glob("*.txt")):
            parts = ["images" if part == "labels" else part for part in text.parts]
            pictures = Path(*parts).parent.glob(f"{_escaped(text.stem)}.*")
            is_label = text not in labels and text.name != CLASS_LIST
            if is_label and not any(path.suffix.lower() in PICTURE_SUFFIXES for path in pictures):
                yield text


def _escaped(stem: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in stem)


def _check_class_list(config: YoloConfig, file: Path) -> None:
    if not file.is_file():
        return
    listed = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    if sorted(listed) == sorted(config.names) and listed != list(config.names):
        raise DataError(
            f"{config.file}: names are in the order {', '.join(config.names)}, but the labels were numbered in that of "
            f"{file}: {', '.join(listed)}. Give names that order"
        )


def _records(
    config: YoloConfig,
    sizes: Mapping[str, tuple[int, int]],
    labels: Mapping[str, Path],
    texts: Mapping[str, bytes],
    *,
    is_strict: bool,
) -> CocoRecords:
    images: list[CocoRecord] = []
    annotations: list[CocoRecord] = []
    faults: list[str] = []
    for image_id, (name, size) in enumerate(sizes.items(), start=1):
        images.append({"id": image_id, "file_name": name, "width": size[0], "height": size[1]})
        for number, line in enumerate(_lines(texts[name], labels[name]), start=1):
            if not line.strip():
                continue
            try:
                label, bbox = _parsed_line(line, len(config.names), size)
                if is_strict:
                    _check_box(bbox, size)
            except ValueError as fault:
                faults.append(f"{labels[name]} line {number}: {fault}")
                continue
            record = {"id": len(annotations) + 1, "image_id": image_id, "category_id": label + 1, "bbox": bbox}
            annotations.append(record)
    raise_faults(faults, config.file)
    categories = [{"id": label + 1, "name": name} for label, name in enumerate(config.names)]
    return CocoRecords(images, annotations, categories)


def _lines(text: bytes, file: Path) -> list[str]:
    try:
        return text.decode("utf-8-sig").splitlines()
    except ValueError as error:
        raise DataError(f"{file}: not a text file ({error}); write labels as plain text") from None


def _parsed_line(line: str, classes: int, sides: tuple[int, int]) -> tuple[int, list[float]]:
    """Label and box (left, top, width, height in pixels) of one line; raises ValueError with what is wrong with it."""
    words = line.split()
    try:
        label, *shares = map(float, words)
    except ValueError:
        raise ValueError(f"holds {line.strip()!r}; it must be numbers with spaces between") from None
    if not label.is_integer() or not 0 <= label < classes:
        raise ValueError(f"class is {words[0]}, but classes count from 0 to {classes - 1}; correct it or `names:`")
    if len(shares) == 5:
        raise ValueError("holds 6 numbers, a confidence too many: give the true boxes, not a detector's")
    if len(shares) != 4 and (len(shares) < 6 or len(shares) % 2):
        raise ValueError(f"holds {len(words)} numbers; a box has 5: class, centre x, centre y, width, height")
    if not all(math.isfinite(share) for share in shares):
        raise ValueError(f"holds {line.strip()!r}; every number must be finite")
    if max(shares) > 2:
        raise ValueError(f"holds {max(shares):g}: pixels? Divide x and width by the picture's width, y by its height")
    return int(label), _box_of_shares(shares, sides) if len(shares) == 4 else _box_of_outline(shares, sides)


def _check_box(bbox: Sequence[float], sides: tuple[int, int]) -> None:
    """Raise ValueError for a box without area or outside its picture."""
    if min(bbox[2:]) <= 0:
        raise ValueError(f"width and height are {bbox[2]:g} and {bbox[3]:g} px; both must be positive: {REMEDY}")
    if reach_px(bbox, *sides) > OUTSIDE_TOLERANCE_PX:
        raise ValueError(
            f"the box reaches {reach_px(bbox, *sides):.1f} px out of its {sides[0]}x{sides[1]} picture; a line holds "
            f"centre and size, not corners or the left top one: {REMEDY}"
        )


def _box_of_shares(shares: Sequence[float], sides: tuple[int, int]) -> list[float]:
    x, y, width, height = shares
    left_top_size = ((x - width / 2) * sides[0], (y - height / 2) * sides[1], width * sides[0], height * sides[1])
    return [round(value, DECIMALS) for value in left_top_size]


def _box_of_outline(shares: Sequence[float], sides: tuple[int, int]) -> list[float]:
    across, down = [x * sides[0] for x in shares[::2]], [y * sides[1] for y in shares[1::2]]
    left, top = min(across), min(down)
    return [round(value, DECIMALS) for value in (left, top, max(across) - left, max(down) - top)]

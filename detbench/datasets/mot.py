"""MOTChallenge's files of tracked boxes: a line `frame,id,left,top,width,height,conf,class,visibility` for each box.

Frames and pixels count from 1. `conf` 0 marks what a scorer shall ignore. The classes are MOT16's, called as COCO calls
them, unless `labels.txt` beside the file has names of its own, one a line: CVAT and Datumaro write both, and their
pixels count from 0.
Format: Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016, section 3.
"""

import configparser
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detbench.core.files import read_text
from detbench.datasets.coco_records import CocoRecord
from detbench.errors import DataError

LABELS, SEQUENCE = "labels.txt", "seqinfo.ini"
_CLASSES = {1: "person", 3: "car", 4: "bicycle", 5: "motorcycle"}
_IGNORED_PEOPLE = frozenset({2, 7, 8, 12})
"""People on vehicles and standing still, distractors and reflections: neither found nor missed by MOT's rules."""
_LEFT_OUT = frozenset({6, 9, 10, 11})
"""Vehicles without a motor, and what stands before others: no detector's class."""
_PERSON = 1
_FEWEST_COLUMNS = 6


@dataclass(frozen=True)
class Tracked:
    """Boxes as COCO's records, image ids being frame numbers; `tracks` maps annotation ids to the object's number."""

    annotations: list[CocoRecord] = field(default_factory=list)
    categories: list[CocoRecord] = field(default_factory=list)
    tracks: Mapping[int, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Line:
    frame: int
    track: int
    box_xywh: tuple[float, ...]
    is_ignored: bool
    category: int


def read_tracked(file: Path, frames: int) -> Tracked:
    """The boxes of a clip of so many frames.

    Raises DataError, naming the line, for one that is not in MOT's format or of a frame that is not there.
    """
    labels = file.with_name(LABELS)
    own = [name.strip() for name in read_text(labels).splitlines() if name.strip()] if labels.is_file() else None
    classes = _CLASSES if own is None else dict(enumerate(own, start=1))
    lines = list(_lines(file, frames, classes, first_pixel=1 if own is None else 0, is_own=own is not None))
    annotations = [
        {
            "id": number,
            "image_id": line.frame,
            "category_id": line.category,
            "bbox": list(line.box_xywh),
            "area": line.box_xywh[2] * line.box_xywh[3],
            "iscrowd": int(line.is_ignored),
        }
        for number, line in enumerate(lines, start=1)
    ]
    used = sorted({line.category for line in lines})
    categories = [{"id": category, "name": classes[category]} for category in used]
    return Tracked(annotations, categories, {number: line.track for number, line in enumerate(lines, start=1)})


def sequence_frame_rate(folder: Path) -> float | None:
    """`frameRate` of a sequence's seqinfo.ini, in frames a second; None where there is no such file.

    Raises DataError where it holds no such number.
    """
    file = folder / SEQUENCE
    if not file.is_file():
        return None
    parser = configparser.ConfigParser()
    try:
        parser.read_string(read_text(file))
        rate = parser.getfloat("Sequence", "frameRate")
    except (configparser.Error, ValueError) as error:
        raise DataError(f"{file}: no frame rate ({error}); it needs [Sequence] and frameRate=30") from error
    if not 0 < rate < math.inf:
        raise DataError(f"{file}: frameRate is {rate:g}; it is a positive number of frames a second")
    return rate


def _lines(file: Path, frames: int, classes: Mapping[int, str], first_pixel: int, is_own: bool) -> Iterator[_Line]:
    for number, text in enumerate(read_text(file).splitlines(), start=1):
        if not text.strip():
            continue
        where = f"{file}, line {number}"
        columns = _numbers(text.split(","), where)
        frame, track = int(columns[0]), int(columns[1])
        if not 1 <= frame <= frames:
            raise DataError(f"{where}: frame {frame}, but the clip has frames 1 to {frames}; take this clip's file")
        kind = int(columns[7]) if len(columns) > 7 and columns[7] > 0 else _PERSON
        if not is_own and kind in _LEFT_OUT:
            continue
        category = _PERSON if not is_own and kind in _IGNORED_PEOPLE else kind
        if category not in classes:
            raise DataError(f"{where}: class {kind} has no name; add {LABELS} beside the file, one name a line")
        ignored = (len(columns) > 6 and columns[6] == 0) or category != kind
        left, top = columns[2] - first_pixel, columns[3] - first_pixel
        yield _Line(frame, track, (left, top, columns[4], columns[5]), ignored, category)


def _numbers(words: Sequence[str], where: str) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise DataError(f"{where}: {error}; a line is frame,id,left,top,width,height,conf,class,visibility") from None
    if len(numbers) < _FEWEST_COLUMNS or not all(map(math.isfinite, numbers)):
        raise DataError(
            f"{where}: {len(numbers)} columns or a number that is not finite; a line is "
            "frame,id,left,top,width,height,conf,class,visibility"
        )
    return numbers

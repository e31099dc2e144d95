"""A COCO folder laid out as ultralytics reads it: pictures, one text file of boxes each, and a YAML that names them."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detbench.core.images import write_atomically
from detbench.datasets.coco import CocoFolder
from detbench.datasets.export import yolo_line
from detbench.errors import DataError
from detbench.types import Sample

HELD_OUT_SHARE = 0.1
"""Share of the pictures, the last by id, that training never sees: pictures that belong together share neither side."""


@dataclass(frozen=True)
class YoloLayout:
    """Where the YAML lies, the class names in the order of their labels, and how much each side holds."""

    yaml: Path
    classes: tuple[str, ...]
    training_pictures: int
    held_out_pictures: int
    training_boxes: int


def write_yolo_layout(dataset: CocoFolder, folder: Path, blurred: bool = False) -> YoloLayout:
    """Copy the pictures of `dataset` (of pairs the sharp ones, with `blurred` both) and write their boxes; crowds are
    left out.

    Raises DataError where there are too few pictures to hold any out, and where `blurred` finds no pairs.
    """
    if blurred and not dataset.found.sharp:
        raise DataError(f"{dataset.folder}: no pairs; blurred twins lie in {dataset.folder / 'blurred'}")
    samples = list(dataset)
    held_out = round(len(samples) * HELD_OUT_SHARE)
    if not held_out:
        raise DataError(f"{dataset.folder}: {len(samples)} pictures are too few to train on; 10 are the least")
    classes = tuple(dataset.classes.values())
    labels = {identity: label for label, identity in enumerate(dataset.classes)}
    parts = {"train": samples[:-held_out], "val": samples[-held_out:]}
    sides = [files for files in (dataset.found.sharp, dataset.found.blurred) if files][: 2 if blurred else 1]
    boxes = {
        part: sum(_write_part(folder, part, side, chosen, files, labels) for side, files in enumerate(sides))
        for part, chosen in parts.items()
    }
    yaml = folder / "data.yaml"
    # JSON is YAML.
    content = {"path": str(folder.resolve()), "train": "images/train", "val": "images/val", "names": list(classes)}
    write_atomically(yaml, json.dumps(content).encode())
    return YoloLayout(yaml, classes, len(sides) * len(parts["train"]), len(sides) * held_out, boxes["train"])


def _write_part(
    folder: Path, part: str, side: int, samples: Sequence[Sample], files: Mapping[str, Path], labels: dict[int, int]
) -> int:
    """The number of boxes written; pictures are named by id and side, so that twins stay apart."""
    count = 0
    for sample in samples:
        source = files[sample.file_name]
        picture = folder / "images" / part / f"{sample.id:012d}-{side}{source.suffix}"
        picture.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, picture)
        lines = _label_lines(sample, labels)
        write_atomically(folder / "labels" / part / f"{picture.stem}.txt", "".join(lines).encode())
        count += len(lines)
    return count


def _label_lines(sample: Sample, labels: dict[int, int]) -> list[str]:
    truth, picture = sample.truth, sample.sharp or sample.blurred
    lines = []
    for (x1, y1, x2, y2), label, crowd in zip(truth.boxes, truth.labels, truth.crowd, strict=True):
        if not crowd:
            box_xywh = (x1, y1, x2 - x1, y2 - y1)
            lines.append(yolo_line(labels[int(label)], box_xywh, (picture.width, picture.height)))
    return lines

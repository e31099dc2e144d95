"""A dataset format for detbench in one file: a folder of PNG pictures and a table of their boxes, boxes.csv.

Each line of the table is a box, `file,class,x1,y1,x2,y2`, in pixels of its picture.
"""

import csv
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detbench.types import GroundTruth, Picture, Sample


class CsvBoxes:
    """The dataset in a folder; a split is a folder below it."""

    def __init__(self, path: Path, split: str | None) -> None:
        self.folder = (path / (split or "")).resolve()
        self.name = self.folder.name
        self.table = (self.folder / "boxes.csv").read_text()
        self.lines = list(csv.DictReader(self.table.splitlines()))
        self.files = sorted(self.folder.glob("*.png"))
        self.classes = dict(enumerate(sorted({line["class"] for line in self.lines}), start=1))

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether a folder holds such a table."""
        return (path / "boxes.csv").is_file()

    @property
    def fingerprint(self) -> str:
        """Changes with the table and with every picture."""
        digests = [picture.sha256 for picture in map(read_picture, self.files)]
        return hashlib.sha256("\n".join([self.table, *digests]).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Sample]:
        for number, file in enumerate(self.files, start=1):
            yield Sample(number, file.name, None, read_picture(file), self.truth(file.name))

    def truth(self, name: str) -> GroundTruth:
        """The boxes of a picture; the number of its line in the table is a box's id, from 1."""
        label = {name: label for label, name in self.classes.items()}
        lines = {number: line for number, line in enumerate(self.lines, start=1) if line["file"] == name}
        corners = [[float(line[side]) for side in ("x1", "y1", "x2", "y2")] for line in lines.values()]
        boxes = np.array(corners, np.float64).reshape(-1, 4)
        return GroundTruth(
            boxes,
            labels=np.array([label[line["class"]] for line in lines.values()], np.int64),
            crowd=np.zeros(len(boxes), np.bool_),
            areas=(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
            ids=np.array(list(lines), np.int64),
        )


def read_picture(file: Path) -> Picture:
    """A picture by its content; it is decoded when it is needed."""
    with Image.open(file) as opened:
        width, height = opened.size
    return Picture(hashlib.sha256(file.read_bytes()).hexdigest(), width, height, partial(decode, file))


def decode(file: Path) -> NDArray[np.uint8]:
    """RGB, shape (H, W, 3)."""
    return np.array(Image.open(file).convert("RGB"))

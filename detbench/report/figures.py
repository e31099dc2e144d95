"""The DeblurGAN paper's figure 9 for this run: the same pictures blurred, restored and sharp, with the boxes found.

Kupyn et al., "DeblurGAN", CVPR 2018, figure 9. Boxes are matched anew from the run's files, by the rule of the run's
own counts.
"""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from detbench.images import read_image
from detbench.metrics.matching import FALSE_POSITIVE, IGNORED, Counts, Matches, count, is_found, match
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU
from detbench.report.shown import ShownArm, ShownPicture
from detbench.types import GroundTruth

EMBEDDED_SIDE_PX = 480
EMBEDDED_BYTES = 40_000
_QUALITIES = (80, 65, 50, 35)

MarkKind = Literal["found", "false", "missed"]


@dataclass(frozen=True)
class Mark:
    """A box to draw, in the picture's pixels: a true one that was found, a false alarm, or a true one that was missed.

    `name` is its class, with the score of a detection.
    """

    kind: MarkKind
    x: float
    y: float
    width: float
    height: float
    name: str


@dataclass(frozen=True)
class Label:
    """A detection's name beside its box; `x` and `y` are the left end of its base line, in the picture's pixels."""

    kind: MarkKind
    text: str
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Panel:
    """One picture in one arm: a data URI, its size in pixels, the boxes on it, the labels that there is room for
    with their height, and the numbers below it.
    """

    arm: str
    picture: str
    width: int
    height: int
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    label_height: float
    counts: Counts
    psnr_db: float | None


@dataclass(frozen=True)
class Strip:
    """One picture in all arms, side by side."""

    file_name: str
    severity_px: float | None
    panels: tuple[Panel, ...]


def strips(pictures: Sequence[ShownPicture], classes: Mapping[int, str]) -> tuple[Strip, ...]:
    """The figure, one strip per picture; raises DataError where a picture's file is missing or damaged."""
    return tuple(
        Strip(
            picture.file_name, picture.severity_px, tuple(_panel(picture.truth, arm, classes) for arm in picture.arms)
        )
        for picture in pictures
    )


def embedded_jpeg(path: Path) -> str:
    """A picture as a data URI of about EMBEDDED_BYTES at most: its own bytes where they are few, else scaled down."""
    image = read_image(path)
    content = path.read_bytes()
    if len(content) > EMBEDDED_BYTES or max(image.shape) > EMBEDDED_SIDE_PX:
        content = _small_jpeg(PillowImage.fromarray(image))
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


def _small_jpeg(picture: PillowImage.Image) -> bytes:
    """The best quality that fits EMBEDDED_BYTES, or the lowest there is."""
    picture.thumbnail((EMBEDDED_SIDE_PX, EMBEDDED_SIDE_PX), PillowImage.Resampling.LANCZOS)
    for quality in _QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, format="JPEG", quality=quality)
        if stream.tell() <= EMBEDDED_BYTES:
            break
    return stream.getvalue()


def _panel(truth: GroundTruth, arm: ShownArm, classes: Mapping[int, str]) -> Panel:
    matches = match(truth, arm.found, MATCH_IOU)
    marks = sorted(_marks(truth, arm, matches, classes), key=lambda mark: -mark.width * mark.height)
    return Panel(
        arm=arm.name,
        picture=embedded_jpeg(arm.file),
        width=arm.width,
        height=arm.height,
        marks=tuple(marks),
        labels=tuple(_labels(marks, arm)),
        label_height=_label_height(arm),
        counts=count(matches, CONFIDENCE),
        psnr_db=arm.psnr_db,
    )


def _marks(truth: GroundTruth, arm: ShownArm, matches: Matches, classes: Mapping[int, str]) -> Iterator[Mark]:
    """Every box from the stated confidence on, and every true one that none of them took.

    What lies on a crowd region is neither found nor false, and a crowd region is not missed.
    """
    partners, sure = matches.partner, arm.found.scores >= CONFIDENCE
    for index in np.flatnonzero(sure & (partners != IGNORED)):
        name = f"{classes[int(arm.found.labels[index])]} {arm.found.scores[index]:.2f}"
        yield _mark("false" if partners[index] == FALSE_POSITIVE else "found", arm.found.boxes[index], name)
    for index in np.flatnonzero(~truth.crowd & ~is_found(matches, CONFIDENCE, len(truth))):
        yield _mark("missed", truth.boxes[index], classes[int(truth.labels[index])])


def _mark(kind: MarkKind, box_xyxy: NDArray[np.float64], name: str) -> Mark:
    x1, y1, x2, y2 = (float(edge) for edge in box_xyxy)
    return Mark(kind, round(x1, 1), round(y1, 1), round(x2 - x1, 1), round(y2 - y1, 1), name)


def _labels(marks: Sequence[Mark], arm: ShownArm) -> Iterator[Label]:
    """Labels of the detections; one that would cover an earlier one, or that its box is too small for, is left out."""
    placed: list[Label] = []
    for mark in marks:
        label = _label(mark, arm)
        is_clear = all(_apart(label, other, _label_height(arm)) for other in placed)
        if mark.kind != "missed" and is_clear and label.width <= max(1.6 * mark.width, 0.35 * arm.width):
            placed.append(label)
            yield label


def _label(mark: Mark, arm: ShownArm) -> Label:
    """The label above the box, or just inside where the picture ends."""
    height = _label_height(arm)
    width = 0.6 * height * len(mark.name)  # of letters in a usual sans-serif
    x = max(min(mark.x, arm.width - width), 0.0)
    y = mark.y - 0.25 * height if mark.y > 1.2 * height else mark.y + height
    return Label(mark.kind, mark.name, round(x, 1), round(y, 1), width)


def _apart(one: Label, other: Label, height: float) -> bool:
    return abs(one.y - other.y) >= height or one.x + one.width <= other.x or other.x + other.width <= one.x


def _label_height(arm: ShownArm) -> float:
    return round(0.042 * arm.width, 1)

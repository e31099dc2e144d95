"""The shown pictures as strips: the same picture blurred, restored and sharp, with the boxes found.

After figure 9 of Kupyn et al., "DeblurGAN", CVPR 2018. Boxes are matched anew from the run's files, as for its numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from detbench.core.boxes import area
from detbench.metrics.matching import AREAS, FALSE_POSITIVE, IGNORED
from detbench.metrics.specs import CONFIDENCE
from detbench.pages.strips import Inset, Label, Mark, MarkKind, Panel, Role, Strip
from detbench.pages.text import share
from detbench.pages.thumbnails import thumbnail, thumbnails
from detbench.report.shown import ShownArm, ShownBlur, ShownPicture
from detbench.types import GroundTruth

SIZES = tuple(size for size in AREAS if size != "all")
BOX_KINDS: Mapping[MarkKind, str] = {
    "found": "a true box that was detected",
    "regained": "found, and missed before deblurring",
    "lost": "missed, and found before deblurring",
    "missed": "a true box without a detection",
    "false": "a detection without a true box",
}
"""What each kind of box means, in the order of the legend."""

KINDS_WITHOUT_TRUTH: Mapping[MarkKind, str] = {
    "found": "a box that the blurred picture has too",
    "false": "a box that the blurred picture does not have",
    "lost": "a box of the blurred picture that is gone",
}
"""The same where there is no truth: right and wrong are not known."""

LEAST_CONFIDENCE = 0.05
"""Detections from here on are in the page; those below would double its size, and almost all of them are false."""

_OPEN = 3
"""Strips of a group that are not folded away."""


@dataclass(frozen=True)
class Group:
    """Strips under one heading: `first` are seen at once, the `rest` at a click."""

    title: str
    first: tuple[Strip, ...]
    rest: tuple[Strip, ...]


@dataclass(frozen=True, eq=False)
class Finds:
    """What an arm found in a picture at the stated confidence, beside what the blurred arm found: both (M,) by true
    box.
    """

    arm: ShownArm
    role: Role
    found: NDArray[np.bool_]
    found_before: NDArray[np.bool_]

    @property
    def change(self) -> int:
        """True boxes regained, less those lost."""
        return int(self.found.sum()) - int(self.found_before.sum())


def strips(
    pictures: Sequence[ShownPicture], classes: Mapping[int, str], beside: Path | None = None
) -> tuple[Strip, ...]:
    """The figure, one strip per picture; raises DataError where a picture's file is missing or damaged.

    `beside` is the folder of the page, where full pictures are linked from; None links none.
    """
    seen = thumbnails(arm.file for picture in pictures for arm in picture.arms)
    return tuple(
        Strip(
            picture.file_name,
            "" if picture.severity_px is None else f"blur of {picture.severity_px:.1f} px",
            tuple(_panel(picture, finds, next(seen), classes, beside) for finds in finds_in(picture)),
            picture.severity_px,
        )
        for picture in pictures
    )


def grouped(made: Sequence[Strip]) -> tuple[Group, ...]:
    """Gains, largest first, then losses, largest first, then what did not change; groups without strips left out."""
    by_gain = sorted(made, key=lambda strip: -strip.change)
    groups = (
        ("Largest gains", [strip for strip in by_gain if strip.change > 0]),
        ("Largest losses", [strip for strip in reversed(by_gain) if strip.change < 0]),
        ("As many found as before", [strip for strip in by_gain if strip.change == 0]),
    )
    return tuple(Group(title, tuple(each[:_OPEN]), tuple(each[_OPEN:])) for title, each in groups if each)


def totals(made: Sequence[Strip]) -> dict[str, Counter[str]]:
    """Boxes of each kind in all strips at the stated confidence, by arm."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for panel in (panel for strip in made for panel in strip.panels):
        sums[panel.title].update(panel.counts)
    return dict(sums)


def finds_in(picture: ShownPicture) -> Iterator[Finds]:
    """What each arm found, beside what the first one did, the blurred."""
    before = None
    for arm in picture.arms:
        sure = arm.found.scores >= CONFIDENCE
        found = np.isin(np.arange(len(picture.truth)), arm.partner[sure])
        before = found if before is None else before
        role: Role = "goal" if arm.name == "sharp" else "before" if arm is picture.arms[0] else "after"
        yield Finds(arm, role, found, before)


def _panel(picture: ShownPicture, finds: Finds, seen: str, classes: Mapping[int, str], beside: Path | None) -> Panel:
    arm = finds.arm
    marks = sorted(marks_of(picture.truth, finds, classes), key=lambda mark: -mark.width * mark.height)
    counts = _counts(picture.truth, finds)
    in_words = " · ".join(f"{number} {name}" for name, number in counts.items())
    return Panel(
        title=arm.name,
        role=finds.role,
        picture=seen,
        width=arm.width,
        height=arm.height,
        alt=f"{picture.file_name}, {arm.name}: {in_words}",
        counts=counts,
        note="" if arm.psnr_db is None else f"PSNR {arm.psnr_db:.1f} dB",
        file=None if beside is None else quote(arm.file.relative_to(beside).as_posix()),
        change=finds.change if finds.role == "after" else None,
        marks=tuple(marks),
        labels=tuple(_labels(marks, arm)),
        label_height=_label_height(arm),
        insets=() if arm.blur is None else tuple(_kernels(picture.file_name, arm.name, arm.blur)),
        insets_note="" if arm.blur is None else _kernels_in_words(arm.blur),
    )


def _kernels(file_name: str, arm: str, blur: ShownBlur) -> Iterator[Inset]:
    """The kernel that had to be found beside the one that was, as far as they are known."""
    if blur.true_kernel is not None:
        yield Inset("true kernel", thumbnail(blur.true_kernel), f"{file_name}: true kernel")
    if blur.found_kernel is not None:
        caption = f"{'kernel' if blur.cells == 1 else 'kernels'} that {arm} found"
        yield Inset(caption, thumbnail(blur.found_kernel), f"{file_name}: {caption}", is_wide=blur.cells > 1)


def _kernels_in_words(blur: ShownBlur) -> str:
    if not blur.cells:
        return "left as it is: no kernel explains it"
    return "" if blur.similarity is None else f"similarity {share(blur.similarity)}"


def _counts(truth: GroundTruth, finds: Finds) -> dict[str, int]:
    """How many boxes were found, false and missed; of a deblurrer also how many changed hands, which are among them."""
    arm, tp = finds.arm, int(finds.found.sum())
    fp = int(((arm.partner == FALSE_POSITIVE) & (arm.found.scores >= CONFIDENCE)).sum())
    counts = {"found": tp, "false": fp, "missed": int((~truth.crowd).sum()) - tp}
    if finds.role != "after":
        return counts
    regained, lost = (finds.found & ~finds.found_before).sum(), (~finds.found & finds.found_before).sum()
    return {**counts, "regained": int(regained), "lost": int(lost)}


def marks_of(truth: GroundTruth, finds: Finds, classes: Mapping[int, str]) -> Iterator[Mark]:
    """Every box from LEAST_CONFIDENCE on, and every true one; of a kind are those to be drawn at the stated confidence.

    What lies on a crowd region is neither found nor false, and a crowd region is not missed. A deblurrer's boxes that
    the blurred arm missed are regained, those that only the blurred arm found are lost.
    """
    found, partners, is_after = finds.arm.found, finds.arm.partner, finds.role == "after"
    for index in np.flatnonzero((found.scores >= LEAST_CONFIDENCE) & (partners != IGNORED)):
        score, partner = float(found.scores[index]), int(partners[index])
        kind = _found_kind(finds, partner) if score >= CONFIDENCE else None
        name, is_false = classes[int(found.labels[index])], partner == FALSE_POSITIVE
        size = float(area(found.boxes[index : index + 1])[0]) if is_false else float(truth.areas[partner])
        yield _mark(kind, found.boxes[index], name, size, score, None if is_false else partner)
    for index in np.flatnonzero(~truth.crowd):
        missed: MarkKind = "lost" if is_after and finds.found_before[index] else "missed"
        name, kind = classes[int(truth.labels[index])], None if finds.found[index] else missed
        yield _mark(kind, truth.boxes[index], name, float(truth.areas[index]), None, int(index))


def _found_kind(finds: Finds, partner: int) -> MarkKind:
    if partner == FALSE_POSITIVE:
        return "false"
    return "regained" if finds.role == "after" and not finds.found_before[partner] else "found"


def _mark(
    kind: MarkKind | None,
    box_xyxy: NDArray[np.float64],
    class_name: str,
    area_px: float,
    score: float | None,
    truth: int | None,
) -> Mark:
    x1, y1, x2, y2 = (float(edge) for edge in box_xyxy)
    place = round(x1, 1), round(y1, 1), round(x2 - x1, 1), round(y2 - y1, 1)
    size = next((size for size in SIZES if area_px <= AREAS[size][1]), SIZES[-1])
    name = class_name if score is None else f"{class_name} {score:.2f}"
    return Mark(kind, *place, name, class_name, size, None if score is None else _cut(score), truth)


def _cut(score: float) -> float:
    """The score in thousandths, rounded down: it is at or above just those confidences in thousandths that it was."""
    thousandths = int(score * 1000) + 1
    while thousandths / 1000 > score:
        thousandths -= 1
    return thousandths / 1000


def _labels(marks: Sequence[Mark], arm: ShownArm) -> Iterator[Label]:
    """Labels of the detections; one that would cover that of a surer one, or that its box is too small for, is left
    out. So at any confidence those above it are the labels that fit.
    """
    placed: list[Label] = []
    for mark in sorted((mark for mark in marks if mark.score is not None), key=lambda mark: -(mark.score or 0.0)):
        label = _label(mark, arm)
        is_clear = all(_apart(label, other, _label_height(arm)) for other in placed)
        if is_clear and label.width <= max(1.6 * mark.width, 0.35 * arm.width):
            placed.append(label)
            yield label


def _label(mark: Mark, arm: ShownArm) -> Label:
    """The label above the box, or just inside where the picture ends."""
    height = _label_height(arm)
    width = 0.6 * height * len(mark.name)  # of letters in a usual sans-serif
    x = max(min(mark.x, arm.width - width), 0.0)
    y = mark.y - 0.25 * height if mark.y > 1.2 * height else mark.y + height
    return Label(mark, round(x, 1), round(y, 1), width)


def _apart(one: Label, other: Label, height: float) -> bool:
    return abs(one.y - other.y) >= height or one.x + one.width <= other.x or other.x + other.width <= one.x


def _label_height(arm: ShownArm) -> float:
    return round(0.042 * arm.width, 1)

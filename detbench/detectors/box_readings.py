"""Whether recorded boxes and classes are written as COCO's results are: left, top, width, height in pixels of the
picture, and the dataset's category ids.

Boxes in another order or on another scale are numbers like any others, and a scorer gives them mAP 0. The true boxes
tell: read as they were meant, many boxes lie on true ones. A file is refused where another reading explains the true
boxes and the announced one does not. A detector that finds little decides nothing, so sound files pass.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.boxes import area, xywh_to_xyxy
from detbench.types import Boxes, GroundTruth, Sample

HIT_IOU, MISS_IOU = 0.5, 0.3
"""A reading hits a true box at this overlap or more, and misses it below the other."""

FEWEST_GAINED, SMALLEST_SHARE, TIMES_LOST = 5, 0.05, 4
"""Another reading must hit at least so many true boxes that the announced one misses, such a share of all, half as many
as the announced one hits, and so many times as many as the other way round.
"""

MOST_PAIRS = 200_000
"""Pairs of a found and a true box that are looked at: the first pictures' are as good as all."""

UNIT_SIDE_PX = 1.5
"""No box ends beyond it in a file of boxes in shares of the picture; pixels of a sound box do."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Sides = Floats
"""Width and height of each box's picture, (N, 2) pixels."""

ToPixels = Callable[[Boxes, Sides], Boxes]
"""From corners on another scale to corners in pixels of the pictures."""

Order = Callable[[Floats], Boxes]
"""From four numbers to corners x1, y1, x2, y2 on the same scale."""

ANNOUNCED = "left, top, width, height"


def _corners_of_centres(boxes: Floats) -> Boxes:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


_ORDERS: Mapping[str, Order] = {
    ANNOUNCED: xywh_to_xyxy,
    "corners x1, y1, x2, y2": lambda boxes: boxes,
    "centre x, centre y, width, height": _corners_of_centres,
    "corners y1, x1, y2, x2": lambda boxes: boxes[:, [1, 0, 3, 2]],
    "top, left, height, width": lambda boxes: xywh_to_xyxy(boxes[:, [1, 0, 3, 2]]),
}
"""Four numbers as corners, by what each is."""

COCO_IDS = tuple(number for number in range(1, 91) if number not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83))
"""COCO's category ids in the order of its 80 classes."""

_INPUT_SIDES_PX = (320, 416, 512, 608, 640, 800, 1024, 1280)
"""Sides of the squares that detectors scale their pictures to."""

_GRID = 1.06
"""Step of the scales that are tried: a box of a sixth of its picture, half a step off, overlaps itself by .5."""


def _unscaled(corners: Boxes, _sides: Sides, scale: float) -> Boxes:
    return corners / scale


def _unstretched(corners: Boxes, sides: Sides, unit: float) -> Boxes:
    return np.asarray(corners * np.tile(sides, 2) / unit)


def _out_of_letterbox(corners: Boxes, sides: Sides, side: float) -> Boxes:
    scale = side / sides.max(axis=1, keepdims=True)
    return np.asarray((corners - np.tile((side - sides * scale) / 2, 2)) / scale)


def _scales() -> Iterator[tuple[str, ToPixels]]:
    """Ways from other scales back to the picture's pixels, by name."""
    yield "pixels", partial(_unscaled, scale=1)
    for unit, name in ((1, "shares 0..1"), (100, "percent"), (1000, "thousandths")):
        yield f"{name} of the picture", partial(_unstretched, unit=unit)
    for side in _INPUT_SIDES_PX:
        yield f"pixels of a picture stretched to {side}x{side}", partial(_unstretched, unit=side)
        yield f"pixels of a picture scaled into the middle of {side}x{side}", partial(_out_of_letterbox, side=side)


def _readings() -> Iterator[tuple[str, Order, ToPixels]]:
    """Every other reading of four numbers: its name, their order, and their scale."""
    for scale, to_pixels in _scales():
        yield from ((f"{name} in {scale}", order, to_pixels) for name, order in _ORDERS.items())
    for step in range(-40, 41):
        times = _GRID**step
        name = f"{ANNOUNCED} in pixels of a picture {times:.2g} times as large"
        yield name, _ORDERS[ANNOUNCED], partial(_unscaled, scale=times)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Found boxes beside true ones of the same picture, those of one true box together.

    `found` (P, 4) as the file has them, `true` (P, 4) corners, `sides` (P, 2), `labels` and `true_labels` (P,);
    `starts` (T,) is where each true box's pairs begin.
    """

    found: Floats
    true: Boxes
    sides: Sides
    labels: Labels
    true_labels: Labels
    starts: Labels

    def overlap(self, corners: Boxes) -> Floats:
        """IoU of each pair, (P,)."""
        (left, top, right, bottom), true = np.ascontiguousarray(corners.T), self._true_columns
        width = np.minimum(right, true[2]) - np.maximum(left, true[0])
        height = np.minimum(bottom, true[3]) - np.maximum(top, true[1])
        shared = width.clip(0) * height.clip(0)
        both = (right - left).clip(0) * (bottom - top).clip(0) + self._true_area
        return np.asarray(shared / np.maximum(both - shared, 1e-9))

    @cached_property
    def _true_columns(self) -> Floats:
        """The same as `true`, (4, P): a column that lies together is read three times as fast."""
        return np.ascontiguousarray(self.true.T)

    @cached_property
    def _true_area(self) -> Floats:
        return area(self.true)

    def of(self, is_kept: NDArray[np.bool_]) -> "_Pairs":
        """The pairs of some of the true boxes, (T,)."""
        lengths = np.diff(np.append(self.starts, len(self.found)))
        rows, lengths = np.repeat(is_kept, lengths), lengths[is_kept]
        return _Pairs(
            self.found[rows],
            self.true[rows],
            self.sides[rows],
            self.labels[rows],
            self.true_labels[rows],
            np.cumsum(lengths) - lengths,
        )

    def best_overlap(self, corners: Boxes) -> Floats:
        """The best IoU of each true box, (T,)."""
        return np.asarray(np.maximum.reduceat(self.overlap(corners), self.starts))


def reading_fault(
    results: Sequence[Mapping[str, Any]], samples: Sequence[Sample], category_ids: Iterable[int]
) -> str | None:
    """What is wrong with a file's boxes or classes as a whole, and what to do; None where nothing is.

    `results` are sound records of COCO's results with the ids of `samples`.
    """
    sizes = {sample.id: (sample.blurred.width, sample.blurred.height) for sample in samples}
    if results and all(_is_in_first_pixel(result["bbox"], sizes[result["image_id"]]) for result in results):
        return "every bbox lies within 0..1; it is left, top, width, height in pixels: multiply by the picture's sides"
    pairs = _pairs(results, samples)
    if pairs is None:
        return None
    return _other_box_reading(pairs) or _other_class_reading(pairs, category_ids)


def _is_in_first_pixel(box: Sequence[float], size: tuple[int, int]) -> bool:
    return max(box) <= UNIT_SIDE_PX and min(size) > 8 * UNIT_SIDE_PX


def _pairs(results: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> _Pairs | None:
    """The best-scored boxes of each picture, at most as many as it has true ones, each beside all of those."""
    by_image: dict[int, list[Mapping[str, Any]]] = {}
    for result in results:
        by_image.setdefault(result["image_id"], []).append(result)
    columns: list[tuple[Any, ...]] = []
    count = 0
    for sample in samples:
        truth, found = sample.truth, by_image.get(sample.id, [])
        trues = int((~truth.crowd).sum())
        kept = sorted(found, key=lambda result: -result["score"])[:trues]
        if kept and count + len(kept) * trues <= MOST_PAIRS:
            columns.append(_columns(kept, truth, (sample.blurred.width, sample.blurred.height)))
            count += len(kept) * trues
    if not columns:
        return None
    boxes, true, sides, labels, true_labels, lengths = (np.concatenate(c) for c in zip(*columns, strict=True))
    return _Pairs(boxes, true, sides, labels, true_labels, np.cumsum(lengths) - lengths)


def _columns(kept: Sequence[Mapping[str, Any]], truth: GroundTruth, size: tuple[int, int]) -> tuple[Any, ...]:
    """One picture's rows of `_Pairs`, and the number of pairs of each true box."""
    real = ~truth.crowd
    trues, each = int(real.sum()), len(kept)
    return (
        np.tile(np.array([result["bbox"] for result in kept], np.float64), (trues, 1)),
        np.repeat(truth.boxes[real], each, axis=0),
        np.tile(np.array(size, np.float64), (trues * each, 1)),
        np.tile(np.array([result["category_id"] for result in kept], np.int64), trues),
        np.repeat(truth.labels[real], each),
        np.full(trues, each),
    )


def _other_box_reading(pairs: _Pairs) -> str | None:
    announced = pairs.best_overlap(_ORDERS[ANNOUNCED](pairs.found))
    hits = int((announced >= HIT_IOU).sum())
    fewest = max(FEWEST_GAINED, SMALLEST_SHARE * len(announced), hits / 2)
    missed = announced < MISS_IOU
    if missed.sum() < fewest:
        return None  # no reading can gain enough, and trying all of them takes long
    gains: dict[str, int] = {}
    rest = pairs.of(missed)
    for name, order, to_pixels in _readings():
        could_gain = (rest.best_overlap(to_pixels(order(rest.found), rest.sides)) >= HIT_IOU).sum() >= fewest
        overlap = pairs.best_overlap(to_pixels(order(pairs.found), pairs.sides)) if could_gain else announced
        gains[name] = _gained(announced, overlap)
    best = max(gains, key=lambda name: gains[name])
    if gains[best] < fewest:
        return None
    return (
        f"bbox must be left, top, width, height in pixels of the picture; these are {best}: so read, they lie on "
        f"{gains[best]} true boxes that they miss as they stand, where they hit {hits}; convert them"
    )


def _gained(announced: Floats, other: Floats) -> int:
    """How many true boxes another reading hits that the announced one misses; 0 where it also loses many. Both are best
    overlaps, (T,).
    """
    gained, lost = ((a >= HIT_IOU) & (b < MISS_IOU) for a, b in ((other, announced), (announced, other)))
    return int(gained.sum()) if gained.sum() >= TIMES_LOST * lost.sum() else 0


def _class_readings(category_ids: Iterable[int]) -> Iterator[tuple[str, Mapping[int, int]]]:
    """Other numberings of classes: what each of a file's ids would be in the dataset."""
    ordered = sorted(category_ids)
    yield "count from 0 where the dataset's are higher by one place", dict(pairwise(ordered))
    yield "are one place too high", {after: before for before, after in pairwise(ordered)}
    if ordered == list(range(1, 81)):
        yield "are COCO's own (1..90), not 1..80 in the order of names", dict(zip(COCO_IDS, ordered, strict=True))
    if ordered == list(COCO_IDS):
        yield "are 1..80 in the order of names, not COCO's own (1..90)", dict(enumerate(COCO_IDS, start=1))
        yield "are 0..79 in the order of names, not COCO's own (1..90)", dict(enumerate(COCO_IDS))


def _other_class_reading(pairs: _Pairs, category_ids: Iterable[int]) -> str | None:
    """As of boxes: true boxes that are hit by a box of their class, read as announced and read otherwise.

    Two classes must gain, because a detector may take one class for another.
    """
    is_hit = pairs.overlap(_ORDERS[ANNOUNCED](pairs.found)) >= HIT_IOU
    labels, true_labels = pairs.labels[is_hit], pairs.true_labels[is_hit]
    agreed = int((labels == true_labels).sum())
    gains = {name: _agreeing(labels, true_labels, mapped) for name, mapped in _class_readings(category_ids)}
    best = max(gains, key=lambda name: gains[name])
    if gains[best] < max(FEWEST_GAINED, TIMES_LOST * agreed):
        return None
    return (
        f"category_id must be the dataset's; these {best}: so read, {gains[best]} boxes have the class of the true box "
        f"that they lie on, and {agreed} as they stand; renumber them"
    )


def _agreeing(labels: Labels, true_labels: Labels, mapped: Mapping[int, int]) -> int:
    """How many labels are true when mapped; 0 where all are of one class."""
    agrees = np.array([mapped.get(int(label), -1) for label in labels], np.int64) == true_labels
    return int(agrees.sum()) if len(set(true_labels[agrees].tolist())) > 1 else 0

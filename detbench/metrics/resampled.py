"""COCO's twelve numbers for any multiset of pictures, many multisets at a time, from one matching.

A picture that is drawn w times counts as w pictures with the same boxes. The result equals pycocotools on the dataset
with the picture repeated w times, to 1e-12, ties between scores included.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.matching import AREAS, IOUS
from detbench.metrics.outcomes import Outcomes
from detbench.metrics.ranking import Ranking

RECALLS = np.linspace(0.0, 1.0, 101)

STAT_KEYS = (
    "map", "map50", "map75", "map_small", "map_medium", "map_large",
    "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip
"""Names of pycocotools' `stats`, in its order."""

_BLOCK = 64
"""Multisets in one piece of work."""

_SUMMED = 1 << 19
"""Numbers added up at a time, so that they stay in the processor's cache."""

_EVERY_COPY = 0

Numbers = NDArray[np.float64]

Draws = NDArray[np.integer[Any]]
"""How often each of N pictures is in each of B multisets, (B, N)."""


def coco_numbers(ranking: Ranking, draws: Draws, areas: Sequence[str] = tuple(AREAS)) -> dict[str, Numbers]:
    """COCO's numbers for B multisets of pictures: key → (B,), NaN where undefined; the keys are STAT_KEYS, in order.

    `draws` (B, N) says how often each of the N pictures is drawn. `areas` leaves size classes out, and with them their
    keys; "all" must be among them.
    """
    return {key: mean_over_classes(values) for key, values in numbers_by_class(ranking, draws, areas).items()}


def numbers_by_class(ranking: Ranking, draws: Draws, areas: Sequence[str] = tuple(AREAS)) -> dict[str, Numbers]:
    """The same of each class: key → (K, B), NaN for a class without true boxes among those drawn."""
    numbers: dict[str, Numbers] = {}
    by_area = {area: _per_class(ranking, draws, area) for area in areas}
    for area, (precision, recall) in by_area.items():
        numbers["map" if area == "all" else f"map_{area}"] = precision.mean(axis=0)
        numbers["ar100" if area == "all" else f"ar_{area}"] = recall[-1].mean(axis=0)
    precision, recall = by_area["all"]
    for key, iou in (("map50", 0.5), ("map75", 0.75)):
        numbers[key] = precision[int(np.isclose(IOUS, iou).argmax())]
    for key, within in (("ar1", 0), ("ar10", 1)):
        numbers[key] = recall[within].mean(axis=0)
    return {key: numbers[key] for key in STAT_KEYS if key in numbers}


def average_precision(ranking: Ranking, draws: Draws, area: str = "all") -> Numbers:
    """AP of each IoU and class, (T, K, B); NaN for a class without true boxes among those drawn."""
    return _per_class(ranking, draws, area)[0]


def interpolated_precision(ranking: Ranking) -> Numbers | None:
    """Precision at RECALLS, IoU .5, mean over the classes with true boxes: (101,); None where no class has any.

    At each recall the highest precision that it or any larger one has; 0 beyond the last one that is reached. Equals
    the mean of pycocotools' `precision[0, :, :, 0, -1]` to 1e-12.
    """
    from detbench.metrics.precision_curves import fill_curve, fill_hits, fill_needed, fill_weights

    positives, rows = ranking.true_boxes[0].sum(axis=0), _rows_that_count(ranking, 0, most=1)
    once = unit_weights(ranking.true_boxes.shape[1])[0].astype(np.int32)
    needed, curves = np.empty(len(RECALLS), np.int32), np.zeros((int((positives > 0).sum()), len(RECALLS)))
    weight, seen, hits, counted = np.empty((4, len(rows.pictures)), np.int32)
    for curve, category in zip(curves, np.flatnonzero(positives), strict=True):
        of_class = slice(*rows.classes[category : category + 2])
        at_50 = slice(*rows.bounds[0, category : category + 2])
        fill_needed(positives[category], RECALLS, needed)
        fill_weights(once, rows.pictures[of_class], rows.copies[of_class], weight[of_class], seen[of_class])
        length, *_, true = fill_hits(rows.events[at_50], rows.is_true[at_50], rows.ranks, weight, seen, hits, counted)
        fill_curve(hits[:length], counted[:length], true, needed, curve)
    return np.asarray(curves.mean(axis=0)) if len(curves) else None


def unit_weights(pictures: int) -> Draws:
    """The multiset that is the dataset itself: every picture once, (1, N)."""
    return np.ones((1, pictures), np.uint16)


def ratio(part: Numbers, whole: NDArray[np.float64] | NDArray[np.int64]) -> Numbers:
    """part / whole, NaN where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0))


def defined(value: np.float64) -> float | None:
    """A number as records have it: None for NaN."""
    return None if np.isnan(value) else float(value)


def _per_class(ranking: Ranking, draws: Draws, area: str) -> tuple[Numbers, Numbers]:
    """Average precision of each IoU and class, (T, K, B), and recall within each of LIMITS, (3, T, K, B)."""
    from detbench.metrics.precision_curves import curve_means

    index = list(AREAS).index(area)
    positives = _positives(ranking, draws, index)
    rows = _rows_that_count(ranking, index, int(draws.max(initial=0)))
    shape = (ranking.outcomes.ious, *positives.shape)
    precision, recall = np.empty(shape), np.empty((3, *shape))

    def work(some: slice) -> None:
        precision[..., some], found = curve_means(
            draws[some].astype(np.int32), np.ascontiguousarray(positives[:, some]), RECALLS, *rows.arrays()
        )
        recall[..., some] = found / np.maximum(positives[:, some], 1)

    blocks = [slice(first, first + _BLOCK) for first in range(0, len(draws), _BLOCK)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # compiled code holds no lock
        list((pool.map if len(blocks) > 1 else map)(work, blocks))
    undefined = np.broadcast_to(positives == 0, shape)
    precision[undefined] = recall[:, undefined] = np.nan
    return precision, recall


def _positives(ranking: Ranking, draws: Draws, area: int) -> NDArray[np.int64]:
    """True boxes to find among the drawn pictures, (K, B)."""
    return weighted_counts(ranking.true_boxes[area], draws)


def weighted_counts(counts: NDArray[np.int64], draws: Draws) -> NDArray[np.int64]:
    """What is counted in each picture, (N, K), over B multisets of them: (K, B)."""
    return np.rint(weighted_sums(counts.astype(np.float64), draws)).astype(np.int64)  # floats multiply by BLAS


def weighted_sums(values: Numbers, draws: Draws) -> Numbers:
    """Numbers of each picture, (N, K), added up over B multisets of them: (K, B)."""
    step = max(1, _SUMMED // max(1, draws.shape[1]))
    blocks = [values.T @ draws[first : first + step].T.astype(np.float64) for first in range(0, len(draws), step)]
    return np.concatenate([np.empty((values.shape[1], 0)), *blocks], axis=1)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The boxes of a size class that can change a number, as `curve_means` has them, and their events."""

    pictures: NDArray[np.int32]
    copies: NDArray[np.int32]
    ranks: NDArray[np.uint8]
    classes: NDArray[np.int64]
    events: NDArray[np.int32]
    is_true: NDArray[np.bool_]
    bounds: NDArray[np.int64]

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The columns in the order of `curve_means`."""
        return self.pictures, self.copies, self.ranks, self.classes, self.events, self.is_true, self.bounds


def _rows_that_count(ranking: Ranking, area: int, most: int) -> _Rows:
    """The rows without those that are skipped throughout or stand behind the last true one of their class.

    No picture is drawn more than `most` times; see `_unrolled`.
    """
    from detbench.metrics.precision_curves import events_of

    outcomes = ranking.outcomes.of_size(area)
    rows = np.flatnonzero(~outcomes.always_skipped())
    copies = np.zeros(len(rows), np.int32)
    if most > 1:
        rows, copies = _unrolled(ranking, outcomes, rows, most)
    category = ranking.category[rows]
    true = np.flatnonzero(outcomes.ever_true()[rows])
    last = np.full(ranking.true_boxes.shape[2], -1)
    last[category[true]] = true  # ascending, so that the last one stays
    kept = np.arange(len(rows)) <= last[category]
    rows, copies = rows[kept], copies[kept]
    classes = np.searchsorted(category[kept], np.arange(len(last) + 1))
    return _Rows(
        ranking.picture[rows].astype(np.uint32),
        copies,
        ranking.rank[rows].astype(np.uint8),
        classes,
        *events_of(outcomes.true[0], outcomes.skipped[0], outcomes.ious, rows, classes),
    )


def _unrolled(
    ranking: Ranking, outcomes: Outcomes, rows: NDArray[np.int64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The rows, and which copy of its picture each stands for: _EVERY_COPY, or 1, 2, …, `most`.

    Boxes of one picture and class with equal scores keep together when the picture is repeated: right, wrong, right,
    wrong is not right, right, wrong, wrong. Only such ties of unlike boxes are written out copy by copy.
    """
    columns = (each[rows] for each in (ranking.category, ranking.picture, ranking.scores))
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = np.any([np.diff(column) != 0 for column in columns], axis=0)
    tie = np.cumsum(starts) - 1
    differs = outcomes[rows].unlike_before() & ~starts
    is_mixed = np.isin(tie, tie[differs])
    copies = np.where(is_mixed, most, 1)
    place = np.repeat(np.arange(len(rows)), copies)
    copy = np.arange(len(place)) - np.repeat(np.cumsum(copies) - copies, copies) + 1
    copy[~is_mixed[place]] = _EVERY_COPY
    order = np.lexsort((place, copy, tie[place]))
    return rows[place[order]], copy[order].astype(np.int32)


def mean_over_classes(values: Numbers) -> Numbers:
    """Mean over the classes that are defined, (K, B) → (B,); NaN where none is."""
    is_defined = ~np.isnan(values)
    return ratio(np.where(is_defined, values, 0.0).sum(axis=0), is_defined.sum(axis=0))

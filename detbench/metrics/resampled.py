"""COCO's twelve numbers for any multiset of pictures, many multisets at a time, from one matching.

A picture that is drawn w times counts as w pictures with the same boxes. The result equals pycocotools on the dataset
with the picture repeated w times, to 1e-12, ties between scores included.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.matching import AREAS, IOUS
from detbench.metrics.outcomes import SKIPPED, TRUE
from detbench.metrics.ranking import Indices, Ranking

RECALLS = np.linspace(0.0, 1.0, 101)

STAT_KEYS = (
    "map", "map50", "map75", "map_small", "map_medium", "map_large",
    "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip
"""Names of pycocotools' `stats`, in its order."""

_BLOCK = 1 << 19
"""Numbers worked on at a time, so that they stay in the processor's cache."""

_EVERY_COPY = 0

Numbers = NDArray[np.float64]

Draws = NDArray[np.integer[Any]]
"""How often each of N pictures is in each of B multisets, (B, N)."""


def coco_numbers(ranking: Ranking, draws: Draws, areas: Sequence[str] = tuple(AREAS)) -> dict[str, Numbers]:
    """COCO's numbers for B multisets of pictures: key → (B,), NaN where undefined; the keys are STAT_KEYS, in order.

    `draws` (B, N) says how often each of the N pictures is drawn. `areas` leaves size classes out, and with them their
    keys; "all" must be among them.
    """
    return numbers_and_classes(ranking, draws, areas)[0]


def numbers_and_classes(
    ranking: Ranking, draws: Draws, areas: Sequence[str] = tuple(AREAS)
) -> tuple[dict[str, Numbers], Numbers]:
    """The same, and mAP of each class, (K, B); NaN for a class without true boxes among those drawn."""
    numbers: dict[str, Numbers] = {}
    by_area = {area: _per_class(ranking, draws, area) for area in areas}
    for area, (precision, recall) in by_area.items():
        numbers["map" if area == "all" else f"map_{area}"] = _mean_over_classes(precision.mean(axis=0))
        numbers["ar100" if area == "all" else f"ar_{area}"] = _mean_over_classes(recall.mean(axis=0))
    precision = by_area["all"][0]
    for key, iou in (("map50", 0.5), ("map75", 0.75)):
        numbers[key] = _mean_over_classes(precision[int(np.isclose(IOUS, iou).argmax())])
    for most in (1, 10):
        numbers[f"ar{most}"] = _mean_over_classes(_recall(ranking, draws, "all", most).mean(axis=0))
    return {key: numbers[key] for key in STAT_KEYS if key in numbers}, precision.mean(axis=0)


def average_precision(ranking: Ranking, draws: Draws, area: str = "all") -> Numbers:
    """AP of each IoU and class, (T, K, B); NaN for a class without true boxes among those drawn."""
    return _per_class(ranking, draws, area)[0]


def interpolated_precision(ranking: Ranking) -> Numbers | None:
    """Precision at RECALLS, IoU .5, mean over the classes with true boxes: (101,); None where no class has any.

    At each recall the highest precision that it or any larger one has; 0 beyond the last one that is reached. Equals
    the mean of pycocotools' `precision[0, :, :, 0, -1]` to 1e-12.
    """
    positives = ranking.true_boxes[0].sum(axis=0)
    curves = np.zeros((int((positives > 0).sum()), len(RECALLS)))
    for curve, category in zip(curves, np.flatnonzero(positives), strict=True):
        outcomes, pictures, _ = _rows_that_count(ranking, 0, np.arange(*_class_bounds(ranking)[category]), most=1)
        once = unit_weights(len(pictures))
        for _, _, height, gained in _steps(outcomes[:1], once, positives[[category]]):
            reached = np.repeat(height[0], gained[0])
            curve[: len(reached)] = reached
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
    """Average precision and recall of each IoU and class, each (T, K, B)."""
    index = list(AREAS).index(area)
    positives = _positives(ranking, draws, index)
    shape = (ranking.outcomes.ious, *positives.shape)
    precision, recall = np.zeros(shape), np.zeros(shape)
    most = int(draws.max(initial=0))
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # nearly all of it is inside numpy
        for category, (begin, end) in enumerate(_class_bounds(ranking)):
            outcomes, pictures, copy = _rows_that_count(ranking, index, np.arange(begin, end), most)
            step = max(1, _BLOCK // max(1, len(pictures)))
            blocks = [slice(first, first + step) for first in range(0, len(draws), step)]
            of_block = partial(_curves_of, outcomes, pictures, copy, draws, positives[category])
            for some, curves in zip(blocks, (pool.map if len(blocks) > 1 else map)(of_block, blocks), strict=True):
                precision[:, category, some], recall[:, category, some] = curves
    undefined = np.broadcast_to(positives == 0, shape)
    precision[undefined] = recall[undefined] = np.nan
    return precision, recall


def _positives(ranking: Ranking, draws: Draws, area: int) -> NDArray[np.int64]:
    """True boxes to find among the drawn pictures, (K, B)."""
    return weighted_counts(ranking.true_boxes[area], draws)


def weighted_counts(counts: NDArray[np.int64], draws: Draws) -> NDArray[np.int64]:
    """What is counted in each picture, (N, K), over B multisets of them: (K, B)."""
    return np.rint(weighted_sums(counts.astype(np.float64), draws)).astype(np.int64)  # floats multiply by BLAS


def weighted_sums(values: Numbers, draws: Draws) -> Numbers:
    """Numbers of each picture, (N, K), added up over B multisets of them: (K, B)."""
    step = max(1, _BLOCK // max(1, draws.shape[1]))
    blocks = [values.T @ draws[first : first + step].T.astype(np.float64) for first in range(0, len(draws), step)]
    return np.concatenate([np.empty((values.shape[1], 0)), *blocks], axis=1)


def _class_bounds(ranking: Ranking) -> list[tuple[int, int]]:
    classes = np.arange(ranking.true_boxes.shape[2])
    begin, end = (np.searchsorted(ranking.category, classes, side) for side in ("left", "right"))
    return list(zip(begin.tolist(), end.tolist(), strict=True))


def _rows_that_count(
    ranking: Ranking, area: int, rows: NDArray[np.int64], most: int
) -> tuple[NDArray[np.uint8], Indices, NDArray[np.int64]]:
    """Outcomes (T, D), pictures (D,) and copies (D,), see _unrolled, of the rows of one class, without those that are
    skipped throughout or stand behind the last true one.
    """
    outcomes = ranking.outcomes.of_area(area, rows)
    kept = np.flatnonzero((outcomes != SKIPPED).any(axis=0))
    rows, outcomes = rows[kept], outcomes[:, kept]
    if most < 2:
        place, copy = np.arange(len(rows)), np.full(len(rows), _EVERY_COPY)
    else:
        place, copy = _unrolled(ranking.picture[rows], ranking.scores[rows], outcomes, most)
    true = np.flatnonzero((outcomes == TRUE).any(axis=0)[place])
    place = place[: true[-1] + 1 if len(true) else 0]
    return outcomes[:, place], ranking.picture[rows[place]], copy[: len(place)]


def _unrolled(
    picture: Indices, scores: Numbers, outcomes: NDArray[np.uint8], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of one class's rows, and which copy of its picture each stands for: _EVERY_COPY, or 1, 2, …, `most`.

    Boxes of one picture and class with equal scores keep together when the picture is repeated: right, wrong, right,
    wrong is not right, right, wrong, wrong. Only such ties of unlike boxes are written out copy by copy.
    """
    starts = np.ones(len(scores), np.bool_)
    starts[1:] = (np.diff(picture) != 0) | (np.diff(scores) != 0)
    tie = np.cumsum(starts) - 1
    differs = (outcomes[:, 1:] != outcomes[:, :-1]).any(axis=0) & ~starts[1:]
    is_mixed = np.isin(tie, tie[1:][differs])
    if not is_mixed.any():
        return np.arange(len(scores)), np.full(len(scores), _EVERY_COPY)
    copies = np.where(is_mixed, most, 1)
    place = np.repeat(np.arange(len(scores)), copies)
    copy = np.arange(len(place)) - np.repeat(np.cumsum(copies) - copies, copies) + 1
    copy[~is_mixed[place]] = _EVERY_COPY
    order = np.lexsort((place, copy, tie[place]))
    return place[order], copy[order]


def _weights(draws: Draws, pictures: Indices, copy: NDArray[np.int64]) -> Draws:
    """How often each row counts in each multiset, (B, D)."""
    weights = np.take(draws, pictures, axis=1)
    single = np.flatnonzero(copy != _EVERY_COPY)
    weights[:, single] = weights[:, single] >= copy[single]
    return weights


def _curves_of(
    outcomes: NDArray[np.uint8],
    pictures: Indices,
    copy: NDArray[np.int64],
    draws: Draws,
    positives: NDArray[np.int64],
    some: slice,
) -> tuple[Numbers, Numbers]:
    """`_curves` over some of the draws."""
    return _curves(outcomes, _weights(draws[some], pictures, copy), positives[some])


def _curves(outcomes: NDArray[np.uint8], weights: Draws, positives: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Average precision and recall of one class, each (T, B).

    Precision is raised to the highest that any larger recall has, and averaged over RECALLS. `outcomes` (T, D),
    `weights` (B, D), `positives` (B,).
    """
    precision, recall = np.zeros((len(outcomes), len(weights))), np.zeros((len(outcomes), len(weights)))
    for iou, true, height, gained in _steps(outcomes, weights, positives):
        precision[iou] = np.einsum("bj,bj->b", height, gained) / len(RECALLS)
        recall[iou] = true[:, -1] / np.maximum(positives, 1)
    return precision, recall


def _steps(
    outcomes: NDArray[np.uint8], weights: Draws, positives: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.int32], Numbers, NDArray[np.uint8]]]:
    """For each IoU that has true boxes, its index and three columns (B, J) by true box, surest first: how many are true
    so far, the highest precision from here on, and how many of RECALLS it is the first to reach.

    Only true boxes carry recall further, so the others are left out.
    """
    reached, offset = _recalls_reached(positives)
    counts = seen = None
    for iou, row in enumerate(outcomes):
        if counts is None or not np.array_equal(counts, row != SKIPPED):
            counts = row != SKIPPED
            seen = np.cumsum(weights if counts.all() else weights * counts, axis=1, dtype=np.int32)
        hits = np.flatnonzero(row == TRUE)
        if not len(hits) or seen is None:
            continue
        true = np.cumsum(weights[:, hits], axis=1, dtype=np.int32)
        gained = reached.take(true + offset)
        gained[:, 1:] -= gained[:, :-1].copy()
        height = true / np.maximum(seen[:, hits], 1)
        yield iou, true, np.maximum.accumulate(height[:, ::-1], axis=1)[:, ::-1], gained


def _recalls_reached(positives: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """How many of RECALLS are reached with 0, 1, 2, … true boxes, as one table, and where in it each multiset begins
    (B, 1).

    Zero true boxes reach none, not even recall 0: there is no precision to read there.
    """
    totals, which = np.unique(positives, return_inverse=True)
    width = int(totals.max(initial=0)) + 1
    found = np.arange(width) / np.maximum(totals, 1)[:, None]
    reached = np.searchsorted(RECALLS, found.ravel(), side="right").reshape(found.shape).astype(np.uint8)
    reached[:, 0] = 0
    return reached.ravel(), (which * width).astype(np.int32)[:, None]


def _recall(ranking: Ranking, draws: Draws, area: str, most: int) -> Numbers:
    """Recall of each IoU and class with at most so many boxes a picture and class, (T, K, B)."""
    index = list(AREAS).index(area)
    positives = _positives(ranking, draws, index)
    kept = np.flatnonzero(ranking.rank < most)
    place = ranking.picture[kept].astype(np.int64) * len(positives) + ranking.category[kept]
    found = []
    for is_true in ranking.outcomes.of_area(index, kept) == TRUE:
        counts = np.bincount(place[is_true], minlength=draws.shape[1] * len(positives))
        found.append(weighted_counts(counts.reshape(draws.shape[1], -1), draws))
    return ratio(np.array(found, np.float64), np.broadcast_to(positives, (len(found), *positives.shape)))


def _mean_over_classes(values: Numbers) -> Numbers:
    """Mean over the classes that are defined, (K, B) → (B,); NaN where none is."""
    is_defined = ~np.isnan(values)
    return ratio(np.where(is_defined, values, 0.0).sum(axis=0), is_defined.sum(axis=0))

"""COCO's tables of precision and recall, which its twelve numbers are means of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.outcomes import SKIPPED, TRUE
from detbench.metrics.ranking import AREAS, IOUS, MAX_FOUND, Indices, Ranking

RECALLS = np.linspace(0.0, 1.0, 101)
MOST_FOUND = (1, 10, MAX_FOUND)
"""Recall is asked for with so many boxes a picture and class, the surest first."""


@dataclass(frozen=True, eq=False)
class Tables:
    """`precision` (T, R, K, A) by IOUS, RECALLS, class and AREAS, raised to the highest that any larger recall has, 0
    beyond the last recall that is reached; `recall` (T, K, A, M) by MOST_FOUND too. NaN for a class and size without
    true boxes.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def tables(ranking: Ranking) -> Tables:
    """Add up a ranking; every number is that of pycocotools' `eval["precision"][..., -1]` and `eval["recall"]`, to the
    last bit.
    """
    positives = ranking.true_boxes.sum(axis=1)
    classes = positives.shape[1]
    precision = np.empty((len(IOUS), len(RECALLS), classes, len(AREAS)))
    recall = np.empty((len(IOUS), classes, len(AREAS), len(MOST_FOUND)))
    for area, of_class in enumerate(positives):
        needed = _needed(of_class)
        for iou, outcomes in enumerate(ranking.outcomes.of_area(area)):
            hits = np.flatnonzero(outcomes == TRUE)
            precision[iou, :, :, area] = _precision(ranking.category, outcomes, hits, needed).T
            for index, most in enumerate(MOST_FOUND):
                found = np.bincount(ranking.category[hits[ranking.rank[hits] < most]], minlength=classes)
                recall[iou, :, area, index] = found / np.maximum(of_class, 1)
    undefined = (positives == 0).T
    precision[:, :, undefined] = recall[:, undefined] = np.nan
    return Tables(precision, recall)


def _needed(positives: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many true boxes must be found, at least one, to reach each of RECALLS, by class: (K, R)."""
    return np.array([np.searchsorted(np.arange(1, count + 1) / max(count, 1), RECALLS) + 1 for count in positives])


def _precision(
    category: Indices, outcomes: NDArray[np.uint8], hits: NDArray[np.int64], needed: NDArray[np.int64]
) -> NDArray[np.float64]:
    """One IoU's and size's, (K, R). Precision falls between hits, so that only they are looked at."""
    classes, of_hit = np.arange(len(needed)), category[hits]
    first, last = (np.searchsorted(of_hit, classes, side)[:, None] for side in ("left", "right"))
    counted = np.append(0, np.cumsum(outcomes != SKIPPED))
    seen = counted[hits + 1] - counted[np.searchsorted(category, classes)[of_hit]]
    found = np.arange(1, len(hits) + 1) - first[of_hit, 0]
    # pycocotools adds the spacing of 1 to the divisor; it shows where one box was seen.
    heights = np.append(found / (seen + np.spacing(1)), 0.0)
    at = np.minimum(first + needed - 1, last)
    highest = np.maximum.reduceat(heights, at.ravel()).reshape(at.shape)
    highest[at == last] = 0.0
    return np.maximum.accumulate(highest[:, ::-1], axis=1)[:, ::-1]

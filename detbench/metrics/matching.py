"""Matching found boxes to true ones, once; precision, recall and F1 are short functions of the matches."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.core.boxes import iou
from detbench.types import Detections, GroundTruth

FALSE_POSITIVE, IGNORED = -1, -2


@dataclass(frozen=True, eq=False)
class Matches:
    """One picture's matches: `partner` (N found,) is the index of the true box that each found box took,
    FALSE_POSITIVE, or IGNORED (it lies on a crowd region); `scores` (N found,) stand beside it;
    `true_boxes` counts the true boxes that are no crowd.
    """

    partner: NDArray[np.int64]
    scores: NDArray[np.float64]
    true_boxes: int


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and missed true boxes at one confidence."""

    tp: int
    fp: int
    fn: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)


def match(truth: GroundTruth, found: Detections, min_iou: float) -> Matches:
    """Match within each class, best score first, as COCO does (Lin et al. 2014).

    A found box takes the free true box that it overlaps most, from `min_iou` on, and of equals the last; one that
    finds none but lies on a crowd region by as much is ignored. Cutting the result at a confidence equals matching
    what is above it.
    """
    overlaps = iou(found.boxes, truth.boxes, truth.crowd)
    overlaps[found.labels[:, None] != truth.labels[None, :]] = 0
    single, crowd = overlaps * ~truth.crowd, overlaps * truth.crowd
    partner = np.where(_best(crowd) >= min_iou, IGNORED, FALSE_POSITIVE).astype(np.int64)
    by_score = np.argsort(-found.scores, kind="stable")
    for index in by_score[_best(single)[by_score] >= min_iou]:  # taken boxes leave overlaps smaller, never larger
        if single[index].max() >= min_iou:
            partner[index] = np.flatnonzero(single[index] == single[index].max())[-1]
            single[:, partner[index]] = 0
    return Matches(partner, found.scores, int((~truth.crowd).sum()))


def count(matches: Matches, confidence: float) -> Counts:
    """What remains of one picture's matches at and above a confidence."""
    kept = matches.partner[matches.scores >= confidence]
    tp = int((kept >= 0).sum())
    return Counts(tp, int((kept == FALSE_POSITIVE).sum()), matches.true_boxes - tp)


def is_found(matches: Matches, confidence: float, true_boxes: int) -> NDArray[np.bool_]:
    """Which of a picture's true boxes, crowd regions among them, something took at and above a confidence, (M,)."""
    return np.isin(np.arange(true_boxes), matches.partner[matches.scores >= confidence])


def total(counts: Iterable[Counts]) -> Counts:
    """The sum over pictures."""
    return sum(counts, Counts(0, 0, 0))


def precision(counts: Counts) -> float | None:
    """TP / (TP + FP), in 0..1; None where nothing was found."""
    return _ratio(counts.tp, counts.tp + counts.fp)


def recall(counts: Counts) -> float | None:
    """TP / (TP + FN), in 0..1; None where there is nothing to find."""
    return _ratio(counts.tp, counts.tp + counts.fn)


def f1(counts: Counts) -> float | None:
    """2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall; None where both sides are empty."""
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _best(overlaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each found box's largest overlap, shape (N found,); 0 where there is nothing to overlap."""
    return np.asarray(overlaps.max(axis=1, initial=0.0))

"""An arm at a confidence of its own, and what its confidences are worth.

Restoration moves a detector's scores, so that one fixed confidence compares arms at unlike points. All numbers are over
all classes and pictures, at IoU MATCH_IOU; boxes on crowd regions count nowhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.matching import IGNORED, Matches
from detbench.metrics.precision_recall import precision_recall_f1
from detbench.metrics.resampled import Draws, Numbers, ratio, unit_weights

CALIBRATION_EDGES = np.linspace(0.0, 1.0, 11)
"""Bounds of ten bins of equal width; a lower bound belongs to its bin, and 1 to the last."""

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Calibration:
    """Found boxes by their confidence: `boxes` (10,) in each bin, their mean confidence and the share of true ones,
    (10,) each, NaN in an empty bin.
    """

    boxes: NDArray[np.int64]
    mean_confidence: Numbers
    true_share: Numbers

    @property
    def error(self) -> float | None:
        """The expected calibration error, 0..1: the mean distance of confidence from share of true boxes, each bin by
        its boxes (Guo et al., On Calibration of Modern Neural Networks, ICML 2017). None where nothing was found.
        """
        if not self.boxes.sum():
            return None
        filled = self.boxes > 0
        distance = np.abs(self.mean_confidence - self.true_share)[filled]
        return float(np.average(distance, weights=self.boxes[filled]))


def best_f1_confidence(matches: Matches) -> float | None:
    """The confidence from which boxes count where F1 is highest, of equals the highest; one of the scores.

    None where nothing was found, or nothing is there to find.
    """
    scores, ratios = _at_each_score(matches)
    if not len(scores) or matches.truth.crowd.all():
        return None
    return float(scores[np.argmax(ratios["f1"])])


def best_f1(matches: Matches, draws: Draws) -> Numbers:
    """The highest F1, 0..1, of any confidence over B multisets of the pictures, each at its own, (B,); NaN where
    nothing was found, or nothing is there to find.
    """
    _, multisets = _over_multisets(matches, draws)
    f1 = (np.where(np.isnan(ratios["recall"]), np.nan, ratios["f1"]) for ratios in multisets)
    return np.array([np.fmax.reduce(values, initial=np.nan) for values in f1])


def recall_at_precision(matches: Matches, precision: float) -> float | None:
    """The highest recall, 0..1, of any confidence at which at least `precision` is reached; 0 where it never is.

    None where nothing is there to find, or the precision is undefined (NaN).
    """
    if matches.truth.crowd.all() or np.isnan(precision):
        return None
    _, ratios = _at_each_score(matches)
    reached = ratios["recall"][ratios["precision"] >= precision - _ROUNDING]
    return float(reached.max(initial=0.0))


def calibration(matches: Matches) -> Calibration:
    """How the confidences of an arm's found boxes compare with how many of them are true."""
    counted = matches.partner != IGNORED
    scores, is_true = matches.found.scores[counted], matches.partner[counted] >= 0
    bins = len(CALIBRATION_EDGES) - 1
    place = np.clip(np.searchsorted(CALIBRATION_EDGES, scores, side="right") - 1, 0, bins - 1)
    boxes = np.bincount(place, minlength=bins)
    confidence, true = (np.bincount(place, sums, bins).astype(np.float64) for sums in (scores, is_true))
    return Calibration(boxes, ratio(confidence, boxes), ratio(true, boxes))


def _at_each_score(matches: Matches) -> tuple[Numbers, dict[str, Numbers]]:
    """Every score that there is, falling, (S,), and precision, recall and F1 of the boxes from it on, (S,) each."""
    scores, (ratios,) = _over_multisets(matches, unit_weights(len(matches.truth.image_ids)))
    return scores, ratios


def _over_multisets(matches: Matches, draws: Draws) -> tuple[Numbers, Iterator[dict[str, Numbers]]]:
    """The same over B multisets of the pictures, one after the other."""
    counted = matches.partner != IGNORED
    order = np.flatnonzero(counted)[np.argsort(-matches.found.scores[counted], kind="stable")]
    scores, picture, is_true = matches.found.scores[order], matches.found.picture[order], matches.partner[order] >= 0
    last_of_tie = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    positive_pictures = matches.truth.picture[~matches.truth.crowd]

    def ratios(weights: Draws) -> dict[str, Numbers]:
        found = weights[picture].astype(np.int64)
        tp, every = np.cumsum(found * is_true)[last_of_tie], np.cumsum(found)[last_of_tie]
        return precision_recall_f1(tp, every - tp, int(weights[positive_pictures].sum()) - tp)

    return scores[last_of_tie], map(ratios, draws)

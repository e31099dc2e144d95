"""Precision against recall, and both against the confidence asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.coco_tables import tables
from detbench.metrics.matching import FALSE_POSITIVE, Counts, Matches
from detbench.metrics.ranking import Ranking

CONFIDENCES = np.round(np.arange(0.05, 1.0, 0.05), 2)
"""Where the sweep looks; the stated confidence is one of them."""


@dataclass(frozen=True)
class SweepPoint:
    """What precision, recall and F1 are made of at one confidence."""

    confidence: float
    counts: Counts


def precision_recall(ranking: Ranking) -> NDArray[np.float64] | None:
    """COCO's interpolated precision at RECALLS, IoU .5, mean over the classes with true boxes: (101,).

    At each recall the highest precision that it or any larger one has; 0 beyond the last one that is reached. None
    without true boxes. Equals the mean of pycocotools' `precision[0, :, :, 0, -1]` to 1e-12.
    """
    at_50 = tables(ranking).precision[0, :, :, 0]
    defined = at_50[:, ~np.isnan(at_50[0])]
    return np.asarray(defined.mean(axis=1)) if defined.size else None


def confidence_sweep(pictures: Sequence[Matches]) -> tuple[SweepPoint, ...]:
    """Counts over all pictures at each of CONFIDENCES; precision, recall and F1 follow from them."""
    partner = np.concatenate([np.empty(0, np.int64), *(matches.partner for matches in pictures)])
    scores = np.concatenate([np.empty(0), *(matches.scores for matches in pictures)])
    true_boxes = sum(matches.true_boxes for matches in pictures)
    points = []
    for confidence in CONFIDENCES.tolist():
        kept = partner[scores >= confidence]
        tp = int((kept >= 0).sum())
        points.append(SweepPoint(confidence, Counts(tp, int((kept == FALSE_POSITIVE).sum()), true_boxes - tp)))
    return tuple(points)

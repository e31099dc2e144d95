"""Precision, recall and F1 from counts, and how they change with the confidence from which a box counts."""

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.matching import Matches
from detbench.metrics.resampled import Numbers, ratio

CONFIDENCES = np.round(np.arange(0.05, 1.0, 0.05), 2)
"""The points of the sweep; the stated confidence is one of them."""


def precision_recall_f1(tp: NDArray[np.int64], fp: NDArray[np.int64], fn: NDArray[np.int64]) -> dict[str, Numbers]:
    """The three ratios of true positives, false positives and missed true boxes, each of their shape and in 0..1.

    Precision is TP / (TP + FP), recall TP / (TP + FN), and F1 = 2 TP / (2 TP + FP + FN) their harmonic mean; each is
    NaN where its divisor is 0.
    """
    true = tp.astype(np.float64)
    return {"precision": ratio(true, tp + fp), "recall": ratio(true, tp + fn), "f1": ratio(2 * true, 2 * tp + fp + fn)}


def confidence_sweep(matches: Matches) -> dict[str, Numbers]:
    """Precision, recall and F1 over all pictures at each of CONFIDENCES, (19,) each; NaN where undefined."""
    counts = [matches.counts(confidence).sum(axis=0) for confidence in CONFIDENCES.tolist()]
    return precision_recall_f1(*np.array(counts, np.int64).T)

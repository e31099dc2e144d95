"""`analysis.json`: where an arm's mAP is won and lost, as one value per arm.

    errors             by kind (see metrics/error_kinds.py): `count`, and `cost` in mAP50
    classes            by name: `boxes`, and mAP with its interval
    blur               pictures by the strength of their blur: bounds in pixels, `pictures`, and mAP with its interval
    relative_blur      true boxes by blur beside their size: the strength of their picture's blur divided by the square
                       root of the box's area, both in pixels; bounds of that ratio, `objects`, the `pictures` that hold
                       them, and recall with its interval over these pictures, at the stated confidence and IoU .5
    precision_recall   interpolated precision at recalls 0, .01, …, 1 (IoU .5, mean over classes)
    confidence_sweep   precision, recall and F1 at confidences .05, .10, …, .95 (IoU .5)
    operating_point    `best_confidence`, from which on F1 is highest, and `f1` there with its interval,
                       the choice of the confidence included; `recall_at_blurred_precision`: the highest recall at which
                       precision is that of the blurred arm at the stated confidence; `calibration_error` of the
                       confidences and `calibration`, ten bins of them: `boxes`, `mean_confidence`, `true_share`
                       (IoU .5)

A number that is undefined is null. `blur` and `relative_blur` are empty where the blur of some picture is unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, Arm
from detbench.core.fingerprints import code_identity
from detbench.evaluation.measure.measured import ArmPicture
from detbench.evaluation.score.arm_evidence import matches_of
from detbench.evaluation.score.cached_numbers import CachedNumbers
from detbench.metrics.columns import TrueColumns
from detbench.metrics.error_kinds import error_kinds
from detbench.metrics.jackknifed import estimated
from detbench.metrics.matching import Matches
from detbench.metrics.operating_points import best_f1, best_f1_confidence, calibration, recall_at_precision
from detbench.metrics.precision_recall import CONFIDENCES, confidence_sweep, precision_recall_f1
from detbench.metrics.ranking import Ranking
from detbench.metrics.resampled import (
    average_precision,
    coco_numbers,
    defined,
    interpolated_precision,
    ratio,
    weighted_sums,
)
from detbench.metrics.specs import METRICS
from detbench.results.cache import Record

BLUR_EDGES_PX = (0.0, 8.0, 18.0, 30.0, float("inf"))
"""Bins of a picture's blur; a lower bound belongs to its bin."""

RELATIVE_BLUR_EDGES = (0.0, 0.125, 0.25, 0.5, 1.0, float("inf"))
"""Bins of blur beside the size of an object: from 1 on the blur is longer than the object."""


def analysis_of(numbers: CachedNumbers, arm: Arm, pictures: Sequence[ArmPicture], classes: Mapping[int, str]) -> Record:
    """One arm's part of `analysis.json`; see the top of this file."""
    evidence = numbers.arms[arm]
    rows = sorted(pictures, key=lambda row: row.sample.id)
    severities_px = [row.sample.blur.severity_px if row.sample.blur else None for row in rows]
    depends_on = {
        "arm": evidence.sha256,
        "blurred": numbers.arms[BLURRED].sha256,
        "severities_px": severities_px,
        "classes": list(classes.items()),
        **code_identity(analysis_of),
    }

    def compute() -> Record:
        matches, ranking = matches_of(pictures, numbers.truth), evidence.evidence.ranking
        curve = interpolated_precision(ranking)
        return {
            "errors": {kind: asdict(error) for kind, error in error_kinds(numbers.truth, matches.found).items()},
            "classes": dict(_classes(numbers, ranking, classes)),
            "blur": list(_blur_bins(numbers, ranking, severities_px)),
            "relative_blur": list(_relative_blur_bins(numbers, evidence.is_taken, severities_px)),
            "precision_recall": None if curve is None else curve.tolist(),
            "confidence_sweep": list(_sweep(matches)),
            "operating_point": _operating_point(numbers, matches),
        }

    return numbers.kept("analysis", depends_on, compute)


def _sweep(matches: Matches) -> Iterator[dict[str, Any]]:
    ratios = confidence_sweep(matches)
    for place, confidence in enumerate(CONFIDENCES.tolist()):
        yield {"confidence": confidence, **{key: defined(values[place]) for key, values in ratios.items()}}


def _operating_point(numbers: CachedNumbers, matches: Matches) -> dict[str, Any]:
    f1 = best_f1(matches, numbers.jackknifed.weights)
    blurred = precision_recall_f1(*numbers.arms[BLURRED].counts.sum(axis=0, keepdims=True).T)
    found = calibration(matches)
    columns = (found.boxes.tolist(), found.mean_confidence.tolist(), found.true_share.tolist())
    return {
        "best_confidence": best_f1_confidence(matches),
        "f1": asdict(estimated(defined(f1[0]), len(numbers.truth.image_ids), f1, METRICS["f1"].limits)),
        "recall_at_blurred_precision": recall_at_precision(matches, float(blurred["precision"][0])),
        "calibration_error": found.error,
        "calibration": [
            {"boxes": int(boxes), "mean_confidence": defined(confidence), "true_share": defined(share)}
            for boxes, confidence, share in zip(*columns, strict=True)
        ],
    }


def _classes(
    numbers: CachedNumbers, ranking: Ranking, classes: Mapping[int, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    values = average_precision(ranking, numbers.jackknifed.weights).mean(axis=0)
    boxes, images = ranking.true_boxes[0].sum(axis=0), len(numbers.truth.image_ids)
    for index, number in enumerate(numbers.truth.category_ids.tolist()):
        estimate = estimated(defined(values[index, 0]), images, values[index], METRICS["map"].limits)
        yield classes[number], {"boxes": int(boxes[index]), "map": asdict(estimate)}


def _blur_bins(
    numbers: CachedNumbers, ranking: Ranking, severities_px: Sequence[float | None]
) -> Iterator[dict[str, Any]]:
    """mAP over the pictures of each bin; none where the strength of some picture's blur is unknown."""
    if None in severities_px:
        return
    severity_px = np.array(severities_px, np.float64)
    for low, high in pairwise(BLUR_EDGES_PX):
        inside = ((severity_px >= low) & (severity_px < high)).astype(np.uint8)
        values = coco_numbers(ranking, numbers.jackknifed.weights * inside, ("all",))["map"]
        estimate = estimated(defined(values[0]), int(inside.sum()), values, METRICS["map"].limits)
        yield {
            "from_px": low,
            "to_px": None if np.isinf(high) else high,
            "pictures": int(inside.sum()),
            "map": asdict(estimate),
        }


def _relative_blur_bins(
    numbers: CachedNumbers, is_taken: NDArray[np.bool_], severities_px: Sequence[float | None]
) -> Iterator[dict[str, Any]]:
    """Recall over the true boxes of each bin, crowd regions and boxes without area aside; `is_taken` (M,) says which
    were found. None where the strength of some picture's blur is unknown.
    """
    if None in severities_px:
        return
    truth = numbers.truth
    sizes_px = np.sqrt(truth.boxes_xywh[:, 2:].prod(axis=1))
    relative = ratio(np.array(severities_px, np.float64)[truth.picture], sizes_px)
    for low, high in pairwise(RELATIVE_BLUR_EDGES):
        inside = (relative >= low) & (relative < high) & ~truth.crowd
        counts = np.stack([_by_picture(truth, inside & is_taken), _by_picture(truth, inside)], axis=1)
        recall, pictures = ratio(*weighted_sums(counts, numbers.jackknifed.weights)), int((counts[:, 1] > 0).sum())
        yield {
            "from_ratio": low,
            "to_ratio": None if np.isinf(high) else high,
            "objects": int(inside.sum()),
            "pictures": pictures,
            "recall": asdict(estimated(defined(recall[0]), pictures, recall, METRICS["recall"].limits)),
        }


def _by_picture(truth: TrueColumns, boxes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many of the marked true boxes (M,) each picture holds, (N,)."""
    return np.bincount(truth.picture[boxes], minlength=len(truth.image_ids)).astype(np.float64)

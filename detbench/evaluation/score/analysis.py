"""`analysis.json`: where an arm's mAP is won and lost, as one value per arm.

    errors             by kind (see metrics/error_kinds.py): `count`, and `cost` in mAP50
    classes            by name: `boxes`, and mAP with its interval
    blur               pictures by the strength of their blur: bounds in pixels, `pictures`, and mAP with its interval
    precision_recall   interpolated precision at recalls 0, .01, …, 1 (IoU .5, mean over classes)
    confidence_sweep   precision, recall and F1 at confidences .05, .10, …, .95 (IoU .5)

A number that is undefined is null.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.fingerprints import code_identity
from detbench.evaluation.measure.rows import ArmDetections, ArmPicture
from detbench.evaluation.score.uncertainty import Bootstrap, Resampled, estimated
from detbench.metrics.error_kinds import error_kinds
from detbench.metrics.matching import f1, precision, recall
from detbench.metrics.precision_recall import confidence_sweep, precision_recall
from detbench.metrics.resampled import Draws, average_precision, coco_numbers, once
from detbench.results.cache import Record

BLUR_EDGES_PX = (0.0, 8.0, 18.0, 30.0, float("inf"))
"""Bins of a picture's blur; a lower bound belongs to its bin."""


def analysis_of(
    bootstrap: Bootstrap,
    arm: Resampled,
    pictures: Sequence[ArmPicture],
    found: ArmDetections,
    classes: Mapping[int, str],
) -> Record:
    """One arm's part of `analysis.json`; see the top of this file."""
    rows = sorted(pictures, key=lambda row: row.sample.id)
    severities_px = [row.sample.blur.severity_px if row.sample.blur else None for row in rows]
    depends_on = {
        "arm": arm.sha256,
        "severities_px": severities_px,
        "classes": list(classes.items()),
        **code_identity(analysis_of),
    }

    def compute() -> Record:
        kinds = error_kinds(bootstrap.truth, found.columns())
        curve = precision_recall(arm.evidence.ranking)
        return {
            "errors": {kind: asdict(error) for kind, error in kinds.items()},
            "classes": dict(_classes(bootstrap, arm, classes)),
            "blur": list(_blur_bins(bootstrap, arm, severities_px)),
            "precision_recall": None if curve is None else curve.tolist(),
            "confidence_sweep": list(_sweep(rows)),
        }

    return bootstrap.kept("analysis", depends_on, compute)


def _sweep(rows: Sequence[ArmPicture]) -> Iterator[dict[str, Any]]:
    for point in confidence_sweep([row.matches for row in rows]):
        ratios = {"precision": precision(point.counts), "recall": recall(point.counts), "f1": f1(point.counts)}
        yield {"confidence": point.confidence, **ratios}


def _classes(bootstrap: Bootstrap, arm: Resampled, classes: Mapping[int, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    ranking = arm.evidence.ranking
    values, drawn = (average_precision(ranking, draws).mean(axis=0) for draws in (once(ranking), bootstrap.draws))
    boxes = ranking.true_boxes[0].sum(axis=0)
    for index, number in enumerate(bootstrap.truth.category_ids.tolist()):
        estimate = estimated(_defined(values[index, 0]), len(bootstrap.truth.image_ids), drawn[index])
        yield classes[number], {"boxes": int(boxes[index]), "map": asdict(estimate)}


def _blur_bins(bootstrap: Bootstrap, arm: Resampled, severities_px: Sequence[float | None]) -> Iterator[dict[str, Any]]:
    """mAP over the pictures of each bin; none where the strength of some picture's blur is unknown."""
    if None in severities_px:
        return
    severity_px = np.array(severities_px, np.float64)
    for low, high in pairwise(BLUR_EDGES_PX):
        inside = ((severity_px >= low) & (severity_px < high)).astype(np.uint8)
        value, drawn = (_map(arm, draws * inside) for draws in (once(arm.evidence.ranking), bootstrap.draws))
        yield {
            "from_px": low,
            "to_px": None if np.isinf(high) else high,
            "pictures": int(inside.sum()),
            "map": asdict(estimated(_defined(value[0]), int(inside.sum()), drawn)),
        }


def _map(arm: Resampled, draws: Draws) -> NDArray[np.float64]:
    return coco_numbers(arm.evidence.ranking, draws, ("all",))["map"]


def _defined(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)

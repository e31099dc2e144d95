"""COCO's detection numbers, computed by pycocotools; the only file that meets it."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

STAT_KEYS = (
    "map", "map50", "map75", "map_small", "map_medium", "map_large",
    "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip
"""Names of pycocotools' `stats`, in its order."""


@dataclass(frozen=True)
class CocoScores:
    """COCO's twelve numbers by the names of STAT_KEYS, and mAP per category id; None where undefined."""

    stats: Mapping[str, float | None]
    map_per_class: Mapping[int, float | None]


def evaluate(truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> CocoScores:
    """COCO mAP and its relatives of `results` (COCO results format) against `truth` (COCO instances format).

    Average precision is the mean over IoU .50:.05:.95 and the categories that have true boxes of the precision
    interpolated at 101 recalls; at most 100 detections a picture and class (Lin et al. 2014). Equal to pycocotools,
    because it is pycocotools; `results` may be empty. Both arguments must have passed the dataset's validator.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = COCOeval(_indexed(truth, truth["annotations"]), _indexed(truth, _as_annotations(results)), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    stats = {key: _defined(value) for key, value in zip(STAT_KEYS, evaluator.stats, strict=True)}
    return CocoScores(stats, _map_per_class(evaluator))


def _indexed(truth: Mapping[str, Any], annotations: Sequence[Mapping[str, Any]]) -> COCO:
    """A COCO index over copies: the evaluator writes into the annotations it is given."""
    coco = COCO()
    copies = [dict(annotation) for annotation in annotations]
    coco.dataset = {"images": truth["images"], "categories": truth["categories"], "annotations": copies}
    coco.createIndex()
    return coco


def _as_annotations(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What pycocotools' loadRes makes of results, for the empty list too."""
    return [
        {**result, "id": number, "area": result["bbox"][2] * result["bbox"][3], "iscrowd": 0}
        for number, result in enumerate(results, start=1)
    ]


def _map_per_class(evaluator: COCOeval) -> dict[int, float | None]:
    # precision[IoU, recall, class, area, maxDets]: all areas, the largest maxDets
    by_class = evaluator.eval["precision"][:, :, :, 0, -1]
    means = (column[column > -1] for column in np.moveaxis(by_class, 2, 0))
    values = (float(column.mean()) if column.size else None for column in means)
    return dict(zip((int(number) for number in evaluator.params.catIds), values, strict=True))


def _defined(value: float) -> float | None:
    """Pycocotools writes −1 for a number that is undefined."""
    return None if value < 0 else float(value)

"""COCO's detection numbers of one arm: mAP and its relatives, and mAP by class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.coco_tables import MOST_FOUND, Tables, tables
from detbench.metrics.columns import TrueColumns, found_columns, true_columns
from detbench.metrics.ranking import AREAS, IOUS, Ranking, ranked

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
    interpolated at 101 recalls; at most 100 detections a picture and class (Lin et al. 2014). Equal to pycocotools:
    its arrays of precision and recall to the last bit, means of them to 1e-12. `results` may be empty. Both arguments
    must have passed the dataset's validator.
    """
    columns = true_columns(truth)
    return coco_scores(columns, ranked(columns, found_columns(results, columns)))


def coco_scores(truth: TrueColumns, ranking: Ranking) -> CocoScores:
    """The same of found boxes that are ranked already."""
    found = tables(ranking)
    per_class = map(_mean, np.moveaxis(found.precision[..., list(AREAS).index("all")], 2, 0))
    return CocoScores(_stats(found), dict(zip(truth.category_ids.tolist(), per_class, strict=True)))


def _stats(found: Tables) -> dict[str, float | None]:
    whole = list(AREAS).index("all")
    stats = {f"map{round(100 * iou)}": _mean(at) for iou, at in zip(IOUS, found.precision[..., whole], strict=True)}
    stats |= {f"ar{most}": _mean(found.recall[:, :, whole, index]) for index, most in enumerate(MOST_FOUND)}
    for index, area in enumerate(AREAS):
        stats["map" if index == whole else f"map_{area}"] = _mean(found.precision[..., index])
        stats[f"ar_{area}"] = _mean(found.recall[:, :, index, -1])
    return {key: stats[key] for key in STAT_KEYS}


def _mean(table: NDArray[np.float64]) -> float | None:
    """The mean of what is defined; None where nothing is."""
    defined = table[~np.isnan(table)]
    return float(defined.mean()) if defined.size else None

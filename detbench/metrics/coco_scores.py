"""COCO's detection numbers of one arm: mAP and its relatives, and mAP by class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detbench.metrics.columns import FoundColumns, TrueColumns, found_columns, true_columns
from detbench.metrics.ranking import ranked
from detbench.metrics.resampled import defined, mean_over_classes, numbers_by_class, unit_weights


@dataclass(frozen=True)
class CocoScores:
    """COCO's twelve numbers by the names of STAT_KEYS, and mAP per category id; None where undefined."""

    stats: Mapping[str, float | None]
    map_per_class: Mapping[int, float | None]


def evaluate(truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> CocoScores:
    """COCO mAP and its relatives of `results` (COCO results format) against `truth` (COCO instances format).

    Average precision is the mean over IoU .50:.05:.95 and the categories that have true boxes of the precision
    interpolated at 101 recalls; at most 100 detections a picture and class (Lin et al. 2014). Equal to pycocotools to
    1e-12. `results` may be empty. Both arguments must have passed the dataset's validator.
    """
    columns = true_columns(truth)
    return scores_of(columns, found_columns(results, columns))


def scores_of(truth: TrueColumns, found: FoundColumns) -> CocoScores:
    """The same of columns, however they were read."""
    ranking = ranked(truth, found)
    by_class = numbers_by_class(ranking, unit_weights(len(truth.image_ids)))
    per_class = zip(truth.category_ids.tolist(), map(defined, by_class["map"][:, 0]), strict=True)
    stats = {key: defined(mean_over_classes(values)[0]) for key, values in by_class.items()}
    return CocoScores(stats, dict(per_class))

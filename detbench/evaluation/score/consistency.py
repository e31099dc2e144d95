"""What arms find and share where there is no truth: agreement, which is neither right nor wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from detbench.core.arm import Arm
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.arm_evidence import matches_of
from detbench.metrics.columns import FoundColumns, TrueColumns
from detbench.metrics.matching import match
from detbench.metrics.specs import CONFIDENCE
from detbench.results.schema import Consistency


def consistency_of(measured: Measurements, arms: Sequence[Arm], columns: TrueColumns) -> tuple[Consistency, ...]:
    """Each arm's boxes and what they share with the other arms'; `columns` has the ids of pictures and classes."""
    found = {arm: matches_of(measured.rows[arm], columns).found for arm in arms}
    sure = {arm: each[each.scores >= CONFIDENCE] for arm, each in found.items()}
    return tuple(_consistency(arm, sure, columns) for arm in arms)


def _consistency(arm: Arm, found: Mapping[Arm, FoundColumns], columns: TrueColumns) -> Consistency:
    own = found[arm]
    shared = {other.name: _share(own, theirs, columns) for other, theirs in found.items() if other != arm}
    mean = float(own.scores.mean()) if len(own.scores) else None
    return Consistency(arm.name, len(own.scores) / len(columns.image_ids), mean, shared)


def _share(own: FoundColumns, theirs: FoundColumns, columns: TrueColumns) -> float | None:
    """The share of their boxes that are among the own ones."""
    count = len(theirs.scores)
    if not count:
        return None
    as_truth = replace(
        columns,
        picture=theirs.picture,
        category=theirs.category,
        boxes_xywh=theirs.boxes_xywh,
        areas=theirs.boxes_xywh[:, 2] * theirs.boxes_xywh[:, 3],
        crowd=np.zeros(count, np.bool_),
        ids=np.arange(count, dtype=np.int64),
    )
    return float(match(as_truth, own).is_taken(CONFIDENCE).mean())

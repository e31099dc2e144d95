"""Each arm's evidence: its found boxes as columns, matched once, and the rest of what its numbers follow from.

What a run says whatever else is kept, the counts and the boxes that are found, is kept too, so that a run whose numbers
are all in the cache matches nothing and needs no compiled code.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import Arm
from detbench.core.boxes import xyxy_to_xywh
from detbench.core.fingerprints import code_identity
from detbench.core.progress import Hears, unheard
from detbench.evaluation.measure.measured import ArmPicture, Rows
from detbench.metrics.columns import FoundColumns, TrueColumns
from detbench.metrics.evidence import Evidence
from detbench.metrics.image_metrics import measured_metrics
from detbench.metrics.matching import Matches, match
from detbench.metrics.ranking import ranked
from detbench.metrics.specs import CONFIDENCE
from detbench.results.cache import Record, digest

Keep = Callable[[Mapping[str, Any], Callable[[], Record]], Record]
"""The record that was kept for what it depends on, or the one that is computed now."""


@dataclass(frozen=True, eq=False)
class ArmEvidence:
    """What one arm's numbers follow from, the pictures in the order of their ids. `pictures` (n,) are the places of its
    pictures among the run's: fewer than all where harm is measured on a sample. `counts` (n, 3) and `quality` are those
    of the evidence, `is_taken` (M,) says which true boxes it finds at the stated confidence and IoU; `sha256` is the
    digest of the evidence, which `compute` gives when a number needs it.
    """

    counts: NDArray[np.int64]
    quality: Mapping[str, NDArray[np.float64]]
    pictures: NDArray[np.int64]
    is_taken: NDArray[np.bool_]
    sha256: str
    compute: Callable[[], Evidence]

    @cached_property
    def evidence(self) -> Evidence:
        """All of it, ranked; computed once."""
        return self.compute()

    def among(self, pictures: NDArray[np.int64]) -> "ArmEvidence":
        """That of an arm which has all of the run's pictures, over those at some places (n,)."""
        if len(pictures) == len(self.pictures):
            return self
        return ArmEvidence(
            self.counts[pictures],
            {key: values[pictures] for key, values in self.quality.items()},
            pictures,
            self.is_taken,
            digest([self.sha256, pictures.tolist()]),
            lambda: self.evidence.among(pictures),
        )


def _computed(_depends_on: Mapping[str, Any], compute: Callable[[], Record]) -> Record:
    return compute()


def evidence_of_arms(
    rows: Rows, truth: TrueColumns, begun: Hears = unheard, keep: Keep = _computed
) -> dict[Arm, ArmEvidence]:
    """Every arm's; arms that delivered the same pictures throughout share it. `begun` takes the name of each arm, and
    `keep` has what was matched before against the same `truth`.
    """
    shared: dict[tuple[str, ...], ArmEvidence] = {}
    by_arm = {}
    for arm, pictures in rows.items():
        begun(arm.name)
        delivered = tuple(row.picture.sha256 for row in pictures)
        if delivered not in shared:
            shared[delivered] = _evidence_of(pictures, truth, keep)
        by_arm[arm] = shared[delivered]
    return by_arm


def matches_of(pictures: Sequence[ArmPicture], truth: TrueColumns) -> Matches:
    """One arm's found boxes and what they took; not kept, for they would take as much memory again."""
    return match(truth, _found_columns(pictures, truth))


def _evidence_of(pictures: Sequence[ArmPicture], truth: TrueColumns, keep: Keep) -> ArmEvidence:
    rows = sorted(pictures, key=lambda row: row.sample.id)
    places = np.searchsorted(truth.image_ids, [row.sample.id for row in rows])
    measured = measured_metrics({key for row in rows for key in row.quality})
    paired = [key for key, metric in measured.items() if metric.spec.is_paired]
    quality = {key: [row.quality.get(key) for row in rows] for key in paired}
    columns = {key: np.array(values, np.float64) for key, values in quality.items()}
    found_sha256 = _detections_sha256(pictures)
    taken = keep(
        {"found": found_sha256, "confidence": CONFIDENCE, **code_identity(evidence_of_arms)},
        lambda: _taken(matches_of(pictures, truth), places),
    )
    counts = np.array(taken["counts"], np.int64).reshape(-1, 3)
    return ArmEvidence(
        counts,
        columns,
        places,
        np.array(taken["is_taken"], np.bool_),
        digest([found_sha256, taken["counts"], quality]),
        lambda: Evidence(ranked(truth, _found_columns(pictures, truth)).among(places), counts, columns),
    )


def _taken(matches: Matches, places: NDArray[np.int64]) -> Record:
    return {
        "counts": matches.counts(CONFIDENCE)[places].tolist(),
        "is_taken": matches.is_taken(CONFIDENCE).astype(np.uint8).tolist(),
    }


def _found_columns(pictures: Sequence[ArmPicture], truth: TrueColumns) -> FoundColumns:
    image_ids = np.array([row.sample.id for row in pictures], np.int64)
    picture = np.repeat(np.searchsorted(truth.image_ids, image_ids), [row.packed.count for row in pictures])
    boxes, scores, labels = map(np.concatenate, zip(*(row.packed.columns for row in pictures), strict=True))
    category = np.searchsorted(truth.category_ids, labels)
    return FoundColumns(picture, category, xyxy_to_xywh(boxes.astype(np.float64)), scores.astype(np.float64))


def _detections_sha256(pictures: Sequence[ArmPicture]) -> str:
    """The digest of ids and numbers; their text would take many times as long to make."""
    sha256 = hashlib.sha256()
    for row in pictures:
        found = row.found
        place = np.array([row.sample.id, len(found)], np.int64)
        for column in (place, found.labels, found.boxes, found.scores):
            sha256.update(column.tobytes())
    return sha256.hexdigest()

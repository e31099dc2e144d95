"""Each arm's evidence: its found boxes as columns, matched once, and the rest of what its numbers follow from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import Arm
from detbench.core.boxes import xyxy_to_xywh
from detbench.core.progress import Hears, unheard
from detbench.evaluation.measure.measured import ArmPicture, Rows
from detbench.metrics.columns import FoundColumns, TrueColumns
from detbench.metrics.evidence import Evidence
from detbench.metrics.image_metrics import measured_metrics
from detbench.metrics.matching import Matches, match
from detbench.metrics.ranking import ranked
from detbench.metrics.specs import CONFIDENCE
from detbench.results.cache import digest


@dataclass(frozen=True, eq=False)
class ArmEvidence:
    """What one arm's numbers follow from, the pictures in the order of their ids. `pictures` (n,) are the places of its
    pictures among the run's: fewer than all where harm is measured on a sample. `is_taken` (M,) says which true boxes
    it finds at the stated confidence and IoU; `sha256` is the digest of the evidence.
    """

    evidence: Evidence
    pictures: NDArray[np.int64]
    is_taken: NDArray[np.bool_]
    sha256: str

    def among(self, pictures: NDArray[np.int64]) -> "ArmEvidence":
        """That of an arm which has all of the run's pictures, over those at some places (n,)."""
        if len(pictures) == len(self.pictures):
            return self
        sha256 = digest([self.sha256, pictures.tolist()])
        return ArmEvidence(self.evidence.among(pictures), pictures, self.is_taken, sha256)


def evidence_of_arms(rows: Rows, truth: TrueColumns, begun: Hears = unheard) -> dict[Arm, ArmEvidence]:
    """Every arm's; arms that delivered the same pictures throughout share it. `begun` takes the name of each arm."""
    shared: dict[tuple[str, ...], ArmEvidence] = {}
    by_arm = {}
    for arm, pictures in rows.items():
        begun(arm.name)
        delivered = tuple(row.picture.sha256 for row in pictures)
        if delivered not in shared:
            shared[delivered] = _evidence_of(pictures, truth)
        by_arm[arm] = shared[delivered]
    return by_arm


def matches_of(pictures: Sequence[ArmPicture], truth: TrueColumns) -> Matches:
    """One arm's found boxes and what they took; not kept, for they would take as much memory again."""
    return match(truth, _found_columns(pictures, truth))


def _evidence_of(pictures: Sequence[ArmPicture], truth: TrueColumns) -> ArmEvidence:
    matches = matches_of(pictures, truth)
    rows = sorted(pictures, key=lambda row: row.sample.id)
    places = np.searchsorted(truth.image_ids, [row.sample.id for row in rows])
    counts = matches.counts(CONFIDENCE)[places]
    measured = measured_metrics({key for row in rows for key in row.quality})
    paired = [key for key, metric in measured.items() if metric.spec.is_paired]
    quality = {key: [row.quality.get(key) for row in rows] for key in paired}
    evidence = Evidence(
        ranked(truth, matches.found).among(places),
        counts,
        {key: np.array(values, np.float64) for key, values in quality.items()},
    )
    sha256 = digest([_detections_sha256(pictures), counts.tolist(), quality])
    return ArmEvidence(evidence, places, matches.is_taken(CONFIDENCE), sha256)


def _found_columns(pictures: Sequence[ArmPicture], truth: TrueColumns) -> FoundColumns:
    found = [row.packed for row in pictures]
    image_ids = np.array([row.sample.id for row in pictures], np.int64)
    picture = np.repeat(np.searchsorted(truth.image_ids, image_ids), [len(each.scores) for each in found])
    labels, boxes, scores = (
        np.concatenate([getattr(each, name) for each in found]) for name in ("labels", "boxes", "scores")
    )
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

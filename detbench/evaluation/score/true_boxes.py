"""The true boxes that a run is scored against, and what the result says of the data."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detbench.core.instances import instances
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.measure.truth import PSEUDO_NOTE, REFERENCE_NOTE
from detbench.metrics.columns import TrueColumns, true_columns
from detbench.results.cache import canonical_json, digest
from detbench.results.schema import EvaluatedData


@dataclass(frozen=True, eq=False)
class TrueBoxes:
    """The true boxes of a run's pictures, the digest of their document, and what the result says of the data."""

    columns: TrueColumns
    sha256: str
    data: EvaluatedData


def true_boxes(measured: Measurements) -> TrueBoxes:
    """What `truth_document` holds, as numbers are made from it."""
    document = truth_document(measured)
    return TrueBoxes(true_columns(document), digest(document), _evaluated_data(measured, document))


def truth_document(measured: Measurements) -> dict[str, Any]:
    """The content of `truth.json`, COCO's instances format; made where it is needed, for it is as large as all that was
    found.
    """
    truth = instances(measured.samples, measured.basis.classes)
    note = {"pseudo": PSEUDO_NOTE, "none": REFERENCE_NOTE}.get(measured.basis.specification["truth"])
    return {"info": {"description": note}, **truth} if note else truth


def _evaluated_data(measured: Measurements, truth: Mapping[str, Any]) -> EvaluatedData:
    """What was scored, pinned: the dataset, the pictures after blur and limit, and the true boxes."""
    basis, samples = measured.basis, measured.samples
    pictures = [[sample.id, sample.sharp and sample.sharp.sha256, sample.blurred.sha256] for sample in samples]
    content = canonical_json({"pictures": pictures, "truth": truth})
    with_boxes = {annotation["category_id"] for annotation in truth["annotations"] if not annotation["iscrowd"]}
    missed = {basis.classes[category] for category in with_boxes}
    return EvaluatedData(
        name=basis.dataset,
        source_fingerprint=basis.source_fingerprint,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        images=len(samples),
        boxes=len(truth["annotations"]),
        notes=basis.notes,
        unmatched_dataset_classes=tuple(name for name in basis.unmatched_dataset_classes if name in missed),
        unmatched_detector_classes=basis.unmatched_detector_classes,
    )

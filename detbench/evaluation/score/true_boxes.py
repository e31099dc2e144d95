"""The true boxes that a run is scored against, and what the result says of the data."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from detbench.core.boxes import xyxy_to_xywh
from detbench.core.instances import streamed_instances
from detbench.core.streamed_json import canonical_pieces
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.measure.truth import PSEUDO_NOTE, REFERENCE_NOTE
from detbench.metrics.columns import TrueColumns
from detbench.results.cache import canonical_json
from detbench.results.schema import EvaluatedData


@dataclass(frozen=True, eq=False)
class TrueBoxes:
    """The true boxes of a run's pictures, the digest of their document, and what the result says of the data."""

    columns: TrueColumns
    sha256: str
    data: EvaluatedData


def true_boxes(measured: Measurements) -> TrueBoxes:
    """What `truth_document` holds, as numbers are made from it, and its digests."""
    columns = true_columns_of(measured)
    sha256, fingerprint = _digests(measured)
    return TrueBoxes(columns, sha256, _evaluated_data(measured, columns, fingerprint))


def truth_document(measured: Measurements) -> dict[str, Any]:
    """The content of `truth.json`, COCO's instances format, its records made one by one."""
    truth = streamed_instances(measured.samples, measured.basis.classes)
    note = {"pseudo": PSEUDO_NOTE, "none": REFERENCE_NOTE}.get(measured.basis.specification["truth"])
    return {"info": {"description": note}, **truth} if note else truth


def true_columns_of(measured: Measurements) -> TrueColumns:
    """The columns of that document."""
    truths = [sample.truth for sample in measured.samples]
    ids = np.array([sample.id for sample in measured.samples], np.int64)
    image_ids, category_ids = np.unique(ids), np.unique(np.array(list(measured.basis.classes), np.int64))
    return TrueColumns(
        image_ids,
        category_ids,
        np.repeat(np.searchsorted(image_ids, ids), [len(each) for each in truths]),
        np.searchsorted(category_ids, np.concatenate([each.labels for each in truths])),
        xyxy_to_xywh(np.concatenate([each.boxes for each in truths])),
        np.concatenate([each.areas for each in truths]),
        np.concatenate([each.crowd for each in truths]),
        np.concatenate([each.ids for each in truths]),
    )


def _digests(measured: Measurements) -> tuple[str, str]:
    """The SHA-256 of the truth, and that of the pictures and the truth, which pins what was scored."""
    pictures = [[each.id, each.sharp and each.sharp.sha256, each.blurred.sha256] for each in measured.samples]
    of_truth, of_all = hashlib.sha256(), hashlib.sha256(f'{{"pictures":{canonical_json(pictures)},"truth":'.encode())
    for piece in canonical_pieces(truth_document(measured)):
        of_truth.update(piece.encode())
        of_all.update(piece.encode())
    of_all.update(b"}")
    return of_truth.hexdigest(), of_all.hexdigest()


def _evaluated_data(measured: Measurements, columns: TrueColumns, fingerprint: str) -> EvaluatedData:
    """What was scored, pinned: the dataset, the pictures after blur and limit, and the true boxes."""
    basis = measured.basis
    with_boxes = columns.category_ids[np.unique(columns.category[~columns.crowd])]
    missed = {basis.classes[category] for category in with_boxes.tolist()}
    return EvaluatedData(
        name=basis.dataset,
        source_fingerprint=basis.source_fingerprint,
        fingerprint=fingerprint,
        images=len(measured.samples),
        boxes=len(columns.ids),
        notes=basis.notes,
        unmatched_dataset_classes=tuple(name for name in basis.unmatched_dataset_classes if name in missed),
        unmatched_detector_classes=basis.unmatched_detector_classes,
    )

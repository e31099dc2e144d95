"""Which boxes count as true, and the digest that pins them together with the pictures."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from detbench.boxes import area
from detbench.metrics.specs import PSEUDO_CONFIDENCE
from detbench.results.cache import canonical_json
from detbench.results.schema import EvaluatedData
from detbench.runner.classes import ClassMap
from detbench.types import Dataset, Detections, GroundTruth, Sample

PSEUDO_NOTE = f"pseudo: the detector's own boxes on the sharp pictures, from confidence {PSEUDO_CONFIDENCE:g} on"
"""What `truth.json` says of itself where its boxes are no labels."""


def pseudo_truth(sample: Sample, on_sharp: Detections, first_id: int) -> Sample:
    """The sample with the detector's own boxes on the sharp picture as its truth, from PSEUDO_CONFIDENCE on.

    The DeblurGAN paper's protocol (Kupyn et al. 2018, section 5.3); annotation ids count up from `first_id`.
    """
    sure = on_sharp.scores >= PSEUDO_CONFIDENCE
    boxes = on_sharp.boxes[sure]
    ids = np.arange(first_id, first_id + len(boxes), dtype=np.int64)
    truth = GroundTruth(boxes, on_sharp.labels[sure], np.zeros(len(boxes), dtype=np.bool_), area(boxes), ids)
    return replace(sample, truth=truth)


def evaluated_data(
    dataset: Dataset, samples: Sequence[Sample], truth: Mapping[str, Any], classes: ClassMap
) -> EvaluatedData:
    """What was scored, pinned: the dataset, the pictures after blur and limit, and the true boxes."""
    pictures = [[sample.id, sample.sharp and sample.sharp.sha256, sample.blurred.sha256] for sample in samples]
    content = canonical_json({"pictures": pictures, "truth": truth})
    return EvaluatedData(
        name=dataset.name,
        source_fingerprint=dataset.fingerprint,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        images=len(samples),
        boxes=len(truth["annotations"]),
        unmatched_dataset_classes=classes.unmatched_dataset,
        unmatched_detector_classes=classes.unmatched_detector,
    )

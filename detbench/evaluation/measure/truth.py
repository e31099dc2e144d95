"""Which boxes count as true."""

from dataclasses import replace
from typing import Literal

import numpy as np

from detbench.core.boxes import area
from detbench.errors import BackendError
from detbench.metrics.specs import CONFIDENCE, PSEUDO_CONFIDENCE
from detbench.types import Detections, GroundTruth, Sample

Truth = Literal["labels", "pseudo", "none"]
"""Whose boxes count as true: the dataset's, the detector's own on the sharp pictures, or none, for there are none."""

PSEUDO_NOTE = f"pseudo: the detector's own boxes on the sharp pictures, from confidence {PSEUDO_CONFIDENCE:g} on"
"""What `truth.json` says of itself where its boxes are no labels."""

REFERENCE_NOTE = f"none: the detector's own boxes on the blurred pictures, from confidence {CONFIDENCE:g} on"
"""What `truth.json` says of itself without truth: other arms' boxes are held against these, neither right nor wrong."""

_IDS_OF_A_PICTURE = 10_000
"""Annotation ids that one picture's pseudo truth may use: they then depend on no other picture, and shards agree."""


def pseudo_truth(sample: Sample, on_sharp: Detections, place: int) -> Sample:
    """The sample with the detector's own boxes on the sharp picture as its truth, from PSEUDO_CONFIDENCE on.

    The DeblurGAN paper's protocol (Kupyn et al. 2018, section 5.3); `place` counts the dataset's pictures from 0, and
    annotation ids follow from it. Raises BackendError for more boxes than there are ids.
    """
    return _with_boxes(sample, on_sharp, place, PSEUDO_CONFIDENCE)


def blurred_reference(sample: Sample, on_blurred: Detections, place: int) -> Sample:
    """The sample with the detector's own boxes on the blurred picture, from CONFIDENCE on, in place of a truth.

    Other arms are held against them: what agrees is neither right nor wrong. Else as `pseudo_truth`.
    """
    return _with_boxes(sample, on_blurred, place, CONFIDENCE)


def _with_boxes(sample: Sample, found: Detections, place: int, confidence: float) -> Sample:
    sure = found.scores >= confidence
    boxes = found.boxes[sure]
    if len(boxes) >= _IDS_OF_A_PICTURE:
        raise BackendError(f"{sample.file_name}: {len(boxes):,} boxes are too many for a truth; use another detector")
    first_id = place * _IDS_OF_A_PICTURE + 1
    ids = np.arange(first_id, first_id + len(boxes), dtype=np.int64)
    truth = GroundTruth(boxes, found.labels[sure], np.zeros(len(boxes), dtype=np.bool_), area(boxes), ids)
    return replace(sample, truth=truth)

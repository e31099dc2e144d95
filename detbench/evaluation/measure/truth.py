"""Which boxes count as true."""

from dataclasses import replace
from typing import Literal

import numpy as np

from detbench.core.boxes import area
from detbench.errors import BackendError
from detbench.metrics.specs import PSEUDO_CONFIDENCE
from detbench.types import Detections, GroundTruth, Sample

Truth = Literal["labels", "pseudo"]
"""Whose boxes count as true: the dataset's, or the detector's own on the sharp pictures."""

PSEUDO_NOTE = f"pseudo: the detector's own boxes on the sharp pictures, from confidence {PSEUDO_CONFIDENCE:g} on"
"""What `truth.json` says of itself where its boxes are no labels."""

_IDS_OF_A_PICTURE = 10_000
"""Annotation ids that one picture's pseudo truth may use: they then depend on no other picture, and shards agree."""


def pseudo_truth(sample: Sample, on_sharp: Detections, place: int) -> Sample:
    """The sample with the detector's own boxes on the sharp picture as its truth, from PSEUDO_CONFIDENCE on.

    The DeblurGAN paper's protocol (Kupyn et al. 2018, section 5.3); `place` counts the dataset's pictures from 0, and
    annotation ids follow from it. Raises BackendError for more boxes than there are ids.
    """
    sure = on_sharp.scores >= PSEUDO_CONFIDENCE
    boxes = on_sharp.boxes[sure]
    if len(boxes) >= _IDS_OF_A_PICTURE:
        raise BackendError(f"{sample.file_name}: {len(boxes):,} boxes are too many for a truth; use another detector")
    first_id = place * _IDS_OF_A_PICTURE + 1
    ids = np.arange(first_id, first_id + len(boxes), dtype=np.int64)
    truth = GroundTruth(boxes, on_sharp.labels[sure], np.zeros(len(boxes), dtype=np.bool_), area(boxes), ids)
    return replace(sample, truth=truth)

"""What was measured of pictures: one in one arm, and all that a run rests on, by one machine or joined from many."""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from detbench.core.arm import SHARP, Arm
from detbench.evaluation.measure.harm import harm_places
from detbench.evaluation.measure.steps import Restored
from detbench.metrics.image_metrics import Quality
from detbench.results.schema import PartlyKnown
from detbench.types import Detections, Picture, Sample, Timeline


@dataclass(frozen=True, eq=False, slots=True)
class PackedDetections:
    """Detections as one block of bytes, each column in single precision or in 16 bits where that loses nothing: a run
    keeps those of every picture and arm until the end.

    Networks answer in single precision, so that nearly all take 22 bytes a box instead of 48. `kinds` are the types of
    boxes, scores and labels, which follow each other in `content`; three arrays of a picture with 16 boxes would take
    as much again.
    """

    content: bytes
    kinds: tuple[np.dtype[Any], np.dtype[Any], np.dtype[Any]]
    count: int

    @classmethod
    def of(cls, found: Detections) -> "PackedDetections":
        """Pack; `unpacked` gives back the same numbers to the last bit."""
        boxes, scores = (_narrowed(column, np.float32) for column in (found.boxes, found.scores))
        labels = _narrowed(found.labels, np.int16)
        content = b"".join(column.tobytes() for column in (boxes, scores, labels))
        return cls(content, (boxes.dtype, scores.dtype, labels.dtype), len(found))

    @property
    def columns(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Boxes (N, 4), scores (N,) and labels (N,) as they are packed, read-only."""
        (of_boxes, of_scores, of_labels), count = self.kinds, self.count
        scores_at = 4 * count * of_boxes.itemsize
        return (
            np.frombuffer(self.content, of_boxes, 4 * count).reshape(-1, 4),
            np.frombuffer(self.content, of_scores, count, scores_at),
            np.frombuffer(self.content, of_labels, count, scores_at + count * of_scores.itemsize),
        )

    def unpacked(self) -> Detections:
        """The detections as they were."""
        boxes, scores, labels = self.columns
        return Detections(boxes.astype(np.float64), scores.astype(np.float64), labels.astype(np.int64))


def _narrowed(column: NDArray[Any], kind: DTypeLike) -> NDArray[Any]:
    """The column in a smaller type, or as it is where some number would change."""
    with np.errstate(over="ignore"):
        small = column.astype(kind)
    return small if np.array_equal(small, column) else column


class PackedQuality(Mapping[str, float | None]):
    """What the metrics of single pictures say of one picture, in a third of a dictionary's bytes."""

    __slots__ = ("_keys", "_values")

    def __init__(self, quality: Quality) -> None:
        self._keys = _shared(tuple(quality))
        self._values = array("d", (np.nan if value is None else value for value in quality.values()))

    def __getitem__(self, key: str) -> float | None:
        if key not in self._keys:
            raise KeyError(key)
        value = self._values[self._keys.index(key)]
        return None if math.isnan(value) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@cache
def _shared(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys as one object for all pictures."""
    return keys


@dataclass(frozen=True, eq=False)
class ArmPicture:
    """One picture as one arm delivered it: what was found in it, what the metrics of single pictures say of it, and how
    it was restored (None in the sharp and the blurred arm). `detect_ms` is what the detector took for it, None where
    that is not known.
    """

    arm: Arm
    sample: Sample
    picture: Picture
    packed: PackedDetections
    quality: Quality
    restored: Restored | None
    detect_ms: float | None = None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What a report shows of the row: the picture, and the kernels that its deblurrer had to find and found."""
        blur = self.restored.blur if self.restored else None
        kernels = (blur.true_kernel, blur.found_kernel) if blur else ()
        return (self.picture, *(kernel for kernel in kernels if kernel is not None))

    @property
    def found(self) -> Detections:
        """The boxes as they were found."""
        return self.packed.unpacked()


Rows = Mapping[Arm, Sequence[ArmPicture]]
"""For each arm one row per picture, in the dataset's order; deblurrers on sharp pictures have those of harm alone."""


def drop_unpaired(rows: Rows) -> dict[Arm, Sequence[ArmPicture]]:
    """The rows without the deblurrers on sharp pictures that are alone: harm needs the sharp arm, and the deblurrer's
    own on blurred pictures.
    """
    return {
        arm: of_arm
        for arm, of_arm in rows.items()
        if not arm.is_on_sharp or {SHARP, Arm("blurred", arm.deblurrer)} <= rows.keys()
    }


@dataclass(frozen=True)
class DeblurrerFacts:
    """What a result says of a deblurrer: `identity` (code, weights, settings, versions), `cost` by metric, and whether
    its training loss contained the features of the run's detector.
    """

    identity: Mapping[str, Any]
    cost: Mapping[str, float]
    trained_with_detector: bool = False


@dataclass(frozen=True)
class Basis:
    """What the numbers rest on besides the pictures, alike in all shards of a run but for the machines' names.

    `dataset` is its name, `source_fingerprint` its digest as it was opened, `images` the number of pictures in the
    whole run, `notes` its reader's and the detector's; `classes` maps category ids to names; `detector` is its
    identity, and `deblurrers` are by name.
    """

    specification: Mapping[str, Any]
    environment: Mapping[str, Any]
    dataset: str
    source_fingerprint: str
    images: int
    notes: tuple[str, ...]
    classes: Mapping[int, str]
    unmatched_dataset_classes: tuple[str, ...]
    unmatched_detector_classes: tuple[str, ...]
    detector: Mapping[str, Any]
    deblurrers: Mapping[str, DeblurrerFacts]

    @property
    def harm_places(self) -> range:
        """The places of the pictures on which harm is measured; see `harm_places`."""
        return harm_places(self.specification.get("harm", "all"), self.images)


@dataclass(frozen=True, eq=False)
class Measurements:
    """The pictures in the dataset's order, and each arm's rows. `failed` says, by name, why an arm that was wanted is
    not among them; `kept` are the ids of the pictures whose pixels are at hand for the report, None for all;
    `partly_known` are, by name, the backends and metrics whose files are not all known; `timeline` is None where the
    pictures are no frames of a video, and of a run that was merged, whose pixels are elsewhere.
    """

    basis: Basis
    samples: Sequence[Sample]
    rows: Rows
    failed: Mapping[str, str] = field(default_factory=dict)
    kept: Set[int] | None = None
    partly_known: Mapping[str, PartlyKnown] = field(default_factory=dict)
    timeline: Timeline | None = None

"""What stands between looking at pictures and scoring: all that was measured, by one machine or joined from many."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from detbench.evaluation.measure.rows import ArmPicture
from detbench.types import Sample


@dataclass(frozen=True)
class Restorer:
    """What a result tells of a deblurrer: `identity` (code, weights, settings, versions), `cost` by metric, and whether
    its training loss contained the features of the run's detector.
    """

    identity: Mapping[str, Any]
    cost: Mapping[str, float]
    trained_with_detector: bool = False


@dataclass(frozen=True)
class Basis:
    """What the numbers rest on besides the pictures, alike in all shards of a run but for the machines' names.

    `dataset` is its name, `source_fingerprint` its digest as it was opened, `images` the number of pictures in the
    whole run; `classes` maps category ids to names; `detector` is its identity, and
    `deblurrers` are by name.
    """

    specification: Mapping[str, Any]
    environment: Mapping[str, Any]
    dataset: str
    source_fingerprint: str
    images: int
    classes: Mapping[int, str]
    unmatched_dataset_classes: tuple[str, ...]
    unmatched_detector_classes: tuple[str, ...]
    detector: Mapping[str, Any]
    deblurrers: Mapping[str, Restorer]


@dataclass(frozen=True, eq=False)
class Measured:
    """The pictures in the dataset's order, and for each arm one row per picture in that order. `failed` says, by name,
    why an arm that was asked for is not among them; `kept` are the ids of the pictures whose pixels are at hand for the
    report, None for all.
    """

    basis: Basis
    samples: Sequence[Sample]
    rows: Mapping[str, Sequence[ArmPicture]]
    failed: Mapping[str, str] = field(default_factory=dict)
    kept: Set[int] | None = None

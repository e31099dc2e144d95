"""What a run leaves behind, as values: `result.json` holds exactly one RunResult."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from detbench.core.arm import ArmKind
from detbench.errors import DataError
from detbench.types import Estimate

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ArmResult:
    """One way the pictures reached the detector. `metrics` maps metric keys to estimates, `map_per_class` class names
    to mAP; `backend` says what restored the pictures (None for the sharp and the blurred arm), `told_kernel` that it
    was given the blur kernel, which is unknown outside a laboratory, `smaller_tiles` how many pictures went through in
    smaller tiles than the deblurrer's own because memory ran out, `finds_kernel` that it estimates the blur kernel and
    shows what it found, `trained_with_detector` that its training loss contained the features of the run's detector, as
    the card of its weights says.
    """

    name: str
    kind: ArmKind
    metrics: Mapping[str, Estimate]
    map_per_class: Mapping[str, float | None]
    backend: Mapping[str, Any] | None = None
    told_kernel: bool = False
    smaller_tiles: int = 0
    finds_kernel: bool = False
    trained_with_detector: bool = False


@dataclass(frozen=True)
class Difference:
    """A metric of `arm` minus that of `against`, over the same pictures; `p_value` is the paired permutation test's,
    None where it was not made.
    """

    arm: str
    against: str
    metric: str
    difference: Estimate
    p_value: float | None = None

    def __post_init__(self) -> None:
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise ValueError(f"a p-value lies in 0..1, not {self.p_value}")


@dataclass(frozen=True)
class EvaluatedData:
    """The data that was scored: `source_fingerprint` pins the dataset as it was opened, `fingerprint` the very
    pictures and boxes that were evaluated (after blur, limit and choice of truth); `notes` are sentences
    of the dataset's reader on what it read in another way than it stands there, or left out.
    """

    name: str
    source_fingerprint: str
    fingerprint: str
    images: int
    boxes: int
    unmatched_dataset_classes: tuple[str, ...]
    unmatched_detector_classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartlyKnown:
    """A backend or metric that may depend on more than is known, with the reason; `reused_steps` are those of its steps
    that an earlier, interrupted command did for the same run folder.
    """

    reason: str
    reused_steps: int


@dataclass(frozen=True)
class RunResult:
    """One evaluation. `specification` is the request, `environment` where and with what it ran,
    `shown` the ids of the pictures that the report shows, `definitions` each metric's by key: a number is only
    comparable with one of the same definition. `failed` says, by name, why an arm of the request is not among
    `arms`: nothing is averaged over the pictures that it did manage. `partly_known` are, by name, the backends and
    metrics whose files are not all known.
    """

    specification: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: EvaluatedData
    detector: Mapping[str, Any]
    arms: tuple[ArmResult, ...]
    differences: tuple[Difference, ...]
    shown: tuple[int, ...]
    definitions: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    partly_known: Mapping[str, PartlyKnown] = field(default_factory=dict)
    schema: int = SCHEMA_VERSION

    def arm(self, name: str) -> ArmResult | None:
        """The arm called `name`, or None."""
        return next((arm for arm in self.arms if arm.name == name), None)


def flat_metrics(result: RunResult) -> dict[str, float | None]:
    """Every number of every arm as "<arm>.<metric>": the content of `metrics.json`."""
    return {f"{arm.name}.{key}": estimate.value for arm in result.arms for key, estimate in arm.metrics.items()}


def result_to_json(result: RunResult) -> dict[str, Any]:
    """Plain dictionaries and lists for `result.json`."""
    return asdict(result)


def result_from_json(value: Any, where: str) -> RunResult:
    """The inverse of `result_to_json`; raises DataError naming `where` for anything else."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA_VERSION:
        found = value.get("schema") if isinstance(value, dict) else type(value).__name__
        raise DataError(f"{where}: not a result of schema {SCHEMA_VERSION} (found {found}); run `detbench run` again")
    try:
        return msgspec.convert(value, RunResult)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError(f"{where}: damaged result ({error}); run `detbench run` again") from error

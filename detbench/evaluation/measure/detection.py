"""Where the detections in an arm's pictures come from: the detector runs, or what it found was recorded. Their classes
are the dataset's, matched by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.detectors.recorded_detections import RecordedDetections
from detbench.errors import NotEvaluableError, UsageError
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.measure.truth import Truth
from detbench.plugins.backend import Backend
from detbench.types import Dataset, Detections, IdSource, Picture, Sample

ALIKE = "identity"
"""The deblurrer whose pictures are the blurred ones, so that it need not be recorded."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """`category_of` (C,) gives the dataset's category id for each of the detector's labels, −1 where it has none."""

    category_of: NDArray[np.int64]
    unmatched_dataset: tuple[str, ...]
    unmatched_detector: tuple[str, ...]

    def translate(self, found: Detections) -> Detections:
        """The detections with the dataset's category ids as labels; those of unmatched classes are left out."""
        labels = self.category_of[found.labels]
        known = labels >= 0
        return Detections(found.boxes[known], found.scores[known], labels[known])


def match_classes(detector: Sequence[str], dataset: Mapping[int, str]) -> ClassMap:
    """Pair classes of equal name; where none is equal, letter case and surrounding space aside.

    Raises UsageError where no class is shared, or where it is open which of several is meant.
    """
    category_of = np.full(len(detector), -1, dtype=np.int64)
    wanted = _by_plain_name(dataset)
    for plain, labels in _by_plain_name(dict(enumerate(detector))).items():
        for label, category in _pairs(labels, wanted.get(plain, {})):
            category_of[label] = category
    if (category_of < 0).all():
        raise UsageError(
            f"the detector knows none of the dataset's classes: it finds {_some(detector)}; "
            f"the dataset has {_some(tuple(dataset.values()))}. Choose another detector or rename the classes"
        )
    unmatched_dataset = tuple(name for category, name in dataset.items() if category not in category_of)
    unmatched_detector = tuple(name for name, category in zip(detector, category_of, strict=True) if category < 0)
    return ClassMap(category_of, unmatched_dataset, unmatched_detector)


def _by_plain_name(names: Mapping[int, str]) -> dict[str, dict[int, str]]:
    """The names grouped by what they are without letter case and surrounding space."""
    groups: dict[str, dict[int, str]] = {}
    for number, name in names.items():
        groups.setdefault(name.strip().casefold(), {})[number] = name
    return groups


def _pairs(labels: Mapping[int, str], categories: Mapping[int, str]) -> list[tuple[int, int]]:
    """Label and category of each pair in a group of like names: those that are equal, else the only two."""
    equal = [(label, category) for label in labels for category in categories if labels[label] == categories[category]]
    pairs = equal or [(label, category) for label in labels for category in categories]
    if len({label for label, _ in pairs}) < len(pairs) or len({category for _, category in pairs}) < len(pairs):
        raise UsageError(
            f"classes cannot be told apart: the detector has {_quoted(labels)}, the dataset {_quoted(categories)}. "
            "Give the one that is meant the very same name in both, and the others other names"
        )
    return pairs


def _quoted(names: Mapping[int, str]) -> str:
    return " and ".join(f"{name!r} ({number})" for number, name in names.items())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


class DetectionSource(Protocol):
    """Gives the detections in a picture of an arm, labels being category ids."""

    @property
    def classes(self) -> ClassMap:
        """What its classes are in the dataset."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what the numbers must be read with: how files were read, what an exported model hides."""

    def has(self, arm: Arm) -> bool:
        """Whether it has detections for an arm."""

    def is_finished(self, picture: Picture) -> bool:
        """Whether its detections in a picture are there already."""

    def detect_ms(self, picture: Picture) -> float | None:
        """How long the detector took for a picture; None where that is not known."""

    def __call__(self, arm: Arm, sample: Sample, picture: Picture) -> Detections:
        """The detections in one picture of an arm."""


def open_source(
    detector: Backend, dataset: Dataset, deblurrers: Sequence[str], truth: Truth, stages: Stages
) -> tuple[Mapping[int, str], DetectionSource]:
    """The classes by category id, and the source of the detector's boxes in terms of them.

    Of pictures without boxes, the classes are all that the detector knows. Raises NotEvaluableError where there are no
    boxes to hold detections against, DataError where recorded ones do not fit the dataset, UsageError where the
    detector knows none of its classes.
    """
    if not dataset.classes and (truth == "labels" or detector.entry.by_name):
        beside = "" if getattr(dataset, "timeline", None) is None else ". Or put a clip's boxes beside it, as MOT files"
        raise NotEvaluableError(
            f"dataset {dataset.name} has no boxes: add --truth pseudo, which takes the detector's own on the sharp "
            f"pictures, or --truth none, which compares arms without truth, and name a detector that runs{beside}"
        )
    if detector.entry.by_name:
        return dataset.classes, RecordedSource(detector, dataset, dataset.classes, deblurrers)
    of_detector = stages.classes(detector)
    if dataset.classes:
        return dataset.classes, RunningDetector(stages, detector, match_classes(of_detector, dataset.classes))
    own = dict(enumerate(of_detector, start=1))
    return own, RunningDetector(stages, detector, ClassMap(np.array(list(own), dtype=np.int64), (), ()))


class RunningDetector:
    """A detector that runs on every picture whose detections are not in the cache."""

    def __init__(self, stages: Stages, backend: Backend, classes: ClassMap) -> None:
        self.classes, self.notes = classes, stages.notes(backend)
        self._stages, self._backend = stages, backend

    def has(self, arm: Arm) -> bool:  # noqa: ARG002  (recorded detections are by arm)
        """It can run on any picture."""
        return True

    def is_finished(self, picture: Picture) -> bool:
        """Whether the cache has them."""
        return self._stages.detected_before(self._backend, picture)

    def detect_ms(self, picture: Picture) -> float | None:
        """As it was measured when the detector ran, in this command or an earlier one."""
        return self._stages.detect_ms(self._backend, picture)

    def __call__(self, arm: Arm, sample: Sample, picture: Picture) -> Detections:  # noqa: ARG002
        """What the detector finds in the picture, other classes than the dataset's left out."""
        return self.classes.translate(self._stages.detect(self._backend, picture))


class RecordedSource:
    """Detections from files; what they call a category is the dataset's.

    Raises DataError where an arm's file is missing or does not fit the dataset.
    """

    def __init__(
        self, backend: Backend, dataset: Dataset, classes: Mapping[int, str], deblurrers: Sequence[str]
    ) -> None:
        samples = list(dataset)
        id_source: IdSource = getattr(dataset, "id_source", "format")
        self._found = RecordedDetections(backend.entry.options["place"], samples, classes.keys(), id_source)
        sharp = [SHARP] if any(sample.sharp is not None for sample in samples) else []
        for arm in (*sharp, BLURRED, *(Arm("blurred", name) for name in deblurrers if name != ALIKE)):
            self._found.require(arm.name)
        self.classes = ClassMap(np.array(list(classes), dtype=np.int64), (), ())
        self.notes = self._found.notes

    def has(self, arm: Arm) -> bool:
        """Whether the arm was recorded, or needs no record."""
        return self._found.has(arm.name) or arm.deblurrer == ALIKE

    def is_finished(self, picture: Picture) -> bool:  # noqa: ARG002  (a detector that runs is by picture)
        """They were recorded."""
        return True

    def detect_ms(self, picture: Picture) -> float | None:  # noqa: ARG002
        """Another program ran the detector."""
        return None

    def __call__(self, arm: Arm, sample: Sample, picture: Picture) -> Detections:  # noqa: ARG002
        """What was recorded for the sample."""
        self._found.require(arm.name)
        return self._found.find(arm.name, sample.id)

"""How the detector looks at an arm's pictures: it runs, or what it found was recorded; in the dataset's terms."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from detbench.detectors.recorded_detections import RecordedDetections
from detbench.errors import NotEvaluableError
from detbench.evaluation.measure.class_map import ClassMap, match_classes
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.measure.truth import Truth
from detbench.plugins.backend import Backend
from detbench.results.schema import on_sharp
from detbench.types import Dataset, Detections, Picture, Sample

ALIKE = "identity"
"""The deblurrer whose pictures are the blurred ones, so that nobody needs to record it."""


class Look(Protocol):
    """Detections in a picture of an arm, labels being category ids; `can_see` says whether it has any for the arm."""

    @property
    def classes(self) -> ClassMap:
        """What its classes are in the dataset."""

    def can_see(self, arm: str) -> bool:
        """Whether it can be asked for an arm."""

    def __call__(self, arm: str, sample: Sample, picture: Picture) -> Detections:
        """What it finds in one picture of an arm."""


def find_look(
    detector: Backend, dataset: Dataset, deblurrers: Sequence[str], truth: Truth, stages: Stages
) -> tuple[Mapping[int, str], Look]:
    """The classes by category id, and the detector's look at pictures in terms of them.

    Of pictures without boxes, the classes are all that the detector knows. Raises NotEvaluableError where there are no
    boxes to hold detections against, DataError where recorded ones do not fit the dataset, UsageError where the
    detector knows none of its classes.
    """
    if not dataset.classes and (truth != "pseudo" or detector.entry.by_name):
        raise NotEvaluableError(
            f"dataset {dataset.name} has no boxes: add --truth pseudo, which takes the detector's own on the sharp "
            "pictures, and name a detector that runs"
        )
    if detector.entry.by_name:
        return dataset.classes, RecordedLook(detector, dataset, dataset.classes, deblurrers)
    of_detector = stages.classes(detector)
    classes = dataset.classes or dict(enumerate(of_detector, start=1))
    return classes, LiveLook(stages, detector, match_classes(of_detector, classes))


class LiveLook:
    """A detector that runs on every picture that it has not seen."""

    def __init__(self, stages: Stages, backend: Backend, classes: ClassMap) -> None:
        self.classes = classes
        self._stages, self._backend = stages, backend

    def can_see(self, arm: str) -> bool:  # noqa: ARG002  (a recorded one asks which)
        """Whatever arm it is."""
        return True

    def __call__(self, arm: str, sample: Sample, picture: Picture) -> Detections:  # noqa: ARG002
        """What it finds in the picture, other classes than the dataset's left out."""
        return self.classes.translate(self._stages.detect(self._backend, picture))


class RecordedLook:
    """Detections from files; what they call a category is the dataset's.

    Raises DataError where an arm's file is missing or does not fit the dataset.
    """

    def __init__(
        self, backend: Backend, dataset: Dataset, classes: Mapping[int, str], deblurrers: Sequence[str]
    ) -> None:
        samples = list(dataset)
        sizes = {sample.id: (sample.blurred.width, sample.blurred.height) for sample in samples}
        self._found = RecordedDetections(backend.entry.options["place"], sizes, classes.keys())
        sharp = ["sharp"] if any(sample.sharp is not None for sample in samples) else []
        for arm in (*sharp, "blurred", *(name for name in deblurrers if name != ALIKE)):
            self._found.require(arm)
        self.classes = ClassMap(np.array(list(classes), dtype=np.int64), (), ())

    def can_see(self, arm: str) -> bool:
        """Whether the arm was recorded."""
        return self._found.has(arm) or arm in (ALIKE, on_sharp(ALIKE))

    def __call__(self, arm: str, sample: Sample, picture: Picture) -> Detections:  # noqa: ARG002
        """What was recorded for the sample."""
        self._found.require(arm)
        return self._found.find(arm, sample.id)

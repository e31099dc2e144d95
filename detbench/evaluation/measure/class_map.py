"""The detector's classes in the dataset's terms, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.errors import UsageError
from detbench.types import Detections


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
    """Pair classes of equal name, letter case and surrounding space aside; raises UsageError where none is shared."""
    ids = {_plain(name): number for number, name in dataset.items()}
    category_of = np.array([ids.get(_plain(name), -1) for name in detector], dtype=np.int64)
    known = {_plain(name) for name in detector}
    unmatched_dataset = tuple(name for name in dataset.values() if _plain(name) not in known)
    if len(unmatched_dataset) == len(dataset):
        raise UsageError(
            f"the detector knows none of the dataset's classes: it finds {_some(detector)}; "
            f"the dataset has {_some(tuple(dataset.values()))}. Choose another detector or rename the classes"
        )
    unmatched_detector = tuple(name for name in detector if _plain(name) not in ids)
    return ClassMap(category_of, unmatched_dataset, unmatched_detector)


def _plain(name: str) -> str:
    return name.strip().casefold()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")

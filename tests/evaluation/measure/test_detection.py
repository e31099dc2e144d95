"""The detector's classes in the dataset's terms."""

import numpy as np
import pytest

from detbench.errors import UsageError
from detbench.evaluation.measure.detection import match_classes
from detbench.types import Detections


def test_labels_become_category_ids_by_name() -> None:
    """Classes meet by name, whatever their order, letter case or ids; what has no partner is left out and reported."""
    classes = match_classes(("cat", "Person ", "kite"), {7: "person", 90: "cat", 91: "sofa"})
    found = Detections(np.array([[0, 0, 1, 2.0]] * 3), np.array([0.9, 0.8, 0.7]), np.array([1, 2, 0]))
    kept = classes.translate(found)
    assert kept.labels.tolist() == [7, 90]
    assert kept.scores.tolist() == [0.9, 0.7]
    assert classes.unmatched_dataset == ("sofa",)
    assert classes.unmatched_detector == ("kite",)


def test_nothing_in_common_is_refused() -> None:
    """A detector that shares no class with the dataset would score 0 for a reason that is not detection."""
    with pytest.raises(UsageError, match=r"none of the dataset's classes.*kite.*person"):
        match_classes(("kite",), {1: "person"})

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


def test_equal_names_win_over_like_ones() -> None:
    """Where a name is met letter by letter, names that differ in case or space are classes of their own."""
    classes = match_classes(("Person", "person", "car "), {1: "person", 91: "Person ", 3: "Car"})
    assert classes.category_of.tolist() == [-1, 1, 3]
    assert classes.unmatched_dataset == ("Person ",)
    assert classes.unmatched_detector == ("Person",)


@pytest.mark.parametrize(
    ("detector", "dataset"),
    [
        (("PERSON",), {1: "person", 91: "Person"}),
        (("Person", "PERSON"), {1: "person"}),
        (("person", "person"), {1: "person"}),
    ],
)
def test_classes_that_fit_two_are_refused(detector: tuple[str, ...], dataset: dict[int, str]) -> None:
    """No class is merged with another without a word."""
    with pytest.raises(UsageError, match=r"cannot be told apart: .*'person' \(1\).* the very same name in both"):
        match_classes((*detector, "kite"), {**dataset, 5: "kite"})


def test_other_words_for_a_class_are_not_matched() -> None:
    """Spellings that differ within the name are other classes."""
    classes = match_classes(("traffic light", "kite"), {1: "traffic_light", 2: "kite"})
    assert (classes.unmatched_dataset, classes.category_of.tolist()) == (("traffic_light",), [-1, 2])

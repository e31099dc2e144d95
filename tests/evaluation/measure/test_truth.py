"""The detector's own boxes as truth."""

from collections.abc import Sequence

import numpy as np
import pytest

from detbench.errors import BackendError
from detbench.evaluation.measure.truth import pseudo_truth
from detbench.types import Detections, GroundTruth, Picture, Sample


def sample() -> Sample:
    """A picture whose own truth is one box."""
    blurred = Picture("0" * 64, 100, 80, lambda: np.zeros((80, 100, 3), np.uint8))
    truth = GroundTruth(np.ones((1, 4)), np.array([1]), np.array([True]), np.ones(1), np.array([5]))
    return Sample(7, "street.png", None, blurred, truth)


def found(scores: Sequence[float]) -> Detections:
    """Boxes of growing width, 2 pixels high, of the classes 1, 2, …"""
    count = len(scores)
    boxes = np.array([[10, 20, 11 + place, 22] for place in range(count)], np.float64).reshape(-1, 4)
    return Detections(boxes, np.array(scores, np.float64), np.arange(1, count + 1))


def test_sure_boxes_become_the_truth() -> None:
    """From confidence .5 on, that included, a box is true; its area is its own, and it is no crowd."""
    truth = pseudo_truth(sample(), found([0.9, 0.499, 0.5]), place=0).truth
    assert truth.boxes.tolist() == [[10, 20, 11, 22], [10, 20, 13, 22]]
    assert truth.labels.tolist() == [1, 3]
    assert truth.areas.tolist() == [2, 6]
    assert truth.crowd.tolist() == [False, False]


def test_ids_follow_from_the_place_alone() -> None:
    """Each picture has ten thousand ids of its own, so that shards number alike; unsure boxes use none."""
    assert pseudo_truth(sample(), found([0.9, 0.1, 0.8]), place=0).truth.ids.tolist() == [1, 2]
    assert pseudo_truth(sample(), found([0.9, 0.1, 0.8]), place=3).truth.ids.tolist() == [30_001, 30_002]


def test_a_picture_may_have_no_truth() -> None:
    """Where the detector is sure of nothing the truth is empty, and the rest of the sample stays."""
    of_detector = pseudo_truth(sample(), found([]), place=2)
    assert len(of_detector.truth) == 0
    assert (of_detector.id, of_detector.file_name) == (7, "street.png")


def test_more_boxes_than_ids_are_refused() -> None:
    """9,999 boxes fit; one more ends in a message with the picture's name, for ids of two pictures would meet."""
    assert pseudo_truth(sample(), found([0.5] * 9_999), place=1).truth.ids[-1] == 19_999
    with pytest.raises(BackendError, match=r"street\.png: 10,000 boxes are too many"):
        pseudo_truth(sample(), found([0.5] * 10_000), place=1)

"""Stable orders by radix sort."""

import numpy as np
import pytest

from detbench.metrics.radix_order import order_of


@pytest.mark.parametrize("boxes", [0, 1, 2, 5_000])
def test_order_equals_lexsort_of_groups_and_falling_scores_with_ties(boxes: int) -> None:
    """Boxes are sorted as np.lexsort sorts them, with many ties, negative scores and both zeros."""
    rng = np.random.default_rng(boxes)
    group = rng.integers(0, 40, boxes) * 2**40
    scores = rng.choice([0.0, -0.0, 0.5, -0.5, 1e-300, -3.25, np.inf], boxes)
    assert order_of(group, scores).tolist() == np.lexsort((-scores, group)).tolist()


def test_scores_that_differ_in_the_last_bit_are_told_apart() -> None:
    """The surer box goes first, however little surer it is."""
    scores = np.array([0.5, np.nextafter(0.5, 1), np.nextafter(0.5, 0)])
    assert order_of(np.zeros(3, np.int64), scores).tolist() == [1, 0, 2]


def test_without_scores_boxes_of_a_group_keep_their_order() -> None:
    """Groups ascend, and within one the earlier box stays first."""
    assert order_of(np.array([7, 0, 7, 3, 0])).tolist() == [1, 4, 3, 0, 2]

from collections.abc import Callable

import numpy as np
import pytest

from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.matching import FALSE_POSITIVE, IGNORED, Counts, Matches, count
from detbench.metrics.precision_recall import CONFIDENCES, confidence_sweep, precision_recall
from detbench.metrics.ranking import ranked
from detbench.metrics.specs import CONFIDENCE


def test_the_curve_is_pycocotools_own(draw_coco: Callable, coco_evaluator: Callable) -> None:
    """On random data the mean curve at IoU .5 equals that of pycocotools' precision array, to 1e-12."""
    compared = 0
    for seed in range(80):
        truth, results = draw_coco(np.random.default_rng(seed))
        if not results:
            continue
        columns = true_columns(truth)
        ours = precision_recall(ranked(columns, found_columns(results, columns)))
        theirs = coco_evaluator(truth, results)
        theirs.accumulate()
        by_class = theirs.eval["precision"][0, :, :, 0, -1]
        defined = by_class[:, by_class[0] > -1]
        if defined.size == 0:
            assert ours is None
            continue
        np.testing.assert_allclose(ours, defined.mean(axis=1), rtol=0, atol=1e-12)
        compared += 1
    assert compared > 40


def test_the_sweep_counts_as_counting_does() -> None:
    """At every confidence the counts are the sum of the pictures' own; the stated confidence is among them."""
    rng = np.random.default_rng(0)
    pictures = [
        Matches(rng.choice([0, FALSE_POSITIVE, IGNORED], 30), np.round(rng.random(30), 2), 30) for _ in range(4)
    ]
    points = confidence_sweep(pictures)
    assert [point.confidence for point in points] == CONFIDENCES.tolist()
    assert CONFIDENCE in CONFIDENCES
    for point in points:
        counts = sum((count(matches, point.confidence) for matches in pictures), Counts(0, 0, 0))
        assert point.counts == counts


@pytest.mark.parametrize("pictures", [[], [Matches(np.empty(0, np.int64), np.empty(0), 2)]])
def test_nothing_found_is_swept_too(pictures: list[Matches]) -> None:
    """Without any box everything is missed at every confidence."""
    missed = 2 * len(pictures)
    assert {point.counts for point in confidence_sweep(pictures)} == {Counts(0, 0, missed)}

from collections.abc import Sequence

import numpy as np
import pytest

from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.matching import Matches, match
from detbench.metrics.operating_points import best_f1, best_f1_confidence, calibration, recall_at_precision

BOX, FAR, CROWD = [10.0, 20.0, 50.0, 40.0], [300.0, 5.0, 30.0, 60.0], [100.0, 100.0, 80.0, 40.0]


def matches(true: Sequence[float], false: Sequence[float], missed: int = 0, crowd: Sequence[float] = ()) -> Matches:
    """One picture a true box: found ones with the scores `true`, so many missed, false boxes and boxes on a crowd."""
    pictures = max(len(true) + missed, 1)
    boxes = [(image, BOX, 0) for image in range(1, len(true) + missed + 1)] + [(1, CROWD, 1)]
    annotations = [
        {"id": place, "image_id": image, "category_id": 1, "bbox": box, "area": 2000.0, "iscrowd": is_crowd}
        for place, (image, box, is_crowd) in enumerate(boxes, 1)
    ]
    truth = true_columns(
        {"images": [{"id": n} for n in range(1, pictures + 1)], "categories": [{"id": 1}], "annotations": annotations}
    )
    found = [(image, BOX, score) for image, score in enumerate(true, 1)]
    found += [(1, FAR, score) for score in false] + [(1, CROWD, score) for score in crowd]
    results = [{"image_id": image, "category_id": 1, "bbox": box, "score": score} for image, box, score in found]
    return match(truth, found_columns(results, truth))


def test_the_best_confidence_is_where_f1_is_highest() -> None:
    """Of four boxes three are found above .3, with one false one between: F1 is 2·2/(4+0+2), then 6/(6+1+1), best."""
    assert best_f1_confidence(matches([0.9, 0.8, 0.4], [0.5, 0.1], missed=1)) == 0.4
    assert best_f1_confidence(matches([0.9, 0.8, 0.4], [0.5, 0.45, 0.44, 0.43], missed=1)) == 0.8


def test_each_multiset_has_a_best_f1_of_its_own() -> None:
    """Four boxes, three found, one false: 6/8. Without the picture at .4 the best is 4/5 from .8 on; twice the picture
    that is missed, 6/9; only the false box's picture, 2/3 from its own true box and the false one; none, undefined.
    """
    arm = matches([0.4, 0.9, 0.8], [0.45], missed=1)
    draws = np.array([[1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 1, 2], [1, 0, 0, 0], [0, 0, 0, 0]])
    assert best_f1(arm, draws) == pytest.approx([6 / 8, 4 / 5, 6 / 9, 2 / 3, np.nan], nan_ok=True)
    assert np.isnan(best_f1(matches([], [], missed=2), np.ones((1, 2), np.int64))).all()


def test_boxes_of_one_score_count_together() -> None:
    """A true and three false boxes at .5 stand or fall together, in whatever order they came."""
    assert best_f1_confidence(matches([0.9, 0.5], [0.5, 0.5, 0.5])) == 0.9
    assert recall_at_precision(matches([0.9, 0.5], [0.5, 0.5, 0.5]), 0.6) == 0.5


def test_recall_is_that_of_the_lowest_confidence_with_the_precision() -> None:
    """At precision 1 two of four boxes are found; at .75 three; a precision that is never reached finds none."""
    arm = matches([0.9, 0.8, 0.4], [0.5], missed=1)
    assert [recall_at_precision(arm, precision) for precision in (1.0, 0.75, 0.2)] == [0.5, 0.75, 0.75]
    assert recall_at_precision(matches([0.4], [0.9]), 0.8) == 0


def test_calibration_is_the_distance_of_confidence_from_truth() -> None:
    """Two boxes at .95 of which one is true are .45 off, one true one at .75 is .25 off: (2·.45 + .25) / 3 in all."""
    found = calibration(matches([0.95, 0.75], [0.95], missed=2))
    assert found.boxes.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 2]
    assert found.true_share[[7, 9]].tolist() == [1, 0.5]
    assert np.isnan(found.mean_confidence[0])
    assert found.error == pytest.approx((2 * 0.45 + 0.25) / 3)
    assert calibration(matches([1.0], [0.1, 0.09])).boxes.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert calibration(matches([1.0], [])).error == 0


def test_boxes_on_crowds_count_nowhere() -> None:
    """They are neither true nor false, whatever their score."""
    plain, crowded = (matches([0.9, 0.4], [0.5], crowd=scores) for scores in ((), (0.99, 0.97)))
    assert calibration(crowded).boxes.tolist() == calibration(plain).boxes.tolist()
    assert best_f1_confidence(crowded) == best_f1_confidence(plain) == 0.4
    assert recall_at_precision(crowded, 1.0) == 0.5


def test_what_is_undefined_is_none() -> None:
    """Nothing found gives no confidence and no error, nothing to find no recall, an undefined precision neither."""
    assert (best_f1_confidence(matches([], [], missed=2)), calibration(matches([], [])).error) == (None, None)
    assert (best_f1_confidence(matches([], [0.5])), recall_at_precision(matches([], [0.5]), 0.5)) == (None, None)
    assert recall_at_precision(matches([0.5], []), float("nan")) is None
    assert recall_at_precision(matches([], [], missed=2), 0.5) == 0

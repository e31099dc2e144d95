from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from detbench.metrics.coco_scores import evaluate
from detbench.metrics.resampled import STAT_KEYS

CATEGORIES = [{"id": 3, "name": "car"}, {"id": 8, "name": "bus"}]
BOXES = [[10.0, 20.0, 100.0, 40.0], [50.0, 5.0, 20.0, 30.0], [0.0, 60.0, 150.0, 120.0]]


def truth(*objects: tuple[int, int, list[float]], images: int = 2) -> dict[str, Any]:
    """COCO truth of objects (picture, category, box x y w h)."""
    annotations = [
        {"id": id_, "image_id": image, "category_id": category, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for id_, (image, category, box) in enumerate(objects, start=1)
    ]
    pictures = [{"id": id_, "file_name": f"{id_}.png", "width": 200, "height": 180} for id_ in range(1, images + 1)]
    return {"images": pictures, "categories": CATEGORIES, "annotations": annotations}


def result(image: int, category: int, box: list[float], score: float = 0.9) -> dict[str, Any]:
    """One found box."""
    return {"image_id": image, "category_id": category, "bbox": box, "score": score}


TWO_CLASSES = truth((1, 3, BOXES[0]), (1, 8, BOXES[1]), (2, 3, BOXES[2]))
PERFECT = [result(1, 3, BOXES[0]), result(1, 8, BOXES[1]), result(2, 3, BOXES[2])]


def test_perfect_boxes_give_ap_1() -> None:
    """Every object found in its place scores 1 in all twelve numbers; only AR1 counts one box a picture and class."""
    scores = evaluate(TWO_CLASSES, PERFECT)
    assert list(scores.stats) == list(STAT_KEYS)
    assert scores.stats == pytest.approx(dict.fromkeys(STAT_KEYS, 1.0))
    assert scores.map_per_class == pytest.approx({3: 1.0, 8: 1.0})


def test_a_known_average_precision() -> None:
    """One of two cars found, nothing wrong: 51 of the 101 recalls are reached; a moved box counts at lower IoU only."""
    cars = truth((1, 3, BOXES[0]), (2, 3, BOXES[2]))
    assert evaluate(cars, PERFECT[:1]).stats["map"] == pytest.approx(51 / 101)
    moved = [10.0, 20.0, 100.0, 40.0 * 0.72]  # IoU .72: five of the ten thresholds
    stats = evaluate(truth((1, 3, BOXES[0])), [result(1, 3, moved)]).stats
    assert (stats["map50"], stats["map75"]) == (pytest.approx(1), 0)
    assert stats["map"] == pytest.approx(0.5)


def test_no_result_scores_nothing() -> None:
    """A detector that finds nothing has mAP 0, not an error, and not undefined."""
    scores = evaluate(TWO_CLASSES, [])
    assert scores.stats["map"] == 0
    assert scores.stats["ar100"] == 0
    assert scores.map_per_class == {3: 0, 8: 0}


def test_a_picture_without_detections_lowers_recall() -> None:
    """A picture in which nothing was found counts: its object is missed."""
    one, both = truth((1, 3, BOXES[0]), images=1), truth((1, 3, BOXES[0]), (2, 3, BOXES[2]))
    assert evaluate(one, PERFECT[:1]).stats["ar100"] == pytest.approx(1)
    assert evaluate(both, PERFECT[:1]).stats["ar100"] == pytest.approx(0.5)


@pytest.mark.parametrize("results", [[], [result(1, 3, BOXES[0])]], ids=["nothing found", "false alarm"])
def test_what_is_undefined_is_none(results: list[dict[str, Any]]) -> None:
    """Without any true box no number is defined: each is None, where pycocotools writes −1."""
    scores = evaluate(truth(), results)
    assert scores.stats == dict.fromkeys(STAT_KEYS)
    assert scores.map_per_class == {3: None, 8: None}


def test_a_class_without_true_boxes_is_left_out_of_the_mean() -> None:
    """A class that the truth lacks has no AP, and mAP is the mean over the others."""
    scores = evaluate(truth((1, 3, BOXES[0])), [result(1, 3, BOXES[0]), result(1, 8, BOXES[1])])
    assert scores.map_per_class == {3: pytest.approx(1), 8: None}
    assert scores.stats["map"] == pytest.approx(1)


def test_size_classes_without_objects_are_none() -> None:
    """mAP and recall of a size that no true box has are undefined; the others stand."""
    stats = evaluate(truth((1, 3, BOXES[1])), [result(1, 3, BOXES[1])]).stats
    assert stats["map_small"] == pytest.approx(1)
    assert (stats["map_medium"], stats["map_large"], stats["ar_medium"], stats["ar_large"]) == (None,) * 4


def test_arguments_stay_as_they_are() -> None:
    """Neither truth nor results are written to."""
    before = deepcopy((TWO_CLASSES, PERFECT))
    evaluate(TWO_CLASSES, PERFECT)
    assert before == (TWO_CLASSES, PERFECT)


def test_all_numbers_are_pycocotools_own(draw_coco: Callable, coco_evaluator: Callable) -> None:
    """On random data all twelve numbers and each class's AP equal those by way of files and `loadRes`, to 1e-12."""
    undefined = compared = 0
    for seed in range(260):
        document, results = draw_coco(np.random.default_rng(1000 + seed))
        if not results:
            continue
        before = deepcopy((document, results))
        ours = evaluate(document, results)
        assert (document, results) == before
        theirs = coco_evaluator(document, results)
        theirs.accumulate()
        theirs.summarize()
        assert list(ours.stats.values()) == [_number(value) for value in theirs.stats], seed
        by_class = np.moveaxis(theirs.eval["precision"][:, :, :, 0, 2], 2, 0)
        means = [_number(column[column > -1].mean() if (column > -1).any() else -1) for column in by_class]
        assert ours.map_per_class == dict(zip(sorted(row["id"] for row in document["categories"]), means, strict=True))
        undefined += list(ours.stats.values()).count(None)
        compared += 1
    assert compared >= 200
    assert undefined > 100  # the draw reaches sizes and classes without objects


def _number(value: float) -> Any:
    return None if value == -1 else pytest.approx(value, rel=0, abs=1e-12)

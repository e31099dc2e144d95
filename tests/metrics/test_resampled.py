"""COCO's numbers from one matching, held against pycocotools on random and edge datasets and on resampled ones.

DETBENCH_DATASETS sets how many datasets are drawn; `nox -s differential` draws 10,000.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.metrics.coco_scores import evaluate
from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.ranking import Ranking, ranked
from detbench.metrics.resampled import (
    RECALLS,
    STAT_KEYS,
    average_precision,
    coco_numbers,
    interpolated_precision,
    unit_weights,
)

Truth = dict[str, Any]
Results = list[dict[str, Any]]
Draw = Callable[..., tuple[Truth, Results]]
Stats = Callable[[Truth, Results], list[float | None]]
DATASETS = int(os.environ.get("DETBENCH_DATASETS", "300"))


def ranking_of(truth: Truth, results: Sequence[dict[str, Any]]) -> Ranking:
    """One matching of COCO documents."""
    columns = true_columns(truth)
    return ranked(columns, found_columns(results, columns))


def edge_case(rng: np.random.Generator, truth: Truth, results: Results) -> tuple[Truth, Results]:
    """Every seventh dataset bent towards an edge: one class, one score, nothing found, no true box, all crowd, or over
    100 boxes found of one class in one picture.
    """
    one_class = truth["categories"][0]["id"]
    annotations = truth["annotations"]
    match int(rng.integers(7 * 6)):
        case 0:
            annotations = [{**row, "category_id": one_class} for row in annotations]
            results = [{**row, "category_id": one_class} for row in results]
        case 1:
            results = [{**row, "score": 0.5} for row in results]
        case 2:
            results = []
        case 3:
            annotations = []
        case 4:
            annotations = [{**row, "iscrowd": 1} for row in annotations]
        case 5:
            image = truth["images"][0]["id"]
            results = (results * 300)[:300]
            results = [{**row, "image_id": image, "category_id": one_class} for row in results]
    return {**truth, "annotations": annotations}, results


def repeated(truth: Truth, results: Results, draw: NDArray[np.int32]) -> tuple[Truth, Results]:
    """The dataset with each picture as often as it was drawn, under new ids."""
    ids = sorted(image["id"] for image in truth["images"])
    copies = [(new, old) for new, old in enumerate(np.repeat(ids, draw).tolist(), start=1)]
    rows = [{**row, "image_id": new} for new, old in copies for row in truth["annotations"] if row["image_id"] == old]
    annotations = [{**row, "id": number} for number, row in enumerate(rows, start=1)]
    images = [{"id": new, "file_name": "", "width": 1, "height": 1} for new, _ in copies]
    found = [{**row, "image_id": new} for new, old in copies for row in results if row["image_id"] == old]
    return {**truth, "images": images, "annotations": annotations}, found


def assert_equal(ours: dict[str, NDArray[np.float64]], index: int, theirs: list[float | None]) -> None:
    """Hold one multiset's twelve numbers against pycocotools', undefined ones included."""
    for key, expected in zip(STAT_KEYS, theirs, strict=True):
        value = float(ours[key][index])
        assert np.isnan(value) if expected is None else value == pytest.approx(expected, rel=0, abs=1e-12), key


def once(ranking: Ranking) -> NDArray[np.integer[Any]]:
    """Every picture once."""
    return unit_weights(ranking.true_boxes.shape[1])


def test_twelve_numbers_are_pycocotools_own(draw_coco: Draw, coco_stats: Stats) -> None:
    """On random and edge datasets (crowds, ties, empty pictures, one class, areas on bin edges) all twelve numbers are
    equal to pycocotools', to 1e-12, undefined where it says −1.
    """
    for seed in range(DATASETS):
        rng = np.random.default_rng(seed)
        truth, results = edge_case(rng, *draw_coco(rng))
        ranking = ranking_of(truth, results)
        assert_equal(coco_numbers(ranking, once(ranking)), 0, coco_stats(truth, results))


def test_a_resample_is_pycocotools_on_the_resampled_dataset(draw_coco: Draw, coco_stats: Stats) -> None:
    """Drawing pictures again, some never and some several times, equals pycocotools on the dataset that has them so."""
    for seed in range(DATASETS // 5):
        rng = np.random.default_rng(50_000 + seed)
        truth, results = edge_case(rng, *draw_coco(rng))
        count = len(truth["images"])
        draws = rng.multinomial(count, [1 / count] * count, size=2).astype(np.int32)
        numbers = coco_numbers(ranking_of(truth, results), draws)
        for index, draw in enumerate(draws):
            assert_equal(numbers, index, coco_stats(*repeated(truth, results, draw)))


def test_ties_within_a_picture_are_repeated_in_turn(coco_stats: Stats) -> None:
    """A right and a wrong box of one score, in a picture drawn three times, take turns: right, wrong, right, wrong."""
    box, far = [10.0, 20.0, 50.0, 40.0], [300.0, 5.0, 30.0, 60.0]
    truth: Truth = {
        "images": [{"id": 7}],
        "categories": [{"id": 1}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": box, "area": 2000.0, "iscrowd": 0}],
    }
    results = [{"image_id": 7, "category_id": 1, "bbox": shown, "score": 0.5} for shown in (box, far)]
    draw = np.array([[3]], np.int32)
    value = coco_numbers(ranking_of(truth, results), draw)["map"][0]
    assert value == pytest.approx(coco_stats(*repeated(truth, results, draw[0]))[0], abs=1e-12)
    assert 3 / 5 < value < 1


def test_the_curve_is_pycocotools_own(draw_coco: Draw, coco_evaluator: Callable) -> None:
    """On random data the mean precision at IoU .5 equals that of pycocotools' precision array at each recall, to 1e-12;
    without true boxes there is none.
    """
    compared = 0
    for seed in range(80):
        truth, results = draw_coco(np.random.default_rng(seed))
        if not results:
            continue
        ours = interpolated_precision(ranking_of(truth, results))
        theirs = coco_evaluator(truth, results)
        theirs.accumulate()
        by_class = theirs.eval["precision"][0, :, :, 0, -1]
        defined = by_class[:, by_class[0] > -1]
        if defined.size == 0:
            assert ours is None
            continue
        assert ours is not None
        assert ours.shape == RECALLS.shape
        np.testing.assert_allclose(ours, defined.mean(axis=1), rtol=0, atol=1e-12)
        compared += 1
    assert compared > 40


def test_multisets_do_not_see_each_other(draw_coco: Draw) -> None:
    """Many multisets at a time give what each gives alone."""
    rng = np.random.default_rng(5)
    ranking = ranking_of(*draw_coco(rng))
    pictures = ranking.true_boxes.shape[1]
    draws = rng.integers(0, 4, (40, pictures)).astype(np.int32)
    together = coco_numbers(ranking, draws)
    for index in range(len(draws)):
        alone = coco_numbers(ranking, draws[index : index + 1])
        assert all(np.array_equal(values[index], alone[key][0], equal_nan=True) for key, values in together.items())


def test_size_classes_can_be_left_out(draw_coco: Draw) -> None:
    """Asked for all sizes alone, the same numbers come, without those of the size classes."""
    ranking = ranking_of(*draw_coco(np.random.default_rng(3)))
    whole, part = coco_numbers(ranking, once(ranking)), coco_numbers(ranking, once(ranking), ("all",))
    assert set(whole) == set(STAT_KEYS)
    assert set(part) == {key for key in STAT_KEYS if key.partition("_")[2] == ""}
    assert all(np.array_equal(part[key], whole[key], equal_nan=True) for key in part)


def test_average_precision_is_given_by_iou_and_class(draw_coco: Draw) -> None:
    """Its mean over IoUs is each class's AP as pycocotools has it."""
    truth, results = draw_coco(np.random.default_rng(12))
    ranking = ranking_of(truth, results)
    by_class = average_precision(ranking, once(ranking))[:, :, 0].mean(axis=0)
    theirs = evaluate(truth, results).map_per_class
    assert [None if np.isnan(value) else pytest.approx(value, abs=1e-12) for value in by_class] == [
        theirs[number] for number in sorted(theirs)
    ]


def test_what_the_truth_lacks_is_refused(draw_coco: Draw) -> None:
    """A found box of a picture or a class that is not in the truth would vanish without a word; it is an error."""
    truth, results = draw_coco(np.random.default_rng(12))
    for key in ("image_id", "category_id"):
        with pytest.raises(ValueError, match=f"{key} 4711 is not in the truth"):
            ranking_of(truth, [{**results[0], key: 4711}])

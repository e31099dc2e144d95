from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.evidence import Evidence, numbers_of
from detbench.metrics.ranking import ranked
from detbench.metrics.resampled import coco_numbers, unit_weights
from detbench.metrics.selective import (
    CHOICE_FOLDS,
    Rule,
    break_even,
    choose_by_measure,
    choose_by_truth,
    map_by_picture,
    mixture,
)

BOX, PICTURES = [10.0, 20.0, 50.0, 40.0], 40
IS_BLURRED = np.arange(PICTURES) % 2 == 1
MEASURE = np.where(IS_BLURRED, 0.5, 0.3) + np.linspace(0, 0.01, PICTURES)

Found = list[dict[str, Any]]


def evidence(truth: dict[str, Any], results: Found, counts: NDArray[np.int64]) -> Evidence:
    """An arm that found so much, without picture quality."""
    columns = true_columns(truth)
    return Evidence(ranked(columns, found_columns(results, columns)), counts, {})


def arm(finds: NDArray[np.bool_], has_car: NDArray[np.bool_] | None = None) -> Evidence:
    """One that finds the car of some pictures, (N,); a picture without one makes a false alarm of it."""
    has_car = np.ones(PICTURES, np.bool_) if has_car is None else has_car
    box = {"category_id": 1, "bbox": BOX}
    truth = {
        "images": [{"id": n} for n in range(PICTURES)],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {**box, "id": n + 1, "image_id": n, "area": 2000.0, "iscrowd": 0} for n in np.flatnonzero(has_car).tolist()
        ],
    }
    results = [{**box, "image_id": n, "score": 0.9 - n / 1000} for n in np.flatnonzero(finds).tolist()]
    return evidence(truth, results, np.stack([finds & has_car, finds & ~has_car, ~finds & has_car], axis=1) * 1)


def test_the_gate_opens_for_the_blurred_pictures_alone() -> None:
    """Where restoring mends the blurred half and ruins the sharp one, each picture is restored just where it helps."""
    found = choose_by_measure(arm(~IS_BLURRED), arm(IS_BLURRED), MEASURE)
    assert found.chosen.tolist() == IS_BLURRED.tolist()
    assert found.rule.restores == "above"
    assert 0.31 < (found.rule.threshold or 0) < 0.5


def test_the_side_is_learnt() -> None:
    """A measure that is low for blurred pictures restores those below its threshold."""
    found = choose_by_measure(arm(~IS_BLURRED), arm(IS_BLURRED), -MEASURE)
    assert found.chosen.tolist() == IS_BLURRED.tolist()
    assert found.rule.restores == "below"


def test_the_curve_goes_from_none_to_all() -> None:
    """Its ends are the mAP of both arms, and at half of the pictures it is 1."""
    shares, values = choose_by_measure(arm(~IS_BLURRED), arm(IS_BLURRED), MEASURE).curve
    assert (shares[0], shares[-1]) == (0, 1)
    assert (np.diff(shares) > 0).all()
    assert values[shares == 0.5] == pytest.approx(1)
    both = (arm(~IS_BLURRED), arm(IS_BLURRED))
    ends = [coco_numbers(each.ranking, unit_weights(PICTURES), ("all",))["map"][0] for each in both]
    assert values[[0, -1]] == pytest.approx(ends)


@pytest.mark.parametrize(("mends", "restores"), [(False, "never"), (True, "always")])
def test_where_no_picture_gains_or_all_do_there_is_no_threshold(mends: bool, restores: str) -> None:
    """Equal rules restore as little as they can."""
    every = np.ones(PICTURES, np.bool_)
    found = choose_by_measure(arm(~every if mends else every), arm(every), MEASURE)
    assert (found.rule.restores, found.rule.threshold) == (restores, None)
    assert found.chosen.tolist() == [mends] * PICTURES


@pytest.mark.parametrize("picture", [0, 5, 23, PICTURES - 1])
def test_a_picture_is_gated_by_a_rule_that_never_saw_it(picture: int) -> None:
    """Whatever its truth, what was found in it, and the measures of its fold are: the rule of its fold is the same."""
    rng = np.random.default_rng(8)
    one, other = rng.random((2, PICTURES)) < 0.6
    before = choose_by_measure(arm(one), arm(other), MEASURE).chosen
    has_car = np.ones(PICTURES, np.bool_)
    has_car[picture] = False
    one[picture], other[picture] = not one[picture], not other[picture]
    after = choose_by_measure(arm(one, has_car), arm(other, has_car), MEASURE).chosen
    fold = np.arange(PICTURES) * CHOICE_FOLDS // PICTURES
    inside = fold == fold[picture]
    assert after[inside].tolist() == before[inside].tolist()
    assert len(np.unique(before)) == 2, "a choice that is always the same could see anything"


@pytest.mark.parametrize("picture", [0, 5, 23, PICTURES - 1])
def test_a_gain_in_one_picture_alone_does_not_open_its_own_gate(picture: int) -> None:
    """Where restoring helps in one picture and changes no other, the others say never, so that it is not restored; the
    rule of all pictures, and those of the other folds, know of it.
    """
    every = np.ones(PICTURES, np.bool_)
    but_one = np.arange(PICTURES) != picture
    found = choose_by_measure(arm(but_one), arm(every), MEASURE)
    assert not found.chosen[picture]
    assert found.rule.chosen(MEASURE)[picture]


def test_a_measure_that_is_noise_gains_nothing_on_average() -> None:
    """Over thirty draws of a measure that knows nothing, the gate is no better than the better arm."""
    rng = np.random.default_rng(4)
    blurred, restored = arm(rng.random(PICTURES) < 0.5), arm(rng.random(PICTURES) < 0.5)
    best = max(map_of(blurred), map_of(restored))
    gained = [map_of(mixture(blurred, restored, chosen(blurred, restored, rng))) - best for _ in range(30)]
    assert float(np.mean(gained)) < 0.01


def chosen(blurred: Evidence, restored: Evidence, rng: np.random.Generator) -> NDArray[np.bool_]:
    """What a gate by noise restores."""
    return choose_by_measure(blurred, restored, rng.random(PICTURES)).chosen


def map_of(one: Evidence) -> float:
    """The arm's mAP."""
    return float(coco_numbers(one.ranking, unit_weights(PICTURES), ("all",))["map"][0])


def test_an_undefined_measure_leaves_the_picture_as_it_is() -> None:
    """NaN opens no gate but the one that is always open."""
    measure = np.array([np.nan, 0.2, 0.6])
    rules = (Rule("above", 0.5), Rule("below", 0.5), Rule("never"), Rule("always"))
    assert [rule.chosen(measure).tolist() for rule in rules] == [
        [False, False, True], [False, True, False], [False] * 3, [True] * 3,
    ]  # fmt: skip


def test_the_oracle_takes_the_better_picture_and_leaves_ties() -> None:
    """Restored where that finds the car; where both find it, or neither, the picture stays as it is."""
    blurred, restored = np.array([[1, 0, 0, 1] * 10, [0, 1, 0, 1] * 10], np.bool_)
    assert choose_by_truth(arm(blurred), arm(restored)).tolist() == [False, True, False, False] * 10


def test_the_oracle_counts_false_alarms_where_there_is_nothing_to_find() -> None:
    """Of two pictures without a car, that without a false alarm is better, whichever arm it is of."""
    has_car = np.arange(PICTURES) < 2
    blurred, restored = has_car.copy(), has_car.copy()
    blurred[2], restored[3] = True, True
    assert np.flatnonzero(choose_by_truth(arm(blurred, has_car), arm(restored, has_car))).tolist() == [2]


def test_the_map_of_a_picture_is_that_of_the_picture_alone() -> None:
    """1 where its car is found, 0 where it is not, undefined without one, over more pictures than a block holds too."""
    finds, has_car = np.arange(PICTURES) < 30, np.arange(PICTURES) < 35
    values = map_by_picture(arm(finds, has_car).ranking)
    assert values[:35].tolist() == pytest.approx([1.0] * 30 + [0.0] * 5)
    assert np.isnan(values[35:]).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_mixture_is_its_detections_scored(
    seed: int, draw_coco: Callable[..., tuple[dict[str, Any], Found]], coco_stats: Callable[..., list[float | None]]
) -> None:
    """Its numbers are pycocotools' on the file that takes each picture's detections from either arm, ties included."""
    rng = np.random.default_rng(seed)
    truth, one = draw_coco(rng)
    other = [
        {**row, "score": float(rng.integers(0, 11)) / 10, "bbox": [row["bbox"][0] + 2, *row["bbox"][1:]]}
        for row in one
        if rng.random() < 0.8
    ]
    ids = sorted(image["id"] for image in truth["images"])
    mask = rng.random(len(ids)) < 0.5
    counts = np.zeros((len(ids), 3), np.int64)
    mixed = mixture(evidence(truth, one, counts), evidence(truth, other, counts), mask)
    restored = set(np.array(ids)[mask].tolist())
    taken = [row for row in one if row["image_id"] not in restored]
    taken += [row for row in other if row["image_id"] in restored]
    values = coco_numbers(mixed.ranking, unit_weights(len(ids)))
    ours = [None if np.isnan(value[0]) else float(value[0]) for value in values.values()]
    assert ours == pytest.approx(coco_stats(truth, taken), abs=1e-12)


def test_counts_and_quality_go_with_the_pictures() -> None:
    """Each picture's are those of the arm that it is taken from."""
    finds = np.ones(PICTURES, np.bool_)
    both = [
        Evidence(each.ranking, each.counts, {"psnr_db": np.full(PICTURES, value)})
        for each, value in ((arm(~finds), 20.0), (arm(finds), 30.0))
    ]
    numbers = numbers_of(mixture(both[0], both[1], np.arange(PICTURES) < 10), unit_weights(PICTURES))
    assert (numbers["recall"][0], numbers["psnr_db"][0]) == (0.25, 22.5)


def test_break_even_weighs_gain_against_harm() -> None:
    """A gain of .06 and a harm of .02 are even at three sharp pictures of four; without harm there is no such share."""
    values = break_even(np.array([0.06, 0.06, -0.01, 0.06]), np.array([0.02, 0.0, 0.02, -0.01]))
    assert values[0] == pytest.approx(0.75)
    assert np.isnan(values[1:]).all()

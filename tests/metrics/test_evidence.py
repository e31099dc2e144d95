from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detbench.metrics.coco_scores import evaluate
from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.evidence import Evidence, gap_recovered, numbers_of, p_values, point_numbers
from detbench.metrics.ranking import ranked
from detbench.metrics.resampled import STAT_KEYS
from detbench.metrics.uncertainty import leave_out

BOX, PICTURES = [10.0, 20.0, 50.0, 40.0], 12


def document(results: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Twelve pictures with one car each."""
    annotation = {"category_id": 1, "bbox": BOX, "area": 2000.0, "iscrowd": 0}
    return {
        "images": [{"id": number} for number in range(1, PICTURES + 1)],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [{**annotation, "id": n, "image_id": n} for n in range(1, PICTURES + 1)],
    }


def evidence(found_in: int, psnr_db: float = 25.0) -> Evidence:
    """An arm that finds the car of the first so many pictures; the last picture's PSNR is undefined."""
    results = [{"image_id": n, "category_id": 1, "bbox": BOX, "score": 0.9} for n in range(1, found_in + 1)]
    truth = true_columns(document())
    counts = np.array([[1, 0, 0]] * found_in + [[0, 0, 1]] * (PICTURES - found_in))
    quality = np.full(PICTURES, psnr_db)
    quality[-1] = np.nan
    by_key = {"psnr_db": quality, "ssim": np.full(PICTURES, 0.8)}
    return Evidence(ranked(truth, found_columns(results, truth)), counts, by_key)


def test_point_numbers_are_those_over_every_picture_once() -> None:
    """All seventeen numbers of the dataset as it is; COCO's are pycocotools', means leave undefined pictures out."""
    numbers = point_numbers(evidence(6))
    results = [{"image_id": n, "category_id": 1, "bbox": BOX, "score": 0.9} for n in range(1, 7)]
    assert {key: numbers[key] for key in STAT_KEYS} == pytest.approx(dict(evaluate(document(), results).stats))
    assert (numbers["precision"], numbers["recall"], numbers["f1"]) == (1, 0.5, pytest.approx(2 / 3))
    assert (numbers["psnr_db"], numbers["ssim"]) == (25, pytest.approx(0.8))


def test_some_pictures_are_as_if_there_were_no_others() -> None:
    """Over pictures 4 to 8, of which 4 to 6 have their car found, every number is what weights of 0 for the others
    give, and so it is with one of the five left out.
    """
    few = np.arange(3, 8)
    folds, whole = leave_out(len(few)), np.zeros((6, PICTURES), np.uint8)
    whole[:, few] = folds
    ours, theirs = numbers_of(evidence(6).among(few), folds), numbers_of(evidence(6), whole)
    assert ours["recall"][0] == pytest.approx(0.6)
    assert ours.keys() == theirs.keys()
    assert all(np.allclose(ours[key], theirs[key], rtol=0, atol=1e-12, equal_nan=True) for key in ours)


def test_what_is_undefined_is_none() -> None:
    """Without anything found there is no precision; without one defined picture there is no PSNR."""
    numbers = point_numbers(evidence(0, psnr_db=np.nan))
    assert numbers["precision"] is None
    assert numbers["psnr_db"] is None
    assert numbers["recall"] == 0


def test_numbers_follow_the_pictures_that_are_drawn() -> None:
    """Drawing only pictures with a found car gives recall 1, only others 0."""
    draws = np.zeros((2, PICTURES), np.int32)
    draws[0, :6], draws[1, 6:] = 2, 2
    numbers = numbers_of(evidence(6), draws)
    assert numbers["recall"].tolist() == numbers["ar100"].tolist() == [1, 0]
    assert numbers["map"] == pytest.approx([1, 0])


def test_equal_arms_differ_by_chance_only() -> None:
    """An arm against itself has p 1 in every number."""
    values = p_values(evidence(6), evidence(6), 200)
    assert set(values.values()) == {1}
    assert {"map", "f1", "psnr_db", "ssim"} <= set(values)


def test_a_clear_difference_has_a_small_p() -> None:
    """Ten of twelve cars against two: exchanging the arms at random hardly ever does as much; PSNR stays equal."""
    values = p_values(evidence(10), evidence(2), 999)
    assert values["map"] is not None
    assert values["map"] < 0.02
    assert values["psnr_db"] == 1


def test_one_picture_alone_proves_nothing() -> None:
    """Where the arms differ in a single picture, half of the exchanges do as much and the other half the opposite."""
    assert p_values(evidence(7), evidence(6), 200)["recall"] == 1


def test_exchanging_all_pictures_exchanges_the_arms(draw_coco: Callable) -> None:
    """p does not depend on which arm comes first."""
    one, other = evidence(9), evidence(5)
    assert p_values(one, other, 300) == p_values(other, one, 300)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("counts", {"counts": np.zeros((3, 3))}),
        ("ssim", {"quality": {"ssim": np.zeros(5)}}),
        ("psnr_db", {"quality": {"psnr_db": np.zeros((12, 1))}}),
    ],
)
def test_evidence_has_a_row_for_every_picture(name: str, wrong: dict[str, Any]) -> None:
    """Columns of another length are refused by name."""
    with pytest.raises(ValueError, match=name):
        replace(evidence(3), **wrong)


def test_only_metrics_of_both_arms_are_paired() -> None:
    """A metric that one arm lacks has no p-value, and takes none from the others."""
    lacking = replace(evidence(2), quality={"ssim": np.full(PICTURES, 0.7)})
    values = p_values(evidence(10), lacking, 999)
    assert "psnr_db" not in values
    assert values["ssim"] < 0.01
    assert values["map"] == p_values(evidence(10), evidence(2), 999)["map"]


@pytest.mark.parametrize(
    ("sharp", "blurred", "arm", "expected"),
    [
        (0.5, 0.3, 0.4, 0.5),
        (0.5, 0.3, 0.2, -0.5),
        (0.5, 0.3, 0.5, 1.0),
        (0.3, 0.3, 0.4, np.nan),
        (0.2, 0.3, 0.4, np.nan),
    ],
)
def test_gap_recovered(sharp: float, blurred: float, arm: float, expected: float) -> None:
    """The share of the lost mAP that came back; undefined where blur cost nothing."""
    result = gap_recovered(*(np.array([value]) for value in (arm, blurred, sharp)))
    assert result == pytest.approx([expected], nan_ok=True)

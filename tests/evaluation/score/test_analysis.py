"""Where an arm's mAP is won and lost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detbench.core.arm import Arm
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.analysis import analysis_of
from detbench.evaluation.score.arm_evidence import evidence_of_arms
from detbench.evaluation.score.cached_numbers import CachedNumbers
from detbench.evaluation.score.true_boxes import true_boxes
from detbench.results.cache import Cache

NET = Arm("blurred", "net")


@pytest.fixture
def analysis(tmp_path: Path) -> Callable[[Measurements], dict[str, Any]]:
    """Makes the analysis of the arm `net`."""

    def make(measured: Measurements) -> dict[str, Any]:
        truth = true_boxes(measured)
        numbers = CachedNumbers(Cache(tmp_path), truth, evidence_of_arms(measured.rows, truth.columns), resamples=0)
        return analysis_of(numbers, NET, measured.rows[NET], measured.basis.classes)

    return make


Analysis = Callable[[Measurements], dict[str, Any]]


def test_classes_have_their_own_map(make_measured: Callable[..., Measurements], analysis: Analysis) -> None:
    """Of two cars one is found, the first that a ranking has: recalls up to .5 at precision 1, 51 points of 101."""
    classes = analysis(make_measured({"blurred": (), "net": (21,)}))["classes"]
    assert {name: each["boxes"] for name, each in classes.items()} == {"car": 2, "bus": 1}
    assert classes["car"]["map"]["value"] == pytest.approx(51 / 101)
    assert classes["bus"]["map"]["value"] == 0


def test_an_arm_has_an_operating_point_of_its_own(
    make_measured: Callable[..., Measurements], analysis: Analysis
) -> None:
    """Two of three boxes found at .9 and nothing else: F1 4 / 5 from .9 on, a tenth off in calibration, and all that is
    found at the precision of the blurred arm, which finds one box and nothing false.
    """
    point = analysis(make_measured({"blurred": (21,), "net": (21, 23)}))["operating_point"]
    assert point["best_confidence"] == pytest.approx(0.9)
    assert (point["f1"]["value"], point["f1"]["n"]) == (pytest.approx(0.8), 2)
    assert point["recall_at_blurred_precision"] == pytest.approx(2 / 3)
    assert point["calibration_error"] == pytest.approx(0.1)
    assert [each["boxes"] for each in point["calibration"]] == [0] * 9 + [2]


def test_without_blurred_precision_there_is_no_recall_at_it(
    make_measured: Callable[..., Measurements], analysis: Analysis
) -> None:
    """Where nothing is found in the blurred pictures, no precision is to be reached."""
    assert (
        analysis(make_measured({"blurred": (), "net": (21,)}))["operating_point"]["recall_at_blurred_precision"] is None
    )


def test_pictures_are_binned_by_their_blur(make_measured: Callable[..., Measurements], analysis: Analysis) -> None:
    """6 px is in the first bin, 18 px opens the third; each has the mAP of its picture, and an empty bin has none."""
    bins = analysis(make_measured({"blurred": (), "net": (23,)}))["blur"]
    edges = [(each["from_px"], each["to_px"], each["pictures"]) for each in bins]
    assert edges == [(0, 8, 1), (8, 18, 0), (18, 30, 1), (30, None, 0)]
    assert [each["map"]["value"] for each in bins] == [0, None, pytest.approx(1), None]


def test_objects_are_binned_by_blur_beside_their_size(
    make_measured: Callable[..., Measurements], analysis: Analysis
) -> None:
    """6 px on boxes of 20×30 and 40×40 are .24 and .15 of their size, 18 px on one of 40×20 is .64; recall is at the
    stated confidence, so that a box found with less is missed, and an empty bin has none.
    """
    bins = analysis(make_measured({"blurred": (), "net": (22, 23)}))["relative_blur"]
    edges = [(each["from_ratio"], each["to_ratio"], each["objects"], each["pictures"]) for each in bins]
    assert edges == [(0, 0.125, 0, 0), (0.125, 0.25, 2, 1), (0.25, 0.5, 0, 0), (0.5, 1, 1, 1), (1, None, 0, 0)]
    assert [each["recall"]["value"] for each in bins] == [None, 0.5, None, 1, None]
    unsure = analysis(make_measured({"blurred": (), "net": (22, 23)}, score=0.2))["relative_blur"]
    assert [each["recall"]["value"] for each in unsure] == [None, 0, None, 0, None]


def test_a_blur_that_is_unknown_leaves_no_bins(make_measured: Callable[..., Measurements], analysis: Analysis) -> None:
    """One picture without a strength suffices, though the cache holds the bins of the same pictures with one."""
    measured = make_measured({"blurred": (), "net": (23,)})
    assert len(analysis(measured)["blur"]) == 4
    first, second = measured.rows[NET]
    rows = {**measured.rows, NET: [replace(first, sample=replace(first.sample, blur=None)), second]}
    record = analysis(replace(measured, rows=rows))
    assert record["blur"] == record["relative_blur"] == []


def test_the_curves_end_where_the_boxes_do(make_measured: Callable[..., Measurements], analysis: Analysis) -> None:
    """Boxes of confidence .6, two of three found: recall is 2/3 up to .60 and 0 above, where precision is undefined.
    The curve of precision is the mean of car's, which ends at recall .5, and bus's, which is whole.
    """
    record = analysis(make_measured({"blurred": (), "net": (21, 22)}, score=0.6))
    sweep = record["confidence_sweep"]
    assert [each["confidence"] for each in sweep] == pytest.approx([0.05 * step for step in range(1, 20)])
    assert [each["recall"] for each in sweep] == pytest.approx([2 / 3] * 12 + [0] * 7)
    assert [each["precision"] for each in sweep] == [1] * 12 + [None] * 7
    assert record["precision_recall"] == pytest.approx([1] * 51 + [0.5] * 50)


def test_errors_are_counted_by_kind(make_measured: Callable[..., Measurements], analysis: Analysis) -> None:
    """An arm that finds one box of three has missed two and has no other error; what it costs is mAP50."""
    errors = analysis(make_measured({"blurred": (), "net": (22,)}))["errors"]
    assert {kind: error["count"] for kind, error in errors.items() if error["count"]} == {"missed": 2}
    assert errors["missed"]["cost"] == pytest.approx(0.5)

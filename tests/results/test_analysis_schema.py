import copy
from collections.abc import Callable
from typing import Any

import pytest

from detbench.errors import DataError
from detbench.results.analysis_schema import analysis_from_json
from detbench.types import Estimate

MAP = {"value": 0.3, "n": 2, "low": 0.2, "high": 0.4}
ARM = {
    "errors": {"class": {"count": 3, "cost": -0.01}},
    "classes": {"car": {"boxes": 2, "map": MAP}},
    "blur": [{"from_px": 8.0, "to_px": None, "pictures": 2, "map": MAP}],
    "precision_recall": [1.0] * 101,
    "confidence_sweep": [{"confidence": 0.5, "precision": None, "recall": 0.1, "f1": None}],
}


POINT = {
    "best_confidence": 0.4,
    "f1": MAP,
    "recall_at_blurred_precision": None,
    "calibration_error": 0.1,
    "calibration": [{"boxes": 0, "mean_confidence": None, "true_share": None}] * 10,
}


def test_operating_points_are_newer_than_some_folders() -> None:
    """A folder without them reads as before; with them, ten bins are what a run writes."""
    assert analysis_from_json({"blurred": ARM}, ["blurred"], "analysis.json")["blurred"].operating_point is None
    with_point = {"blurred": {**ARM, "operating_point": POINT}}
    point = analysis_from_json(with_point, ["blurred"], "analysis.json")["blurred"].operating_point
    assert point is not None
    assert (point.best_confidence, point.f1.low, len(point.calibration)) == (0.4, 0.2, 10)
    nine = {"blurred": {**ARM, "operating_point": {**POINT, "calibration": POINT["calibration"][:9]}}}
    with pytest.raises(DataError, match="length"):
        analysis_from_json(nine, ["blurred"], "analysis.json")


def test_the_values_are_those_of_the_file() -> None:
    """An arm's mAP is an Estimate with its interval, an error may cost less than nothing, null is None."""
    arm = analysis_from_json({"blurred": ARM}, ["blurred"], "analysis.json")["blurred"]
    assert isinstance(arm.classes["car"].map, Estimate)
    assert (arm.classes["car"].map.value, arm.classes["car"].map.low, arm.classes["car"].map.high) == (0.3, 0.2, 0.4)
    assert (arm.errors["class"].count, arm.errors["class"].cost) == (3, -0.01)
    assert (arm.blur[0].from_px, arm.blur[0].to_px, arm.confidence_sweep[0].precision) == (8.0, None, None)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda arm: arm["classes"]["car"]["map"].update(value=1.5), r"<= 1.*classes\[\.\.\.\]\.map\.value"),
        (lambda arm: arm["errors"]["class"].update(count=-1), r">= 0.*errors\[\.\.\.\]\.count"),
        (lambda arm: arm["blur"][0].pop("pictures"), "pictures"),
        (lambda arm: arm["precision_recall"].pop(), "length >= 101"),
        (lambda arm: arm["confidence_sweep"][0].update(f1="high"), r"confidence_sweep\[0\]\.f1"),
    ],
)
def test_what_no_run_writes_is_refused(edit: Callable[[Any], object], words: str) -> None:
    """A number out of its range, a missing one and a text are named with file and place."""
    arm = copy.deepcopy(ARM)
    edit(arm)
    with pytest.raises(DataError, match=rf"job/analysis\.json: not as `detbench run` wrote it \(.*{words}"):
        analysis_from_json({"blurred": arm}, ["blurred"], "job/analysis.json")


def test_other_arms_than_the_results_are_refused() -> None:
    """A file of another run beside the result is noticed."""
    with pytest.raises(DataError, match=r"is about other arms than result\.json"):
        analysis_from_json({"blurred": ARM}, ["blurred", "wiener"], "analysis.json")

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detbench.errors import DataError
from detbench.metrics.specs import METRICS
from detbench.results.folder import read_result
from detbench.results.schema import (
    Difference,
    RunResult,
    adjusted,
    flat_metrics,
    is_ahead,
    result_from_json,
    result_to_json,
)
from detbench.types import Estimate

MakeResult = Callable[..., RunResult]


def through_json(result: RunResult) -> Any:
    """What a file would hold."""
    return json.loads(json.dumps(result_to_json(result), allow_nan=False))


def test_a_result_survives_json_exactly(make_result: MakeResult) -> None:
    """Every value, tuple and Estimate comes back equal, and is written as the same text again."""
    result = make_result({"sharp": 0.1 + 0.2, "blurred": None, "wiener": 1 / 3})
    again = result_from_json(through_json(result), "result.json")
    assert again == result
    assert json.dumps(result_to_json(again)) == json.dumps(result_to_json(result))


def test_the_largest_and_the_smallest_numbers_survive(make_result: MakeResult) -> None:
    """A number is the same double after it was text."""
    result = make_result({"wiener": 5e-324, "nah": 0.1 + 0.7, "deblurgan": 2**-0.5})
    assert flat_metrics(result_from_json(through_json(result), "")) == flat_metrics(result)


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused(make_result: MakeResult, schema: object) -> None:
    """A result of another version is not read by guessing; the message says which one it is."""
    value = {**through_json(make_result()), "schema": schema}
    with pytest.raises(DataError, match=rf"^runs/a/result\.json: not a result of schema 1 \(found {schema}\)"):
        result_from_json(value, "runs/a/result.json")


@pytest.mark.parametrize("value", [[], "text", 1, None, {}])
def test_anything_else_is_no_result(value: object) -> None:
    """JSON that is no result, such as COCO results, is refused by name."""
    with pytest.raises(DataError, match=r"^here: not a result of schema 1 \(found (list|str|int|NoneType|None)\)"):
        result_from_json(value, "here")


def change(*path: str | int, to: object = ...) -> Callable[[Any], None]:
    """An edit at a place within the JSON: another value, or none."""

    def edit(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        if to is ...:
            del value[path[-1]]
        else:
            value[path[-1]] = to

    return edit


KEYS = ("specification", "environment", "data", "detector", "arms", "differences", "shown")
DAMAGE = [
    *(change(key) for key in KEYS),
    change("data", "fingerprint"),
    change("data", to=None),
    change("specification", to=[]),
    change("shown", to=["a"]),
    change("arms", to=7),
    change("arms", 0, to="sharp"),
    change("arms", 0, "kind"),
    change("arms", 0, "metrics", to=None),
    change("arms", 0, "metrics", "map", to=0.5),
    change("arms", 0, "metrics", "map", "n"),
    change("arms", 0, "metrics", "map", "value", to="0.5"),
    change("arms", 0, "metrics", "map", "value", to=float("nan")),
    change("differences", 0, "difference"),
    change("shown", to=None),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_result_is_a_data_error(make_result: MakeResult, damage: Callable[[Any], None]) -> None:
    """A missing value, or one of another type, anywhere names the file and what to do, instead of a traceback."""
    value = through_json(make_result())
    damage(value)
    with pytest.raises(DataError, match=r"^runs/a/result\.json: damaged result \(.+\); run `detbench run` again$"):
        result_from_json(value, "runs/a/result.json")


def test_what_a_later_version_adds_is_let_pass(make_result: MakeResult) -> None:
    """Keys that this version does not know change nothing."""
    value = through_json(make_result())
    change("more", to=1)(value)
    change("data", "more", to=1)(value)
    assert result_from_json(value, "runs/a/result.json") == make_result()


def test_a_truncated_file_is_named(make_result: MakeResult, tmp_path: Path) -> None:
    """A file that ends too early is a DataError with its path."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result_to_json(make_result()))[:-20])
    with pytest.raises(DataError, match=r"result\.json: cannot be read \(.+\); run `detbench run` again"):
        read_result(path)


def test_flat_metrics_are_named_by_arm(make_result: MakeResult) -> None:
    """Each number of each arm is "<arm>.<metric>", in order; an undefined one is None and not left out."""
    flat = flat_metrics(make_result({"sharp": 0.6, "wiener": None}))
    assert list(flat) == ["sharp.map", "sharp.psnr_db", "sharp.f1", "wiener.map", "wiener.psnr_db", "wiener.f1"]
    assert (flat["sharp.map"], flat["wiener.map"], flat["sharp.psnr_db"]) == (0.6, None, None)


def test_an_arm_is_found_by_name(make_result: MakeResult) -> None:
    """`arm` gives the arm of that name, or None."""
    result = make_result({"sharp": 0.6, "wiener": 0.4})
    assert result.arm("wiener") is result.arms[1]
    assert result.arm("nah") is None
    assert replace(result, arms=()).arm("sharp") is None


def gain(arm: str, against: str, p_value: float | None, value: float = 0.02, metric: str = "map") -> Difference:
    """A difference whose interval leaves out 0."""
    return Difference(arm, against, metric, Estimate(value, 40, value - 0.01, value + 0.01), p_value)


def test_p_values_are_adjusted_within_their_family() -> None:
    """Deblurrers against blurred, metric by metric, and pairs of deblurrers; a test that stands alone is as it was."""
    given = [
        gain("blurred", "sharp", 0.04),
        gain("one", "blurred", 0.01),
        gain("two", "blurred", 0.04),
        gain("two", "blurred", 0.03, metric="recall"),
        gain("two", "one", 0.02),
        gain("three", "one", 0.03),
        gain("three", "two", None),
    ]
    assert [each.p_holm for each in adjusted(given)] == [None, 0.02, 0.04, None, 0.04, 0.04, None]


def test_who_is_ahead_goes_by_sign_direction_and_the_adjusted_p() -> None:
    """More mAP and less harm are better, from either side of the difference; what may be chance is ahead of nothing."""
    shown = [gain("one", "two", 0.01), gain("one", "two", 0.01, metric="harm"), gain("one", "three", 0.06)]
    assert (is_ahead(shown, "one", "two", METRICS["map"]), is_ahead(shown, "two", "one", METRICS["map"])) == (
        True,
        False,
    )
    assert (is_ahead(shown, "one", "two", METRICS["harm"]), is_ahead(shown, "two", "one", METRICS["harm"])) == (
        False,
        True,
    )
    assert not is_ahead(shown, "one", "three", METRICS["map"])
    assert not is_ahead([replace(shown[0], p_holm=0.06)], "one", "two", METRICS["map"])


def test_a_result_without_adjusted_p_values_gets_them_when_it_is_read(make_result: MakeResult) -> None:
    """Runs that were written before have several deblurrers too: .03 and .04 become .06 and .06."""
    gains = (gain("one", "blurred", 0.03), gain("two", "blurred", 0.04))
    value = through_json(replace(make_result(), differences=gains))
    for each in value["differences"]:
        del each["p_holm"]
    again = result_from_json(value, "result.json")
    assert [(each.p_value, each.p_holm, each.is_shown) for each in again.differences] == [
        (0.03, 0.06, False),
        (0.04, 0.06, False),
    ]


@pytest.mark.parametrize("key", ["p_value", "p_holm"])
def test_a_p_value_lies_between_0_and_1(key: str) -> None:
    """So do adjusted ones."""
    with pytest.raises(ValueError, match=r"0\.\.1, not 1\.5"):
        replace(gain("one", "blurred", 0.5), **{key: 1.5})

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detbench.errors import DataError
from detbench.results.folder import read_result
from detbench.results.schema import RunResult, flat_metrics, result_from_json, result_to_json

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

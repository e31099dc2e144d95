import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detbench.api.outcome import Comparison, OwnFolder, Result
from detbench.metrics.error_kinds import KINDS
from detbench.report.files_view import SHORT
from detbench.results.analysis_schema import ErrorCost
from detbench.results.compared_files import ComparedFile, ComparedTruth, FilesCompared, Flips
from detbench.results.schema import Difference, RunResult
from detbench.types import Estimate


@pytest.fixture
def result(make_result: Callable[..., RunResult], tmp_path: Path) -> Result:
    """A small result without a folder of its own."""
    return Result(make_result({"sharp": 0.6, "blurred": 0.2, "wiener": 0.4}), tmp_path)


def test_an_own_folder_goes_with_its_object() -> None:
    """Nothing that a notebook's cell made stays behind when its result is forgotten."""
    owner = OwnFolder()
    path = owner.path
    (path / "result.json").write_text("{}")
    del owner
    gc.collect()
    assert not path.exists()


def test_numbers_are_a_tidy_table(result: Result) -> None:
    """One row per arm and metric with its interval; what is undefined is NaN, also where a whole column is."""
    table = result.to_pandas()
    assert list(table.columns) == ["arm", "metric", "value", "low", "high", "images"]
    f1 = table[(table.arm == "wiener") & (table.metric == "f1")].iloc[0]
    assert (f1.value, f1.low, f1.high, f1.images) == (2 / 3, 0.5, 0.75, 12)
    assert np.isnan(table[table.metric == "psnr_db"].value).all()
    assert table.dtypes["low"] == np.float64
    assert table.pivot(index="arm", columns="metric", values="value").loc["sharp", "map"] == 0.6


def test_differences_say_whether_they_are_shown(result: Result) -> None:
    """The table has the claim beside the number: a difference whose interval holds zero is none."""
    row = result.differences().iloc[0]
    assert (row.arm, row.against, row.metric) == ("wiener", "blurred", "map")
    assert (row.value, row.low, row.high, row.is_shown) == (1 / 3, -0.1, 0.5, False)
    assert np.isnan(row.p_value)


def test_a_notebook_shows_verdict_and_table(result: Result) -> None:
    """The HTML below a cell has the verdict's words and each arm's mAP, and every name in it is escaped."""
    page = result._repr_html_()
    assert "Whether wiener helps is not known" in page
    assert result.verdict.startswith("Whether wiener helps is not known")
    assert '<th scope="row">wiener</th>' in page
    assert ".400" in page
    assert repr(result) == f"Result({result.verdict})"


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """Two files, the second worse and shown to be so."""
    estimates, errors = dict.fromkeys(SHORT, Estimate(0.5, 20)), dict.fromkeys(KINDS, ErrorCost(1, 0.1))
    files = tuple(ComparedFile(name, f"{name}.json", "0" * 64, 9, estimates, errors) for name in ("a<b", "c"))
    changes = tuple(Difference("c", "a<b", key, Estimate(-0.25, 20, -0.3, -0.2), 0.001, 0.001) for key in SHORT)
    truth = ComparedTruth("drawn", "1" * 64, 20, 84)
    compared = FilesCompared(truth, 1000, files, changes, (Flips("c", "a<b", 1, 2),), {}, ())
    return Comparison(compared, tmp_path)


def test_a_comparison_has_the_same_tables(comparison: Comparison) -> None:
    """Files take the place of arms, and a difference that is shown says so."""
    assert list(comparison.to_pandas().arm.unique()) == ["a<b", "c"]
    row = comparison.differences().iloc[0]
    assert (row.value, row.p_holm, row.is_shown) == (-0.25, 0.001, True)
    assert isinstance(comparison.differences(), pd.DataFrame)
    assert comparison.verdict.startswith("c has less mAP than a<b: −.250")
    assert "c has less mAP than a&lt;b: −.250" in comparison._repr_html_()
    assert repr(comparison).startswith("Comparison(c has less")

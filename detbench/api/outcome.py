"""What `detbench.evaluate` and `detbench.compare` return: verdict, numbers and report."""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Protocol

import pandas as pd

from detbench.report.files_view import sentences
from detbench.report.render import compared_fragment, render_compared, render_report, run_fragment
from detbench.report.verdict import verdict_sentences
from detbench.results.compared_files import FilesCompared
from detbench.results.schema import Difference, RunResult
from detbench.types import Estimate


class OwnFolder:
    """A new temporary folder, which goes once nothing refers to this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="detbench-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One evaluation: `run` is everything measured, the content of `result.json`, and `folder` the run's folder.

    A deblurrer that failed on a picture has no numbers; `run.failed` says why, by name.
    """

    run: RunResult
    folder: Path
    _owner: OwnFolder | None = field(default=None)

    @property
    def verdict(self) -> str:
        """Whether each deblurrer helps, one sentence a line, and of several which leads."""
        return _lines(verdict_sentences(self.run))

    def to_pandas(self) -> pd.DataFrame:
        """One row per arm and metric: arm, metric, value, low, high, images.

        `value` is NaN where the metric is undefined, `low` and `high` bound the 95 % interval where there is one, and
        `images` is the number of pictures. `.pivot(index="arm", columns="metric", values="value")` has a row per arm.
        """
        return _table(self.run.arms)

    def differences(self) -> pd.DataFrame:
        """One row per pair of arms and metric: arm, against, metric, value (arm minus against), low, high, p_value,
        p_holm, is_shown. Where `is_shown` is false the difference may be chance.
        """
        return _difference_table(self.run.differences)

    def report(self, path: str | PathLike[str]) -> Path:
        """Write the HTML report, one file that needs nothing beside it; returns its path."""
        return render_report(self.folder, Path(path))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.verdict})"

    def _repr_html_(self) -> str:
        return run_fragment(self.run)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Results of several detectors over the same pictures: `compared` is everything computed, the content of
    `comparison.json`, and `folder` the comparison's folder.
    """

    compared: FilesCompared
    folder: Path
    _owner: OwnFolder | None = field(default=None)

    @property
    def verdict(self) -> str:
        """Of each pair whether one is better, one sentence a line."""
        return _lines(sentences(self.compared))

    def to_pandas(self) -> pd.DataFrame:
        """One row per results file and metric, in the columns of `Result.to_pandas`; `arm` is the file's name."""
        return _table(self.compared.files)

    def differences(self) -> pd.DataFrame:
        """One row per pair and metric, in the columns of `Result.differences`."""
        return _difference_table(self.compared.differences)

    def report(self, path: str | PathLike[str]) -> Path:
        """Write the HTML report, one file that needs nothing beside it; returns its path."""
        render_compared(self.compared, Path(path))
        return Path(path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.verdict})"

    def _repr_html_(self) -> str:
        return compared_fragment(self.compared)


class _Measured(Protocol):
    """An arm, or a results file."""

    @property
    def name(self) -> str: ...
    @property
    def metrics(self) -> Mapping[str, Estimate]: ...


def _lines(found: Iterable[str]) -> str:
    return "\n".join(f"{sentence}." for sentence in found)


def _table(arms: Iterable[_Measured]) -> pd.DataFrame:
    rows = [(arm.name, key, *_bounded(estimate), estimate.n) for arm in arms for key, estimate in arm.metrics.items()]
    return _numeric(pd.DataFrame(rows, columns=["arm", "metric", "value", "low", "high", "images"]))


def _bounded(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _difference_table(differences: Iterable[Difference]) -> pd.DataFrame:
    columns = ["arm", "against", "metric", "value", "low", "high", "p_value", "p_holm", "is_shown"]
    rows = [
        (each.arm, each.against, each.metric, *_bounded(each.difference), each.p_value, each.p_holm, each.is_shown)
        for each in differences
    ]
    return _numeric(pd.DataFrame(rows, columns=columns))


def _numeric(table: pd.DataFrame) -> pd.DataFrame:
    """The table with None as NaN in its columns of numbers, also where a column has nothing else."""
    numbers = [name for name in ("value", "low", "high", "p_value", "p_holm") if name in table]
    return table.astype(dict.fromkeys(numbers, "float64"))

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detbench.cli.log import Tracker
from detbench.report import trackers
from detbench.report.trackers import TrackedRun

Run = Callable[..., Any]
LIMITED = ("--limit", "3", "--resamples", "9", "--name", "job")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[TrackedRun]:
    """What reaches MLflow, which is not called."""
    runs: list[TrackedRun] = []
    monkeypatch.setattr(trackers, "_check_mlflow_store", lambda: None)
    monkeypatch.setitem(trackers.TRACKERS, "mlflow", lambda run: runs.append(run) or "run 1")
    return runs


def test_the_command_line_knows_every_tracker() -> None:
    """Its words are the table's."""
    assert [*Tracker] == [*trackers.TRACKERS]


def test_a_run_is_logged_when_it_is_whole(drawn_run: Run, detbench: Run, logged: list[TrackedRun]) -> None:
    """After its report is there; stdout still ends with the folder. `detbench log` logs the same again."""
    said = drawn_run(*LIMITED, "--log-to", "mlflow")
    assert said.code == 0, said.err
    assert said.out.endswith("\nreports/job\n")
    assert said.err.endswith("Logged to mlflow: run 1\n")
    assert all(file.is_file() for file in logged[0].files)
    assert logged[0].parameters["blur.kind"] == "trajectory"
    again = detbench("log", "reports/job", "--to", "mlflow")
    assert (again.code, again.out) == (0, "")
    assert logged[1] == logged[0]


def test_a_lost_log_loses_no_run(drawn_run: Run, detbench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 5, table and folder printed all the same, and the message's own command logs the run."""
    pytest.importorskip("tensorboard")
    with monkeypatch.context() as patch:
        patch.setitem(trackers.TRACKERS, "tensorboard", lambda _run: {}["no such server"])
        said = drawn_run(*LIMITED, "--log-to", "tensorboard")
    assert said.code == 5
    assert said.out.endswith("\nreports/job\n")
    assert "detbench: the run is whole, in reports/job, but was not logged (tensorboard: KeyError" in said.err
    assert Path("reports/job/report.html").is_file()
    assert not Path("reports/job/tensorboard").exists()
    command = said.err.rpartition("Log it again: detbench ")[2].split()
    assert detbench(*command).code == 0
    assert len(list(Path("reports/job/tensorboard").iterdir())) == 2


def test_a_missing_client_stops_a_run_before_it_starts(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and no folder."""
    monkeypatch.setattr(trackers, "find_spec", lambda _module: None)
    said = drawn_run(*LIMITED, "--log-to", "wandb")
    assert (said.code, said.out) == (2, "")
    assert said.err == "detbench: logging to wandb needs its client: pip install 'detbench[wandb]'\n"
    assert not Path("reports").exists()


def test_a_shard_is_not_logged(drawn_run: Run, logged: list[TrackedRun]) -> None:
    """Its numbers are no run's."""
    said = drawn_run(*LIMITED, "--shard", "1/2", "--log-to", "mlflow")
    assert said.code == 2
    assert "`detbench log` the merged folder" in said.err
    assert logged == []

"""A finished run in the experiment tracker that a team looks at: MLflow, Weights & Biases, TensorBoard.

    map/wiener, map_low/wiener, map_high/wiener        each metric of each arm, and the bounds of its interval
    map_difference/wiener_minus_blurred, …_low, …_high each paired difference
    map_p/wiener_minus_blurred, map_p_holm/…           its p-value, and the one adjusted for several deblurrers

What is undefined has no number there. The run's specification becomes its parameters; dataset, detector and version
its tags; report.html and result.json its files. TensorBoard keeps no files and gets summary.md as text. Each tracker is
met through its own client, an extra of its name, and set up by that client's own environment variables.
"""

import contextlib
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from detbench.errors import TrackingError, UsageError
from detbench.results.folder import TENSORBOARD, RunFolder
from detbench.results.schema import RunResult
from detbench.types import Estimate

FILES = ("report.html", "result.json")
"""Of a run folder, those that go along."""

MOST_TAG_LETTERS = 64
"""Of a tag in Weights & Biases: longer ones are refused."""


@dataclass(frozen=True)
class TrackedRun:
    """A run folder in a tracker's terms: what was asked for, what came out, and by what it is found again."""

    folder: Path
    parameters: Mapping[str, str | int | float]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """The run's, its folder's name."""
        return self.folder.name

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that go along."""
        return tuple(self.folder / name for name in FILES)


def tracked(folder: Path, result: RunResult) -> TrackedRun:
    """What a tracker gets of a run; what is undefined, or was left open in the request, is left out."""
    tags = {
        "dataset": result.data.name,
        "dataset_fingerprint": result.data.fingerprint,
        "detector": str(result.detector["name"]),
        "detbench": str(result.environment["detbench"]),
    }
    metrics = {key: value for key, value in _numbers(result) if value is not None}
    return TrackedRun(folder.resolve(), dict(_parameters(result.specification)), metrics, tags)


def _parameters(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str | int | float]]:
    """Single values by their path, such as blur.kind; lists as one text."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _parameters(value, f"{above}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{above}{key}", ", ".join(map(str, value))
        elif value is not None:
            yield f"{above}{key}", value


def _numbers(result: RunResult) -> Iterator[tuple[str, float | None]]:
    for arm in result.arms:
        for key, estimate in arm.metrics.items():
            yield from _bounded(key, arm.name, estimate)
    for each in result.differences:
        pair = f"{each.arm}_minus_{each.against}"
        yield from _bounded(f"{each.metric}_difference", pair, each.difference)
        yield f"{each.metric}_p/{pair}", each.p_value
        yield f"{each.metric}_p_holm/{pair}", each.p_holm


def _bounded(key: str, of: str, estimate: Estimate) -> Iterator[tuple[str, float | None]]:
    yield f"{key}/{of}", estimate.value
    yield f"{key}_low/{of}", estimate.low
    yield f"{key}_high/{of}", estimate.high


def check_trackers(trackers: Sequence[str]) -> None:
    """Raise UsageError where a tracker's client is not installed, or MLflow's has no store that it can use.

    `trackers` are keys of TRACKERS, each the name of its client's module and of the extra that installs it. Nothing is
    sent.
    """
    for tracker in trackers:
        if find_spec(tracker) is None:
            raise UsageError(f"logging to {tracker} needs its client: pip install 'detbench[{tracker}]'")
    if "mlflow" in trackers:
        _check_mlflow_store()


def _check_mlflow_store() -> None:
    import mlflow

    try:
        mlflow.MlflowClient()
    except mlflow.exceptions.MlflowException as error:
        raise UsageError(
            "MLflow has no store that its client can use: set MLFLOW_TRACKING_URI to a server, or pip install mlflow, "
            f"which brings a local one ({error})"
        ) from error


def log_run(folder: Path, trackers: Sequence[str]) -> dict[str, str]:
    """Log a finished run, with its report, to each tracker; returns where it is in each.

    Raises DataError where the folder holds no finished run, TrackingError naming all that failed after each was tried.
    """
    run = tracked(folder, RunFolder(folder).read_result())
    places: dict[str, str] = {}
    failures: dict[str, Exception] = {}
    with contextlib.redirect_stdout(sys.stderr):  # where the clients tell of themselves
        for tracker in dict.fromkeys(trackers):
            try:
                places[tracker] = TRACKERS[tracker](run)
            except Exception as error:  # a client's errors have no common base
                failures[tracker] = error
    if failures:
        reasons = "; ".join(f"{name}: {type(error).__name__}: {error}" for name, error in failures.items())
        again = " ".join(f"--to {name}" for name in failures)
        raise TrackingError(
            f"the run is whole, in {folder}, but was not logged ({reasons}). "
            f"Log it again: detbench log {shlex.quote(str(folder))} {again}"
        )
    return places


def _log_to_mlflow(run: TrackedRun) -> str:
    import mlflow

    with mlflow.start_run(run_name=run.name, tags=run.tags) as begun:
        mlflow.log_params(run.parameters)
        mlflow.log_metrics(run.metrics)
        for file in run.files:
            mlflow.log_artifact(str(file))
    return f"run {begun.info.run_id} of experiment {begun.info.experiment_id}"


def _log_to_wandb(run: TrackedRun) -> str:
    import wandb

    tags = [tag[:MOST_TAG_LETTERS] for tag in run.tags.values()]
    config = {**run.parameters, **run.tags}
    with wandb.init(name=run.name, config=config, tags=tags, settings=wandb.Settings(console="off")) as begun:
        begun.log(run.metrics)
        artifact = wandb.Artifact(f"run-{begun.id}", type="evaluation")
        for file in run.files:
            artifact.add_file(str(file))
        begun.log_artifact(artifact)
        return str(begun.url or begun.settings.sync_dir)


def _log_to_tensorboard(run: TrackedRun) -> str:
    from torch.utils.tensorboard import SummaryWriter

    folder = run.folder / TENSORBOARD
    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        writer.add_text("summary", (run.folder / "summary.md").read_text(encoding="utf-8"))
        writer.add_hparams({**run.parameters, **run.tags}, dict(run.metrics), run_name=".")
    return str(folder)


TRACKERS: Mapping[str, Callable[[TrackedRun], str]] = {
    "mlflow": _log_to_mlflow,
    "wandb": _log_to_wandb,
    "tensorboard": _log_to_tensorboard,
}
"""What logs a run to each tracker and returns where it is there."""

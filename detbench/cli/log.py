"""`detbench log`: a finished run in MLflow, Weights & Biases or TensorBoard."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import note


class Tracker(StrEnum):
    """Where runs can be logged: the keys of `report.trackers.TRACKERS`, known here without what they import."""

    MLFLOW = "mlflow"
    WANDB = "wandb"
    TENSORBOARD = "tensorboard"


def log(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    to: Annotated[list[Tracker], typer.Option(help="Where to; repeat it for several.")],
) -> None:
    """Log a finished run where its team looks: numbers with intervals, the request, report.html and result.json.

    Each client takes its server, project and credentials from its own environment variables. The report is rendered
    again first. Exit codes: 0 all is well, 2 the run or the client is missing, 5 logging failed.

    Example:
        detbench log reports/mine --to mlflow
    """
    from detbench.report.render import render_report
    from detbench.report.trackers import check_trackers

    check_trackers(to)
    render_report(run)
    log_and_note(run, to)


def log_and_note(folder: Path, trackers: Sequence[Tracker]) -> None:
    """Log a run whose report is rendered, and say where it is."""
    from detbench.report.trackers import log_run

    note(f"Logging to {', '.join(trackers)} …")  # a client may try for minutes to reach its server
    for tracker, place in log_run(folder, trackers).items():
        note(f"Logged to {tracker}: {place}")

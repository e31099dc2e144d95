"""`detbench power`: how many pictures a difference takes to be seen."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detbench.cli.console import note, print_table
from detbench.errors import NotEvaluableError, UsageError, did_you_mean

if TYPE_CHECKING:
    from detbench.gate.gated_run import Measured
    from detbench.metrics.power import PairedSpread
    from detbench.types import MetricSpec

_ROUNDING = 1e-9
"""A spread below it is rounding: the difference is the same in every picture."""


def power(
    run: Annotated[Path, typer.Argument(help="The folder of a run that serves as a pilot.")],
    effect: Annotated[float, typer.Option(help="The difference to be seen, in the metric's unit.")] = 0.01,
    metric: Annotated[str, typer.Option(help="A key of metrics.json that both arms have.")] = "map",
    probability: Annotated[float, typer.Option("--power", help="With which probability it is to be seen.")] = 0.8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """Say how many pictures show a difference between each deblurrer and blurred, by the spread in a run's pictures.

    For a two-sided test at .05. The smallest difference that the run itself could have seen stands beside it.

    Example:
        detbench power reports/pilot --effect 0.02
    """
    from detbench.gate.gated_run import measured_in
    from detbench.metrics.claims import ALPHA

    spec = _paired_metric(metric)
    if not 0 < effect < float("inf"):
        raise UsageError(f"--effect is a difference above 0, not {effect}")
    if not 0.5 <= probability < 1:
        raise UsageError(f"--power lies between .5 and 1, not {probability}")
    measured = measured_in(run)
    arms = {arm: _numbers(spread, effect, probability) for arm, spread in _spreads(measured, metric).items()}
    pictures = len(measured.image_ids)
    if as_json:
        head = {"metric": metric, "pictures": pictures, "effect": effect, "power": probability, "alpha": ALPHA}
        sys.stdout.write(json.dumps({**head, "arms": arms}, indent=1, allow_nan=False) + "\n")
        return
    _print(spec, arms, effect)
    note(
        f"By the spread of {pictures} pictures, power {probability:g}, two-sided at {ALPHA:g}. Of other kinds of "
        "pictures nothing is known."
    )


def _paired_metric(key: str) -> "MetricSpec":
    from detbench.metrics.image_metrics import metric_specs

    specs = metric_specs()
    if key not in specs:
        raise UsageError(f"no metric is called {key!r}.{did_you_mean(key, specs)} metrics.json has them")
    if not specs[key].is_paired:
        raise UsageError(f"{key} has no spread over pictures. Choose one that has, such as map")
    return specs[key]


def _spreads(measured: "Measured", metric: str) -> "dict[str, PairedSpread | None]":
    """Each deblurrer's difference from blurred, None where undefined; raises NotEvaluableError where all are, or where
    there are too few pictures.
    """
    from detbench.core.arm import BLURRED, Arm
    from detbench.metrics.claims import FEWEST_PICTURES
    from detbench.metrics.power import paired_spread

    pictures = len(measured.image_ids)
    if pictures < FEWEST_PICTURES:
        raise NotEvaluableError(
            f"a pilot of {pictures} pictures shows too little of the spread: measure {FEWEST_PICTURES} or more"
        )
    jackknifed = measured.jackknifed([metric])
    blurred = jackknifed.paired(BLURRED)
    arms = [arm for arm in map(Arm.named, measured.values) if arm.is_restored_blurred]
    spreads = {
        arm.name: paired_spread(jackknifed.paired(arm)[metric], blurred[metric], pictures)
        for arm in arms
        if metric in blurred and metric in jackknifed.paired(arm)
    }
    if not any(spreads.values()):
        raise NotEvaluableError(
            f"no deblurrer of the run has {metric} beside the blurred pictures' on enough of them. "
            f"It has the arms {', '.join(measured.values)}"
        )
    return spreads


def _numbers(spread: "PairedSpread | None", effect: float, probability: float) -> dict[str, float | None]:
    """An arm's numbers by their names in JSON; where nothing varies, it is not known what could be seen."""
    if spread is None:
        return dict.fromkeys(("difference", "standard_error", "detectable_effect", "pictures_needed"))
    varies = spread.standard_error > _ROUNDING
    return {
        "difference": spread.difference,
        "standard_error": spread.standard_error,
        "detectable_effect": spread.detectable(probability) if varies else None,
        "pictures_needed": spread.pictures_needed(effect, probability) if varies else None,
    }


def _print(spec: "MetricSpec", arms: Mapping[str, Mapping[str, float | None]], effect: float) -> None:
    from detbench.pages.text import UNDEFINED, metric_value, signed

    rows = []
    for arm, numbers in arms.items():
        difference, _, detectable, needed = numbers.values()
        rows.append([
            f"{arm} − blurred",
            UNDEFINED if difference is None else signed(spec, difference),
            UNDEFINED if detectable is None else metric_value(spec, detectable),
            UNDEFINED if needed is None else f"{needed:,}",
        ])  # fmt: skip
    unit = f" {spec.unit}" if spec.unit else ""
    columns = [f"{spec.title} difference", "in this run", "smallest it could see", f"pictures to see {effect:g}{unit}"]
    print_table(columns, rows, numbers=True)

"""mAP of every arm as bars between the blurred floor and the sharp ceiling."""

from collections.abc import Sequence
from dataclasses import dataclass

from detbench.core.arm import ArmKind
from detbench.metrics.specs import METRICS
from detbench.report.tables import value_cell
from detbench.results.schema import ArmResult
from detbench.types import Estimate

_HEADROOM = 1.04


@dataclass(frozen=True)
class Bar:
    """One arm's bar; lengths are percents of the full width, None where the number is undefined or was not computed."""

    arm: str
    kind: ArmKind
    text: str
    length: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Bars:
    """All bars, and where the lines of the floor and the ceiling stand."""

    bars: tuple[Bar, ...]
    floor: float | None
    ceiling: float | None


def map_bars(arms: Sequence[ArmResult]) -> Bars:
    """Bars from zero on, the longest a little shorter than the full width."""
    estimates = {arm.name: arm.metrics.get("map", Estimate(None, 0)) for arm in arms}
    longest = max((e.high or e.value or 0.0 for e in estimates.values()), default=0.0) * _HEADROOM

    def length(value: float | None) -> float | None:
        return None if value is None else round(100 * value / longest, 2) if longest else 0.0

    def bar(arm: ArmResult) -> Bar:
        estimate = estimates[arm.name]
        text = value_cell(METRICS["map"], estimate).text
        return Bar(arm.name, arm.kind, text, length(estimate.value), length(estimate.low), length(estimate.high))

    lines = {arm.kind: length(estimates[arm.name].value) for arm in arms if arm.kind != "deblurrer"}
    return Bars(tuple(bar(arm) for arm in arms), lines.get("blurred"), lines.get("sharp"))

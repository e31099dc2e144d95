"""mAP as bars: each arm between floor and ceiling, and each deblurrer's difference from blurred around zero."""

from collections.abc import Sequence
from dataclasses import dataclass

from detbench.core.arm import ArmKind
from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Tone
from detbench.report.tables import difference_cell, value_cell
from detbench.results.schema import RunResult
from detbench.types import Estimate

_HEADROOM = 1.04
_NOTHING = Estimate(None, 0)


@dataclass(frozen=True)
class Bar:
    """One arm's bar; lengths are percents of the full width, None where the number is undefined or was not computed.

    One that `is_shown` differs from blurred by more than chance.
    """

    arm: str
    kind: ArmKind
    text: str
    length: float | None
    low: float | None
    high: float | None
    is_shown: bool


@dataclass(frozen=True)
class Bars:
    """All bars, and where the lines of the floor and the ceiling stand."""

    bars: tuple[Bar, ...]
    floor: float | None
    ceiling: float | None


@dataclass(frozen=True)
class Change:
    """One deblurrer's mAP minus blurred: its places are percents of the full width, None where there is no number."""

    arm: str
    cell: Cell
    pictures: int
    place: float | None
    low: float | None
    high: float | None

    @property
    def tone(self) -> Tone:
        """Which way the difference is shown to point."""
        return self.cell.tone


@dataclass(frozen=True)
class Forest:
    """All differences on one scale, and where `zero` stands on it."""

    changes: tuple[Change, ...]
    zero: float


def map_bars(result: RunResult) -> Bars:
    """Bars from zero on, the longest a little shorter than the full width."""
    estimates = {arm.name: arm.metrics.get("map", _NOTHING) for arm in result.arms}
    longest = max((e.high or e.value or 0.0 for e in estimates.values()), default=0.0) * _HEADROOM

    def length(value: float | None) -> float | None:
        return None if value is None else round(100 * value / longest, 2) if longest else 0.0

    def bar(name: str, kind: ArmKind) -> Bar:
        estimate, change = estimates[name], result.change(name, "blurred")
        text = value_cell(METRICS["map"], estimate).text
        ends = length(estimate.value), length(estimate.low), length(estimate.high)
        return Bar(name, kind, text, *ends, is_shown=change is not None and change.is_shown)

    lines = {arm.kind: length(estimates[arm.name].value) for arm in result.arms if arm.kind != "deblurrer"}
    return Bars(tuple(bar(arm.name, arm.kind) for arm in result.arms), lines.get("blurred"), lines.get("sharp"))


def map_forest(result: RunResult) -> Forest:
    """The deblurrers' differences to blurred in the result's order, zero among them."""
    found = {arm.name: result.change(arm.name, "blurred") for arm in result.arms if arm.kind == "deblurrer"}
    estimates = {name: _NOTHING if each is None else each.difference for name, each in found.items()}
    first, last = _ends(list(estimates.values()))

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - first) / (last - first), 2)

    def change(name: str) -> Change:
        estimate = estimates[name]
        ends = place(estimate.value), place(estimate.low), place(estimate.high)
        return Change(name, difference_cell(METRICS["map"], found[name]), estimate.n, *ends)

    return Forest(tuple(map(change, found)), place(0.0) or 0.0)


def _ends(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """A scale that holds zero and every bound, with a little room on both sides."""
    bounds = [each for one in estimates for each in (one.value, one.low, one.high) if each is not None]
    low, high = min([0.0, *bounds]), max([0.0, *bounds])
    room = (high - low) * (_HEADROOM - 1) or 1.0
    return low - room, high + room

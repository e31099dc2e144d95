"""A video's frames in their order, as a report shows them: a table of arms, and strips over the frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from detbench.pages.parts import Cell, Exhibit, Heading, KeyEntry, Row, Table
from detbench.pages.plot import Pen, inline_svg, truncate_label
from detbench.pages.text import UNDEFINED, amount, percent, share
from detbench.report.plots import BUDGET, Draw, pens
from detbench.results.over_time_schema import ArmOverTime, OverTime
from detbench.results.schema import RunResult

_ROW_IN, _ROOM_IN = 0.75, 0.75
"""The height of an arm's strip, and of what stands above and below all of them."""
_DROPPED_AT = (-0.24, 0.14)
"""Where the bars of dropped frames begin, and how high they are: below the shares, which begin at 0."""
_HEADINGS = (
    Heading("Flicker", "grey levels ↓", "mean change from frame to frame besides what moves"),
    Heading("Beside the reference", "× ↓", "its flicker over that of the arm that motion was measured in"),
    Heading("Drop-outs", "↓", "objects found, lost for one frame and found again, of those found before and after"),
    Heading("Late", "↓", "frames that take longer to restore than the time to the next one"),
    Heading("Dropped", "↓", "frames that arrive while the deblurrer is busy"),
    Heading("mAP", "every frame ↑", "as in the other tables"),
    Heading("mAP live", "↑", "dropped frames take the boxes of the last one restored"),
)


@dataclass(frozen=True)
class OverTimeView:
    """The sentence that says how to read it, the arms' numbers, and the strips."""

    lead: str
    table: Table
    exhibits: tuple[Exhibit, ...]


def over_time_view(result: RunResult, found: OverTime) -> OverTimeView:
    """The section of a report; arms in the result's order, those that the file lacks left out."""
    arms = {arm.name: found.arms[arm.name] for arm in result.arms if arm.name in found.arms}
    maps = {arm.name: arm.metrics["map"].value for arm in result.arms if "map" in arm.metrics}
    rows = tuple(Row(Heading(name), _cells(arm, maps.get(name))) for name, arm in arms.items())
    every = pens(result.arms)
    drawn = {name: every[name] for name in arms}
    exhibits = [_found_exhibit(found, arms, drawn)]
    timed = {name: arm for name, arm in arms.items() if any(time is not None for time in arm.restore_ms)}
    if timed:
        exhibits.append(_time_exhibit(found, timed, drawn))
    return OverTimeView(_lead(found), Table("Arm", _HEADINGS, rows), tuple(exhibits))


def _lead(found: OverTime) -> str:
    rate = (
        "The frame rate is unknown, so nothing is said of late and dropped frames."
        if found.fps is None
        else f"{found.fps:g} frames a second: one is late after {amount(1000 / found.fps)} ms of restoration, and what "
        "arrives meanwhile is dropped. The detector’s own time comes on top."
    )
    clips = f" in {len(found.clip_starts)} clips" if len(found.clip_starts) > 1 else ""
    return f"{len(found.frames):,} frames{clips}. Flicker is beside that of the {found.flicker_reference} arm. {rate}"


def _cells(arm: ArmOverTime, every_frame: float | None) -> tuple[Cell, ...]:
    ratio = UNDEFINED if arm.flicker_ratio is None else amount(arm.flicker_ratio)
    chances = f"{arm.dropouts:,} of {arm.dropout_chances:,}"
    return (
        Cell(UNDEFINED if arm.flicker_levels is None else amount(arm.flicker_levels)),
        Cell(ratio),
        Cell(chances if arm.dropout_chances else UNDEFINED),
        Cell(UNDEFINED if arm.late_share is None else percent(arm.late_share)),
        Cell(UNDEFINED if arm.dropped_share is None else percent(arm.dropped_share)),
        Cell(UNDEFINED if every_frame is None else share(every_frame)),
        Cell(UNDEFINED if arm.map_live is None else share(arm.map_live)),
    )


def _found_exhibit(found: OverTime, arms: Mapping[str, ArmOverTime], drawn: Mapping[str, Pen]) -> Exhibit:
    """The share of true boxes found, a strip for each arm, dropped frames marked below it."""

    def draw(figure: Figure) -> None:
        for axis, (name, arm) in zip(_strips(figure, len(arms)), arms.items(), strict=True):
            _draw_line(axis, found, arm.found, drawn[name])
            bars = [(start - 0.5, length) for start, length in _runs(arm.dropped)]
            axis.broken_barh(bars, _DROPPED_AT, facecolor=drawn[name].colour, linewidth=0)
            axis.set(ylim=(-0.3, 1.08), title=truncate_label(name))
            axis.set_yticks([0, 1], ["0", "1"])

    note = "Share of each frame’s true boxes that is found. Bars below 0 are dropped frames."
    return _exhibit("Found by frame", note, len(arms), draw)


def _time_exhibit(found: OverTime, arms: Mapping[str, ArmOverTime], drawn: Mapping[str, Pen]) -> Exhibit:
    """The time to restore each frame, a strip for each deblurrer, with the time to the next frame as a line."""
    budget_ms = None if found.fps is None else 1000 / found.fps

    def draw(figure: Figure) -> None:
        for axis, (name, arm) in zip(_strips(figure, len(arms)), arms.items(), strict=True):
            _draw_line(axis, found, arm.restore_ms, drawn[name])
            if budget_ms is not None:
                axis.axhline(budget_ms, color=BUDGET.colour, linestyle=BUDGET.linestyle, linewidth=0.8)
            axis.set(title=truncate_label(name))
            axis.set_ylim(bottom=0)

    key = () if budget_ms is None else (KeyEntry(f"next frame: {amount(budget_ms)} ms", BUDGET),)
    return _exhibit("Restoration time by frame", "Milliseconds, restoration alone.", len(arms), draw, key)


def _exhibit(title: str, note: str, strips: int, draw: Draw, key: tuple[KeyEntry, ...] = ()) -> Exhibit:
    """A plot of so many strips, each with its arm's name above it."""
    words = f"Plot: {title}. Its numbers are in over_time.json."
    plot = inline_svg(title.lower().replace(" ", "-"), words, draw, _ROOM_IN + _ROW_IN * strips)
    return Exhibit(title, note, key, plot, None)


def _strips(figure: Figure, count: int) -> Sequence[Axes]:
    """One axis below the other, the frames along the last one."""
    figure.subplots_adjust(hspace=0.9)
    axes: list[Axes] = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0].tolist()
    axes[-1].set_xlabel("frame")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


def _draw_line(axis: Axes, found: OverTime, values: Sequence[float | None], pen: Pen) -> None:
    """Values over the frames, from 1; the line ends where a clip does."""
    y = np.array([np.nan if value is None else value for value in values])
    for start, end in pairwise((*found.clip_starts, len(y))):
        axis.plot(np.arange(start, end) + 1, y[start:end], color=pen.colour, linewidth=1.2)
    axis.set_xlim(0.5, len(y) + 0.5)


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Each run of true flags: the number of its first frame, from 1, and its length."""
    runs, place = [], 1
    for flag, group in groupby(flags):
        length = len(list(group))
        if flag:
            runs.append((place, length))
        place += length
    return runs

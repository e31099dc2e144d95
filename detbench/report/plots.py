"""How the report's plots are drawn: each function returns what draws one figure from plain series."""

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter
from numpy.typing import NDArray

from detbench.pages.plot import (
    CEILING,
    FLOOR,
    FONT_SIZE,
    LETTER_IN,
    POINTS_PER_IN,
    RULE,
    SOFT,
    Pen,
    make_room,
    pen,
    truncate_label,
    width_pt,
)
from detbench.report.labels import Box, place_labels
from detbench.results.schema import ArmResult
from detbench.types import Estimate

Draw = Callable[[Figure], None]
FRONT = Pen(SOFT, (), "", "")
"""The line that joins the deblurrers that no cheaper one beats."""
BUDGET = Pen(SOFT, (4, 3), "", "")
"""The line of the largest cost that will do."""
_LINE_PT = 1.2 * FONT_SIZE
"""From one line of words to the next."""
_SPREAD = 0.56
"""How much of the room between two categories their points take."""
_APART = 0.012
"""How far, as a share of the axis, means of two series stand from each other where they would cover each other."""
_SHARE_TICKS = (([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"]), ([0, 0.5, 1], ["0", ".5", "1"]))
"""Of an axis from 0 to 1, and of one with others beside it."""
_BOXES_ALONG = 60
"""So many boxes stand for a curve where names look for room."""
_LEAST_CHANGE = 0.5
"""An axis of changes reaches so far both ways, so that noise around 0 stays small."""


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in the order in which they are joined; where y is None the line is broken."""

    pen: Pen
    x: Sequence[float]
    y: Sequence[float | None]


@dataclass(frozen=True)
class Points:
    """One estimate per category, None where there is none."""

    pen: Pen
    estimates: Sequence[Estimate | None]


@dataclass(frozen=True)
class Place:
    """One deblurrer in the plane of cost and gain; one that `is_affordable` keeps within the budget."""

    name: str
    pen: Pen
    cost: float
    gain: Estimate
    is_affordable: bool = True


@dataclass(frozen=True)
class Cloud:
    """Pictures as points, and the means over groups of them."""

    pen: Pen
    x: Sequence[float]
    y: Sequence[float]
    means: Sequence[tuple[float, Estimate]]


def pens(arms: Sequence[ArmResult]) -> dict[str, Pen]:
    """Each arm's pen, by name: the ceiling's, the floor's, and one for each deblurrer."""
    deblurrers = [arm.name for arm in arms if arm.kind == "deblurrer"]
    fixed = {"sharp": CEILING, "blurred": FLOOR}
    return {arm.name: fixed[arm.kind] if arm.kind in fixed else pen(deblurrers.index(arm.name)) for arm in arms}


def curves(panels: Mapping[str, Sequence[Curve]], x_label: str, y_label: str, mark_x: float | None = None) -> Draw:
    """Curves over 0..1, one panel beside the other; `mark_x` is where a line stands."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (title, drawn) in zip(axes, panels.items(), strict=True):
            axis.set(title=title, xlim=(0, 1), ylim=(0, 1.02))
            axis.set_xticks(*_SHARE_TICKS[len(panels) > 1])
            for curve in drawn:
                y = [np.nan if value is None else value for value in curve.y]
                axis.plot(curve.x, y, color=curve.pen.colour, linestyle=curve.pen.linestyle)
            if mark_x is not None:
                axis.axvline(mark_x, color=SOFT, linewidth=0.8, linestyle=(0, (2, 2)))
        axes[0].yaxis.set_major_formatter(FuncFormatter(_share))
        _label_up(axes[0], y_label)
        axes[len(axes) // 2].set_xlabel(x_label)

    return draw


def by_category(categories: Sequence[str], series: Sequence[Points], label: str) -> Draw:
    """Estimates with their intervals over categories from left to right, joined arm by arm."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for offset, points in zip(_offsets(len(series)), series, strict=True):
            places = np.arange(len(categories)) + offset
            _points(axis, places, points, is_upright=True)
            y = [_value(each) for each in points.estimates]
            axis.plot(places, y, color=points.pen.colour, linestyle=points.pen.linestyle, linewidth=0.9, alpha=0.7)
        _names_across(axis, categories)
        axis.yaxis.set_major_formatter(FuncFormatter(_share))
        axis.set_xlim(-0.6, len(categories) - 0.4)
        _label_up(axis, label)
        axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))
        axis.grid(visible=False, axis="x")

    return draw


def down_categories(categories: Sequence[str], series: Sequence[Points], label: str) -> Draw:
    """Estimates with their intervals over categories from top to bottom: names have room there."""

    def draw(figure: Figure) -> None:
        names = [truncate_label(name) for name in categories]
        make_room(figure, names)
        axis = figure.subplots()
        for offset, points in zip(_offsets(len(series)), series, strict=True):
            _points(axis, np.arange(len(categories)) + offset, points, is_upright=False)
        axis.set_yticks(range(len(categories)), names)
        axis.set(xlabel=label, ylim=(len(categories) - 0.5, -0.5))
        axis.set_xlim(left=min(0, axis.get_xlim()[0]))
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.xaxis.set_major_formatter(FuncFormatter(_share))
        axis.grid(visible=False, axis="y")
        for line in range(1, len(categories)):
            axis.axhline(line - 0.5, color=RULE, linewidth=0.5)

    return draw


def pareto(
    places: Sequence[Place], ceiling: float | None, x_label: str, y_label: str, budget: float | None = None
) -> Draw:
    """Gain against cost on a logarithmic axis; the line joins those that nothing cheaper beats.

    `ceiling` is the gain of sharp pictures: a line where it is near the others, else words at the upper edge, because
    a far one would squeeze them. `budget` is the largest cost that will do: a line.
    """

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        axis.axhline(0, color=FLOOR.colour, linewidth=1)
        front = _front([place for place in places if place.is_affordable])
        axis.plot(
            [place.cost for place in front],
            [_value(place.gain) for place in front],
            color=FRONT.colour,
            linestyle=FRONT.linestyle,
            linewidth=0.9,
        )
        for place in places:
            _points(axis, np.array([place.cost]), Points(place.pen, (place.gain,)), is_upright=True)
        axis.set(xlabel=x_label, xscale="log")
        _label_up(axis, y_label)
        _cost_axis(axis, places, budget)
        axis.margins(y=0.12)
        axis.yaxis.set_major_locator(MaxNLocator(5))
        axis.yaxis.set_major_formatter(FuncFormatter(_signed_share))
        taken = [] if ceiling is None else [_ceiling(axis, ceiling)]
        _names(axis, [*front, *(place for place in places if place not in front)], taken)

    return draw


def by_share(drawn: Sequence[Curve], places: Sequence[Place], x_label: str, y_label: str) -> Draw:
    """Curves over shares of the pictures, with named places; a place's cost is its share, its gain the height."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for curve in drawn:
            y = [np.nan if value is None else value for value in curve.y]
            axis.plot(curve.x, y, color=curve.pen.colour, linestyle=curve.pen.linestyle)
        for place in places:
            _points(axis, np.array([place.cost]), Points(place.pen, (place.gain,)), is_upright=True)
        axis.set(xlabel=x_label, xlim=(-0.05, 1.05))
        axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol="\N{NO-BREAK SPACE}%"))
        axis.yaxis.set_major_locator(MaxNLocator(5))
        axis.yaxis.set_major_formatter(FuncFormatter(_share))
        axis.margins(y=0.15)
        axis.autoscale_view()
        _label_up(axis, y_label)
        taken = [box for curve in drawn for box in _along(axis, curve)]
        _names(axis, [place for place in places if place.gain.value is not None], taken)

    return draw


def _along(axis: Axes, curve: Curve) -> Iterator[Box]:
    """Small boxes along a curve, in points, so that no name covers it."""
    x = np.linspace(min(curve.x), max(curve.x), _BOXES_ALONG)
    y = np.interp(x, curve.x, np.array(curve.y, np.float64))
    across, up = axis.transAxes.inverted().transform(axis.transData.transform(np.stack([x, y], axis=1))).T
    width, height = _size_pt(axis)
    for left, bottom in zip(across * width, up * height, strict=True):
        if not math.isnan(bottom):
            yield Box(left - 1, bottom - 1, left + 1, bottom + 1)


def _cost_axis(axis: Axes, places: Sequence[Place], budget: float | None) -> None:
    """A logarithmic axis with room around the places, and the line of the budget."""
    costs = [place.cost for place in places] + ([] if budget is None else [budget])
    low, high = min(costs), max(costs)
    room = max((high / low) ** 0.15, 2)
    axis.set_xlim(low / room, high * room)
    ticks = _ticks(*axis.get_xlim())
    axis.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    axis.xaxis.set_minor_formatter(NullFormatter())
    if budget is not None:
        below_ceiling = 0.9
        axis.axvline(budget, 0, below_ceiling, color=BUDGET.colour, linestyle=BUDGET.linestyle, linewidth=1)


def _ceiling(axis: Axes, gain: float) -> Box:
    """Draw the ceiling, or say at the upper edge how far above it is; returns the box of its words, in points."""
    low, high = axis.get_ylim()
    is_near = low <= gain <= high
    words = f"ceiling {_signed_share(gain, 0)}{'' if is_near else ' ↑'}"
    if is_near:
        axis.axhline(gain, color=CEILING.colour, linestyle=CEILING.linestyle, linewidth=1)
    width, height = _size_pt(axis)
    top = min(height, (gain - low) / (high - low) * height + 1.3 * FONT_SIZE) if is_near else height
    box = Box(width - width_pt(words), top - _LINE_PT, width, top)
    axis.text(1, (box.bottom + 3) / height, words, transform=axis.transAxes, ha="right", va="baseline")
    return box


def _names(axis: Axes, places: Sequence[Place], taken: Sequence[Box]) -> None:
    """Write each place's name beside it where there is room, the first ones first; the key has all names."""
    width, height = _size_pt(axis)

    def point(x: float, y: float) -> tuple[float, float]:
        across, up = axis.transAxes.inverted().transform(axis.transData.transform((x, y)))
        return across * width, up * height

    names = [truncate_label(place.name) for place in places]
    points = [point(place.cost, _value(place.gain)) for place in places]
    sizes = [(width_pt(name) + 3, _LINE_PT) for name in names]
    for name, (x, y), box in zip(names, points, place_labels(points, sizes, (width, height), taken), strict=True):
        if box is not None:
            axis.annotate(
                name,
                (x / width, y / height),
                (box.left / width, (box.bottom + 3) / height),
                xycoords="axes fraction",
                textcoords="axes fraction",
                arrowprops=None if box.is_beside(x, y) else {"arrowstyle": "-", "color": SOFT, "linewidth": 0.6},
            )


def _size_pt(axis: Axes) -> tuple[float, float]:
    """Width and height of what lies between the axes, in points."""
    share, (width_in, height_in) = axis.get_position(), axis.figure.get_size_inches()  # type: ignore[union-attr]
    return share.width * width_in * POINTS_PER_IN, share.height * height_in * POINTS_PER_IN


def histogram(shares: Mapping[int, Sequence[tuple[Pen, float]]], x_label: str) -> Draw:
    """The share of pictures at each whole number, arm beside arm."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for number, heights in shares.items():
            for offset, (each, height) in zip(_offsets(len(heights)), heights, strict=True):
                axis.bar(number + offset, height, width=0.8 / len(heights), color=each.colour, linewidth=0)
        axis.axvline(0, color=SOFT, linewidth=0.8)
        _label_up(axis, "share of pictures")
        first, last = axis.get_xlim()
        axis.set(xlabel=x_label, xlim=(min(first, -1.5), max(last, 1.5)))
        axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol="\N{NO-BREAK SPACE}%"))
        axis.xaxis.set_major_locator(MaxNLocator(7, integer=True, min_n_ticks=1))
        axis.grid(visible=False, axis="x")

    return draw


def clouds(drawn: Sequence[Cloud], x_label: str, y_label: str) -> Draw:
    """Changes against changes, y in whole numbers: pictures as small points, means with their intervals on top."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        axis.axvline(0, color=SOFT, linewidth=0.8)
        _clouds(axis, drawn, x_label, y_label)
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))

    return draw


def gains(drawn: Sequence[Cloud], x_label: str, y_label: str) -> Draw:
    """Changes against an amount, as `clouds`; the means, at one amount in all series, stand beside each other."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        shift = _APART * max(max(cloud.x) for cloud in drawn)
        apart = [
            replace(cloud, means=[(x + shift * (place - (len(drawn) - 1) / 2), mean) for x, mean in cloud.means])
            for place, cloud in enumerate(drawn)
        ]
        _clouds(axis, apart, x_label, y_label)
        low, high = axis.get_ylim()
        axis.set(xlim=(0, axis.get_xlim()[1]), ylim=(min(low, -_LEAST_CHANGE), max(high, _LEAST_CHANGE)))

    return draw


def _clouds(axis: Axes, drawn: Sequence[Cloud], x_label: str, y_label: str) -> None:
    axis.axhline(0, color=SOFT, linewidth=0.8)
    for cloud in drawn:
        axis.scatter(cloud.x, cloud.y, s=7, color=cloud.pen.colour, alpha=0.35, linewidths=0)
    for cloud in drawn:
        middle = np.array([x for x, _ in cloud.means])
        _points(axis, middle, Points(cloud.pen, [mean for _, mean in cloud.means]), is_upright=True)
        axis.plot(middle, [_value(mean) for _, mean in cloud.means], color=cloud.pen.colour)
    axis.set_xlabel(x_label)
    _label_up(axis, y_label)


def _label_up(axis: Axes, label: str) -> None:
    """What the axis that goes up shows, in words above it: they need no room beside the numbers."""
    if label:
        axis.set_title(label, loc="left", color=SOFT)


def _names_across(axis: Axes, categories: Sequence[str]) -> None:
    """Names below the axis, in as many lines as keep them apart."""
    letters = int(_size_pt(axis)[0] / (len(categories) + 0.2) / POINTS_PER_IN / LETTER_IN)
    names = ["\n".join(textwrap.wrap(truncate_label(name), max(letters, 1))) for name in categories]
    lines = max(name.count("\n") for name in names)
    height_in = axis.figure.get_size_inches()[1]  # type: ignore[union-attr]
    axis.figure.subplots_adjust(bottom=(0.1 + (lines + 1) * _LINE_PT / POINTS_PER_IN) / height_in)
    axis.set_xticks(range(len(categories)), names)


def _share(value: float, _: object) -> str:
    """A number on an axis as the page writes it: .25, −.5, 1."""
    return f"{value:.6g}".replace("-", "−").replace("0.", ".", 1)


def _signed_share(value: float, _: object) -> str:
    text = _share(round(value, 3), _)
    return f"+{text}" if value > 0 else text


def _value(estimate: Estimate | None) -> float:
    """The number, NaN where there is none: Matplotlib leaves a gap there."""
    return math.nan if estimate is None or estimate.value is None else estimate.value


def _offsets(count: int) -> Sequence[float]:
    """Where the points of each of `count` series stand around their category's place."""
    return [0.0] if count == 1 else np.linspace(-_SPREAD / 2, _SPREAD / 2, count).tolist()


def _points(axis: Axes, places: NDArray[np.floating[Any]], points: Points, is_upright: bool) -> None:
    """Markers with their intervals, at `places` across (upright) or down."""
    for place, estimate in zip(places.tolist(), points.estimates, strict=True):
        if estimate is None or estimate.value is None:
            continue
        xy = (place, estimate.value) if is_upright else (estimate.value, place)
        axis.plot(*xy, points.pen.marker, color=points.pen.colour, markeredgewidth=0)
        if estimate.low is not None and estimate.high is not None:
            line = axis.vlines if is_upright else axis.hlines
            line(place, estimate.low, estimate.high, color=points.pen.colour, linewidth=1.1)


def _ticks(low: float, high: float) -> list[float]:
    """Powers of ten within bounds; where there is one at most, their doubles and fives too."""
    tens = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    steps = (1, 2, 5) if sum(low <= ten <= high for ten in tens) < 2 else (1,)
    return [ten * step for ten in tens for step in steps if low <= ten * step <= high]


def _front(places: Sequence[Place]) -> list[Place]:
    """Those that nothing at most as costly equals or beats, the cheapest first."""
    front: list[Place] = []
    for place in sorted(places, key=lambda each: (each.cost, -_value(each.gain))):
        if not front or _value(place.gain) > _value(front[-1].gain):
            front.append(place)
    return front

"""Curves of a training as points of an SVG drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

WIDTH, HEIGHT = 320, 120
MOST_POINTS = 160

Series = Sequence[tuple[float, float]]
"""Points (step, value) in order of steps."""


@dataclass(frozen=True)
class Line:
    """One curve: its name, its last value as text, and its points as SVG's polyline takes them."""

    name: str
    last: str
    points: str


@dataclass(frozen=True)
class Chart:
    """Curves over the same steps, and the values at the lower and upper edge."""

    title: str
    lines: tuple[Line, ...]
    low: str
    high: str
    last_step: int


def chart(title: str, series: Mapping[str, Series]) -> Chart | None:
    """A chart of the series that have points, all to one scale; None where none has."""
    drawn = {name: _thinned(points) for name, points in series.items() if points}
    if not drawn:
        return None
    values = [value for points in drawn.values() for _, value in points]
    low, high = min(values), max(values)
    last_step = max(step for points in drawn.values() for step, _ in points)
    lines = tuple(
        Line(name, f"{points[-1][1]:.4g}", _points(points, low, high, last_step)) for name, points in drawn.items()
    )
    return Chart(title, lines, f"{low:.4g}", f"{high:.4g}", int(last_step))


def _thinned(points: Series) -> Series:
    """At most MOST_POINTS points, each the mean of those that it stands for."""
    size = -(-len(points) // MOST_POINTS)
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return [(fmean(step for step, _ in group), fmean(value for _, value in group)) for group in groups]


def _points(points: Series, low: float, high: float, last_step: float) -> str:
    span = high - low or 1.0
    places = ((WIDTH * step / max(1, last_step), HEIGHT * (1 - (value - low) / span)) for step, value in points)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)

"""Curves of a training over its steps."""

from collections.abc import Callable, Sequence
from statistics import fmean

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from detbench.pages.plot import Pen

HEIGHT_IN = 2.2
MOST_POINTS = 160

Series = Sequence[tuple[float, float]]
"""Points (step, value) in order of steps."""


def curves(drawn: Sequence[tuple[Pen, Series]]) -> Callable[[Figure], None]:
    """What draws several series over the same steps."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for pen, points in drawn:
            steps, values = zip(*thinned(points), strict=True)
            axis.plot(steps, values, color=pen.colour)
        axis.set_xlabel("iterations")
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.ticklabel_format(useOffset=False)

    return draw


def thinned(points: Series) -> Series:
    """At most MOST_POINTS points, each the mean of those that it stands for."""
    size = -(-len(points) // MOST_POINTS)
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return [(fmean(step for step, _ in group), fmean(value for _, value in group)) for group in groups]

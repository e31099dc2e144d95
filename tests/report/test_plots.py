import math

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from detbench.pages.plot import CEILING, FLOOR, SOFT, pen
from detbench.report.plots import Cloud, Draw, Place, Points, by_category, curves, gains, pareto
from detbench.types import Estimate


def drawn(draw: Draw) -> Axes:
    """The first panel of what a function draws."""
    figure = Figure()
    draw(figure)
    return figure.axes[0]


def test_the_line_joins_what_nothing_cheaper_beats() -> None:
    """Of four arms the one that is slower and worse than another is off the line; floor and ceiling are levels."""
    places = [
        Place(name, pen(index), cost, Estimate(quality, 9))
        for index, (name, cost, quality) in enumerate(
            [("slow", 10, 0.4), ("beaten", 5, 0.2), ("quick", 0.1, 0.1), ("middle", 1, 0.3)]
        )
    ]
    axis = drawn(pareto(places, Estimate(0.05, 9), Estimate(0.5, 9), "s", "mAP"))
    levels = {line.get_color(): line.get_ydata()[0] for line in axis.lines[:2]}
    assert levels == {FLOOR.colour: 0.05, CEILING.colour: 0.5}
    front = next(line for line in axis.lines if line.get_color() == SOFT)
    assert list(zip(front.get_xdata(), front.get_ydata(), strict=True)) == [(0.1, 0.1), (1, 0.3), (10, 0.4)]
    assert [text.get_text() for text in axis.texts] == ["slow", "beaten", "quick", "middle"]


def test_an_undefined_estimate_is_a_gap() -> None:
    """No marker and no interval stand where a number is undefined, and the line is broken there."""
    estimates = [Estimate(0.3, 9, 0.2, 0.4), None, Estimate(None, 0), Estimate(0.1, 9)]
    axis = drawn(by_category(list("abcd"), [Points(pen(0), estimates)], "mAP"))
    *markers, line = axis.lines
    assert [marker.get_ydata()[0] for marker in markers] == [0.3, 0.1]
    assert [math.isnan(y) for y in line.get_ydata()] == [False, True, True, False]
    (interval,) = axis.collections
    np.testing.assert_array_equal(interval.get_segments()[0], [[0, 0.2], [0, 0.4]])


def test_panels_share_their_axis_and_mark_one_place() -> None:
    """Each panel of curves goes from 0 to 1 and has the dashed line where it is wanted."""
    figure = Figure()
    curves({"precision": [], "recall": []}, "confidence", "", 0.25)(figure)
    assert [axis.get_title() for axis in figure.axes] == ["precision", "recall"]
    assert [(axis.get_xlim(), axis.lines[0].get_xdata()[0]) for axis in figure.axes] == [((0, 1), 0.25)] * 2


@pytest.mark.parametrize(("change", "reach"), [(0.01, 0.5), (3.0, 3.0)])
def test_small_changes_are_drawn_small(change: float, reach: float) -> None:
    """An axis of gains reaches .5 both ways at least, so that noise does not fill it."""
    axis = drawn(gains([Cloud(pen(0), [1, 8], [change, -change], [(4.0, Estimate(0.0, 2))])], "px", "dB"))
    low, high = axis.get_ylim()
    assert low == pytest.approx(-reach, rel=0.2)
    assert high == pytest.approx(reach, rel=0.2)

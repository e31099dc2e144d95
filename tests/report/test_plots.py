import math

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from detbench.pages.plot import CEILING, SOFT, pen
from detbench.report.plots import Cloud, Draw, Place, Points, by_category, curves, gains, pareto
from detbench.types import Estimate


def drawn(draw: Draw) -> Axes:
    """The first panel of what a function draws."""
    figure = Figure()
    draw(figure)
    return figure.axes[0]


PLACES = (("slow", 10, 0.4), ("beaten", 5, 0.2), ("quick", 0.1, 0.1), ("middle", 1, 0.3))


def places(budget: float = 100) -> list[Place]:
    """Four deblurrers; those within the budget are affordable."""
    return [
        Place(name, pen(index), cost, Estimate(gain, 9), cost <= budget)
        for index, (name, cost, gain) in enumerate(PLACES)
    ]


@pytest.mark.parametrize(("budget", "joined"), [(100, [(0.1, 0.1), (1, 0.3), (10, 0.4)]), (2, [(0.1, 0.1), (1, 0.3)])])
def test_the_line_joins_what_nothing_cheaper_beats(budget: float, joined: list[tuple[float, float]]) -> None:
    """A deblurrer that is slower and worse than another is off the line, and so is one beyond the budget."""
    axis = drawn(pareto(places(budget), None, "s", "mAP", budget))
    front = next(line for line in axis.lines if line.get_color() == SOFT and len(line.get_xdata()) > 2 - (budget < 9))
    assert list(zip(front.get_xdata(), front.get_ydata(), strict=True)) == joined
    assert {text.get_text() for text in axis.texts} == {"slow", "beaten", "quick", "middle"}


def test_a_far_ceiling_squeezes_nothing() -> None:
    """A ceiling near the others is a line; one far above is words with an arrow, and the axis ends where it did."""
    near, far = (drawn(pareto(places(), ceiling, "s", "mAP")) for ceiling in (0.42, 9.0))
    assert near.get_ylim() == far.get_ylim()
    assert "ceiling +.42" in [text.get_text() for text in near.texts]
    assert "ceiling +9 ↑" in [text.get_text() for text in far.texts]
    assert [line.get_ydata()[0] for line in near.lines if line.get_color() == CEILING.colour] == [0.42]
    assert not [line for line in far.lines if line.get_color() == CEILING.colour]


def test_names_across_take_as_many_lines_as_they_need() -> None:
    """Short names stand in one line, long ones in as many as they need, and the plot makes room for them."""
    short = drawn(by_category(["a", "b", "c"], [Points(pen(0), [None] * 3)], "mAP"))
    long = drawn(by_category(["0 to 8 px", "8 to 16 px", "16 to 24 px", "24 to 32 px", "32 and more px"], [], "mAP"))
    assert [label.get_text() for label in short.get_xticklabels()] == ["a", "b", "c"]
    assert long.get_xticklabels()[-1].get_text() == "32 and\nmore px"
    assert long.get_position().y0 > short.get_position().y0


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

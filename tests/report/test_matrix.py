from collections.abc import Mapping

import pytest
from matplotlib.figure import Figure

from detbench.pages.parts import Row
from detbench.report.matrix import (
    MatrixRow,
    crossing,
    crossing_in_words,
    deblurrers_of,
    matrix_exhibits,
    matrix_table,
    mean_ranks,
)
from detbench.results.schema import Difference
from detbench.types import Estimate


def row(title: str, gains: Mapping[str, float], p_value: float = 0.001) -> MatrixRow:
    """A setting of 20 pictures; every difference, from blurred and between two deblurrers, is ± .001."""

    def difference(arm: str, against: str, value: float) -> Difference:
        return Difference(arm, against, "map", Estimate(value, 20, value - 0.001, value + 0.001), p_value)

    from_blurred = {name: difference(name, "blurred", value) for name, value in gains.items()}
    pairs = [
        difference(one, other, gains[one] - gains[other])
        for place, one in enumerate(gains)
        for other in list(gains)[place + 1 :]
    ]
    return MatrixRow(title, "20 pictures", from_blurred, [*from_blurred.values(), *pairs])


def texts(line: Row) -> list[str]:
    """What its cells say."""
    return [cell.text for cell in line.cells]


def test_ranks_go_by_gain_and_ties_share_their_places() -> None:
    """The largest gain has rank 1; two equal ones behind it are 2.5 each, whatever a loss is."""
    each = row("a", {"one": 0.1, "two": -0.2, "three": 0.05, "four": 0.05})
    assert each.ranks(list(each.gains)) == {"one": 1, "two": 4, "three": 2.5, "four": 2.5}
    assert (each.best, each.leader) == ("one", "one")


def test_mean_ranks_are_among_those_that_ran_everywhere() -> None:
    """`three` ran in one row alone: it has no mean rank, and takes no place from the others."""
    rows = [
        row("a", {"one": 0.1, "two": 0.2, "three": 0.3}),
        row("b", {"two": 0.2, "one": 0.1}),
        row("c", {"one": 0.4, "two": 0}),
    ]
    assert mean_ranks(rows) == {"one": pytest.approx(5 / 3), "two": pytest.approx(4 / 3)}
    assert deblurrers_of(rows) == ("two", "one", "three")


def test_the_table_says_gain_interval_rank_and_mean_rank() -> None:
    """Shown differences have a tone, the leader of a row stands out, and what did not run is blank."""
    rows = [
        row("a", {"one": 0.1, "two": -0.02}),
        row("b", {"one": 0.03, "two": 0.01}, p_value=0.3),
        row("c", {"one": 0.1, "two": 0.2, "new": 0}),
    ]
    table = matrix_table(rows, ["one", "two", "new"])
    assert [texts(line) for line in table.rows] == [
        ["+.100", "−.020", ""],
        ["+.030", "+.010", ""],
        ["+.100", "+.200", ".000"],
        ["1.3", "1.7", "–"],
    ]
    assert table.rows[0].cells[1].interval == "[−.021,\xa0−.019] p\xa0.001, rank 2 of 2"
    assert [[cell.tone for cell in line.cells] for line in table.rows[:2]] == [["better", "worse", ""], [""] * 3]
    assert [[cell.best for cell in line.cells] for line in table.rows[:3]] == [
        [True, False, False],
        [False] * 3,
        [False, True, False],
    ]


def test_one_deblurrer_has_no_rank() -> None:
    """There is nothing to rank it among, in a row and over rows."""
    table = matrix_table([row("a", {"one": 0.1}), row("b", {"one": 0.2})], ["one"])
    assert [line.heading.text for line in table.rows] == ["a", "b"]
    assert table.rows[0].cells[0].interval == "[+.099,\xa0+.101] p\xa0.001"


def test_no_order_holds_where_the_best_differs_by_more_than_chance() -> None:
    """Both rows must show it: with one of them by chance, or one best in all, no order is contradicted."""
    here, there = row("a", {"one": 0.1, "two": 0.02}), row("b", {"one": 0.02, "two": 0.1})
    assert crossing([here, row("c", {"one": 0.3, "two": 0.2}), there]) == (here, there)
    assert crossing_in_words([here, there]).startswith(
        "No order holds: one is ahead of two on a, and behind it on b, both by more than chance."
    )
    assert crossing_in_words([here, row("b", {"one": 0.02, "two": 0.1}, p_value=0.2)]) == ""
    assert crossing_in_words([here, here]) == ""


def test_the_plot_has_zero_in_sight() -> None:
    """Losses alone are seen to lie left of 0, and what did not run has no point."""
    rows = [row("a", {"one": -0.1, "two": -0.2}), row("b", {"one": -0.3})]
    (exhibit,) = matrix_exhibits(rows, ["one", "two"])
    assert [entry.name for entry in exhibit.key] == ["one", "two"]
    figure = Figure()
    exhibit.plot.draw(figure)
    (axis,) = figure.axes
    assert axis.get_xlim()[1] == 0
    assert len(axis.collections) == 3
    assert not list(matrix_exhibits([], []))

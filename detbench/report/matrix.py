"""Which deblurrer on which blur: datasets × deblurrers, what each changes in mAP, ranks, and whether an order holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import pandas as pd
from matplotlib.figure import Figure

from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Exhibit, Heading, KeyEntry, Row, Table
from detbench.pages.plot import SOFT, inline_svg, pen
from detbench.pages.text import UNDEFINED, interval, plural, signed, with_p_value
from detbench.report.plots import Points, down_categories
from detbench.report.tables import TRAINED_WITH, tone
from detbench.results.schema import Difference, is_ahead

_MAP = METRICS["map"]


@dataclass(frozen=True)
class MatrixRow:
    """One dataset under one detector. `gains` are the deblurrers' differences in mAP from blurred, by name, those where
    it is undefined left out; `differences` all those between its arms, and `trained` the deblurrers whose training loss
    contained the features of the detector.
    """

    title: str
    note: str
    gains: Mapping[str, Difference]
    differences: Sequence[Difference]
    trained: frozenset[str] = frozenset()

    def value(self, deblurrer: str) -> float:
        """What a deblurrer of this row adds to mAP."""
        return self.gains[deblurrer].difference.value or 0.0

    def ranks(self, among: Sequence[str]) -> dict[str, float]:
        """The places of some of its deblurrers by gain, 1 for the largest; equal ones share a mean place."""
        places = pd.Series({name: self.value(name) for name in among}, dtype=float).rank(ascending=False)
        return {str(name): float(place) for name, place in places.items()}

    def is_ahead(self, one: str, other: str) -> bool:
        """Whether an arm has more mAP than another by more than chance."""
        return is_ahead(self.differences, one, other, _MAP)

    @property
    def best(self) -> str | None:
        """The deblurrer with the largest gain, by chance or not; None where there is none."""
        return max(self.gains, key=self.value, default=None)

    @property
    def leader(self) -> str | None:
        """The deblurrer that is ahead of all others by more than chance; None where none is, or there is but one."""
        best = self.best
        if best is None or len(self.gains) == 1:
            return None
        return best if all(self.is_ahead(best, name) for name in self.gains if name != best) else None


def deblurrers_of(rows: Sequence[MatrixRow]) -> tuple[str, ...]:
    """All deblurrers: first those of every row, by mean rank, then the others by mean gain."""
    names = dict.fromkeys(name for row in rows for name in row.gains)
    places = mean_ranks(rows)

    def order(name: str) -> tuple[float, float]:
        return places.get(name, float("inf")), -fmean(row.value(name) for row in rows if name in row.gains)

    return tuple(sorted(names, key=order))


def mean_ranks(rows: Sequence[MatrixRow]) -> dict[str, float]:
    """The mean rank over all rows of the deblurrers that ran in each, ranked among themselves: places among different
    rivals have no mean.
    """
    common = [name for name in (rows[0].gains if rows else ()) if all(name in row.gains for row in rows)]
    ranks = [row.ranks(common) for row in rows]
    return {name: fmean(places[name] for places in ranks) for name in common}


def crossing(rows: Sequence[MatrixRow]) -> tuple[MatrixRow, MatrixRow] | None:
    """Two rows whose best deblurrers differ by more than chance in both; None where no two do."""
    for one, other in combinations(rows, 2):
        here, there = one.best, other.best
        if here and there and one.is_ahead(here, there) and other.is_ahead(there, here):
            return one, other
    return None


def crossing_in_words(rows: Sequence[MatrixRow]) -> str:
    """That no order of the deblurrers holds for all rows, and where it breaks; empty where none is contradicted."""
    found = crossing(rows)
    if found is None:
        return ""
    one, other = found
    return (
        f"No order holds: {one.best} is ahead of {other.best} on {one.title}, and behind it on {other.title}, both by "
        "more than chance. A mean rank hides this; choose by the row that is like your pictures."
    )


def matrix_table(rows: Sequence[MatrixRow], deblurrers: Sequence[str]) -> Table:
    """Rows × deblurrers: the difference in mAP from blurred with its interval and rank, and the mean ranks below.

    What may be chance has no colour; what is ahead of all others in its row by more than chance stands out.
    """
    places = mean_ranks(rows)
    lines = [
        Row(Heading(row.title, row.note), tuple(_gain_cell(row, name, deblurrers) for name in deblurrers))
        for row in rows
    ]
    if len(rows) > 1 and len(places) > 1:
        cells = (Cell(f"{places[name]:.1f}" if name in places else UNDEFINED) for name in deblurrers)
        note = f"over {plural(len(rows), 'row', 'rows')}, among those that ran in all"
        lines.append(Row(Heading("Mean rank", note), tuple(cells)))
    return Table("Dataset", tuple(map(Heading, deblurrers)), tuple(lines))


def _gain_cell(row: MatrixRow, name: str, deblurrers: Sequence[str]) -> Cell:
    change = row.gains.get(name)
    if change is None:
        return Cell("")
    rivals = [each for each in deblurrers if each in row.gains and each != name]
    bounds = with_p_value(interval(_MAP, change.difference, is_difference=True), change.p_value, change.p_holm)
    rank = f"rank {row.ranks([name, *rivals])[name]:g} of {len(rivals) + 1}" if rivals else ""
    return Cell(
        signed(_MAP, row.value(name)) + (f" {TRAINED_WITH}" if name in row.trained else ""),
        ", ".join(filter(None, (bounds, rank))),
        f"mAP of {name} minus blurred, over {plural(change.difference.n, 'picture', 'pictures')}",
        best=row.leader == name,
        tone=tone(_MAP, row.value(name), change.is_shown),
    )


def matrix_exhibits(rows: Sequence[MatrixRow], deblurrers: Sequence[str]) -> Iterator[Exhibit]:
    """The matrix as a plot; none where no deblurrer has a number."""
    if not deblurrers:
        return
    pens = {name: pen(place) for place, name in enumerate(deblurrers)}
    series = [
        Points(pens[name], [row.gains[name].difference if name in row.gains else None for row in rows])
        for name in deblurrers
    ]
    draw_points = down_categories([row.title for row in rows], series, "mAP minus that of blurred")

    def draw(figure: Figure) -> None:
        draw_points(figure)
        (axis,) = figure.axes
        axis.axvline(0, color=SOFT, linewidth=0.8)
        axis.set_xlim(right=max(0, axis.get_xlim()[1]))

    height_in = 0.75 + len(rows) * max(0.35, 0.14 * len(deblurrers))
    plot = inline_svg("gains", "Plot: change in mAP. Its numbers are in the matrix.", draw, height_in)
    key = tuple(KeyEntry(name, pens[name], has_marker=True) for name in deblurrers)
    yield Exhibit("Change in mAP", "Right of 0 deblurring helps; bars are 95 % intervals.", key, plot, None)

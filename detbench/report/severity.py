"""Response to blur: mAP by its length, recall by its length beside the object's size, and the PSNR that is gained."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.plot import Pen
from detbench.pages.text import UNDEFINED, interval, plural, signed
from detbench.report.changes import Change, evenly, mean_estimate
from detbench.report.tables import value_cell
from detbench.results.analysis_schema import ArmAnalysis
from detbench.types import Estimate, MetricSpec

SEVERITY_BINS = 4
FEWEST_FOR_A_BAR = 5
"""A bin of fewer pictures shows no interval: the spread of so few says little about the spread of all."""
_BELOW_IN = 0.85
"""Room for two lines at each tick and the axis's title."""

_SPREAD = 0.56
"""How much of the room between two bins their points take."""


@dataclass(frozen=True)
class ResponseBin:
    """What lies within bounds of blur: the bounds, how many `objects` (None where whole pictures are binned) in how
    many `pictures`, and each arm's number.
    """

    name: str
    objects: int | None
    pictures: int
    numbers: Mapping[str, Estimate]

    @property
    def n(self) -> int:
        """How many objects, or else pictures."""
        return self.pictures if self.objects is None else self.objects

    @property
    def held(self) -> str:
        """What it holds: 13 pictures; 212 objects in 9 pictures."""
        pictures = plural(self.pictures, "picture", "pictures")
        return pictures if self.objects is None else f"{plural(self.objects, 'object', 'objects')} in {pictures}"

    @property
    def has_bars(self) -> bool:
        """Whether its intervals are shown."""
        return self.pictures >= FEWEST_FOR_A_BAR


@dataclass(frozen=True, eq=False)
class Gain:
    """Of one deblurrer, both (N,) by picture, from the weakest blur to the strongest: severity in pixels, and PSNR in
    dB over the blurred picture. Pictures for which either is unknown are left out.
    """

    severity_px: NDArray[np.float64]
    psnr_db: NDArray[np.float64]

    def thinned(self) -> tuple[list[float], list[float]]:
        """Severity and gain of as many pictures as a plot can show, evenly taken by severity."""
        some = evenly(np.arange(len(self.severity_px)))
        return self.severity_px[some].tolist(), self.psnr_db[some].tolist()


@dataclass(frozen=True)
class SeverityBin:
    """The pictures of a run whose blur lies within bounds in pixels; a lower bound belongs to its bin, and so does the
    upper one of the last. `means` has, by deblurrer, mean severity and mean gain in dB with a 95 % interval.
    """

    from_px: float
    to_px: float
    pictures: int
    means: Mapping[str, tuple[float, Estimate]]

    @property
    def name(self) -> str:
        """The bounds: 3.2 to 7.9 px."""
        return f"{self.from_px:.1f} to {self.to_px:.1f} px"


def map_by_blur(analysis: Mapping[str, ArmAnalysis]) -> list[ResponseBin]:
    """mAP of each arm by the length of the blur, from the first bin with pictures to the last one."""
    return _filled(
        ResponseBin(
            _bounds(lines[0].from_px, lines[0].to_px, "px"),
            None,
            lines[0].pictures,
            {arm: each.map for arm, each in zip(analysis, lines, strict=True)},
        )
        for lines in zip(*(record.blur for record in analysis.values()), strict=True)
    )


def recall_by_relative_blur(analysis: Mapping[str, ArmAnalysis]) -> list[ResponseBin]:
    """Recall of each arm by the length of the blur in percent of the object's size; empty for a run older than that."""
    return _filled(
        ResponseBin(
            _bounds(100 * lines[0].from_ratio, None if lines[0].to_ratio is None else 100 * lines[0].to_ratio, "%"),
            lines[0].objects,
            lines[0].pictures,
            {arm: each.recall for arm, each in zip(analysis, lines, strict=True)},
        )
        for lines in zip(*(record.relative_blur for record in analysis.values()), strict=True)
    )


def _bounds(low: float, high: float | None, unit: str) -> str:
    if high is None:
        return f"≥ {low:g} {unit}"
    return f"{low:g}–{high:g} {unit}" if low else f"< {high:g} {unit}"


def _filled(bins: Iterator[ResponseBin]) -> list[ResponseBin]:
    """Without the empty bins at both ends; one between others stays, so that it is seen to be empty."""
    found = list(bins)
    places = [place for place, each in enumerate(found) if each.pictures]
    return found[places[0] : places[-1] + 1] if places else []


def response_table(bins: Sequence[ResponseBin], spec: MetricSpec) -> Table:
    """Bins × arms: a metric, with its interval where enough pictures are in the bin."""

    def cell(each: ResponseBin, number: Estimate) -> Cell:
        shown = number if each.has_bars else Estimate(number.value, number.n)
        return value_cell(spec, shown)

    rows = (
        Row(Heading(each.name, each.held), tuple(cell(each, number) for number in each.numbers.values()))
        for each in bins
    )
    return Table("Blur", tuple(map(Heading, bins[0].numbers)), tuple(rows))


def response_plot(
    bins: Sequence[ResponseBin], pens: Mapping[str, Pen], x_label: str, y_label: str
) -> Callable[[Figure], None]:
    """What draws each arm's numbers over the bins. A line joins neighbours and ends at an empty bin; a bin of fewer
    than FEWEST_FOR_A_BAR pictures has hollow markers and no bars.
    """

    def draw(figure: Figure) -> None:
        figure.subplots_adjust(bottom=_BELOW_IN / figure.get_figheight())
        axis = figure.subplots()
        shifts = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(bins[0].numbers))
        for shift, arm in zip(shifts.tolist(), bins[0].numbers, strict=True):
            _draw_arm(axis, bins, arm, pens[arm], shift)
        names = [re.sub(r" (px|%)$", "", each.name) for each in bins]  # the axis has the unit
        # Five bins leave room for seven letters each.
        axis.set_xticks(range(len(bins)), [f"{name}\n{each.n:,}" for name, each in zip(names, bins, strict=True)])
        axis.set(xlabel=f"{x_label}; below it n", ylabel=y_label, xlim=(-0.6, len(bins) - 0.4))
        axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))
        axis.grid(visible=False, axis="x")

    return draw


def _draw_arm(axis: Axes, bins: Sequence[ResponseBin], arm: str, pen: Pen, shift: float) -> None:
    numbers = [each.numbers[arm] for each in bins]
    x = np.arange(len(bins)) + shift
    y = np.array([np.nan if each.value is None else each.value for each in numbers])
    axis.plot(x, y, color=pen.colour, linestyle=pen.linestyle, linewidth=0.9, alpha=0.7)
    is_full = np.array([each.has_bars for each in bins])
    axis.plot(x[is_full], y[is_full], pen.marker, color=pen.colour, markeredgewidth=0)
    axis.plot(x[~is_full], y[~is_full], pen.marker, color=pen.colour, markerfacecolor="none", markeredgewidth=1)
    for place, each, full in zip(x.tolist(), numbers, is_full.tolist(), strict=True):
        if full and each.low is not None and each.high is not None:
            axis.vlines(place, each.low, each.high, color=pen.colour, linewidth=1.1)


def gains_of(images: pd.DataFrame, changes: Mapping[str, Change]) -> dict[str, Gain]:
    """Each deblurrer's gain by arm; those without a picture of known severity and PSNR are left out.

    `images` is the content of `images.csv`, `changes` what `changes_of` makes of it.
    """
    severity_px = np.asarray(_severities(images), np.float64)
    gains = {}
    for arm, change in changes.items():
        known = np.flatnonzero(~np.isnan(severity_px) & ~np.isnan(change.psnr_db))
        order = known[np.argsort(severity_px[known], kind="stable")]
        if len(order):
            gains[arm] = Gain(severity_px[order], change.psnr_db[order])
    return gains


def severity_bins(images: pd.DataFrame, gains: Mapping[str, Gain]) -> list[SeverityBin]:
    """The quarters of the run's pictures by severity, those without pictures left out.

    None at all where the severities are unknown, or too few of them differ.
    """
    severities_px = np.asarray(_severities(images).dropna(), np.float64)
    if len(np.unique(severities_px)) < SEVERITY_BINS:
        return []
    edges = np.asarray(np.quantile(severities_px, np.linspace(0, 1, SEVERITY_BINS + 1)), np.float64)
    places = {arm: _bin_of(gain.severity_px, edges) for arm, gain in gains.items()}
    pictures = np.bincount(_bin_of(severities_px, edges), minlength=SEVERITY_BINS)
    made = []
    for index, (low, high) in enumerate(pairwise(edges.tolist())):
        inside = {arm: np.flatnonzero(place == index) for arm, place in places.items()}
        means = {
            arm: (float(gains[arm].severity_px[some].mean()), mean_estimate(gains[arm].psnr_db[some]))
            for arm, some in inside.items()
            if len(some)
        }
        made.append(SeverityBin(low, high, int(pictures[index]), means))
    return [each for each in made if each.means]


def severity_table(bins: Sequence[SeverityBin], arms: Sequence[str]) -> Table:
    """Bins × deblurrers: the mean gain in PSNR."""
    rows = (
        Row(Heading(each.name, plural(each.pictures, "picture", "pictures")), tuple(_cell(each, arm) for arm in arms))
        for each in bins
    )
    return Table("Blur", tuple(Heading(arm, "dB") for arm in arms), tuple(rows))


def _severities(images: pd.DataFrame) -> "pd.Series[float]":
    """By picture, in the order of their ids."""
    return images[images["arm"] == "blurred"].set_index("image_id")["severity_px"].sort_index()


def _bin_of(severities_px: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted(edges[1:-1], severities_px, side="right")


def _cell(each: SeverityBin, arm: str) -> Cell:
    if arm not in each.means:
        return Cell(UNDEFINED)
    spec, (_, gain) = METRICS["psnr_db"], each.means[arm]
    title = f"PSNR of {arm} minus blurred, over {plural(gain.n, 'picture', 'pictures')}"
    return Cell(signed(spec, gain.value or 0.0), interval(spec, gain, is_difference=True), title)

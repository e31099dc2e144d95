"""What each deblurrer brings by how strong the blur was: PSNR gained over the blurred picture, against severity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.text import UNDEFINED, interval, plural, signed
from detbench.report.changes import Change, evenly, mean_estimate
from detbench.types import Estimate

SEVERITY_BINS = 4


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

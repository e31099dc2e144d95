"""What each deblurrer changed in single pictures: true boxes found, and PSNR, beside the blurred arm's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.text import UNDEFINED, percent, plural, signed
from detbench.types import Estimate

PSNR_GROUPS = 5
_MOST_POINTS = 250
_FARTHEST = 6
"""Changes of more boxes than this are shown together."""


@dataclass(frozen=True, eq=False)
class Change:
    """One deblurrer minus blurred, both (N,) by picture: true boxes found, and PSNR in dB, NaN where undefined."""

    boxes: NDArray[np.int64]
    psnr_db: NDArray[np.float64]

    @property
    def is_measured(self) -> bool:
        """Whether PSNR changed in enough pictures to hold the detector's change against it."""
        return len(np.unique(self.psnr_db[~np.isnan(self.psnr_db)])) >= PSNR_GROUPS

    @property
    def rho(self) -> float | None:
        """Spearman's rank correlation of both changes; None where one of them is the same everywhere."""
        pairs = pd.DataFrame({"psnr_db": self.psnr_db, "boxes": self.boxes}).dropna().rank()
        if pairs.nunique().min() < 2:
            return None
        return float(pairs["psnr_db"].corr(pairs["boxes"]))

    def thinned(self) -> tuple[list[float], list[float]]:
        """PSNR and boxes of as many pictures as a plot can show, evenly taken by PSNR."""
        some = evenly(self.by_psnr())
        return self.psnr_db[some].tolist(), self.boxes[some].tolist()

    def by_psnr(self) -> NDArray[np.int64]:
        """The pictures whose PSNR is known, from the largest loss to the largest gain."""
        return np.argsort(self.psnr_db, kind="stable")[: int((~np.isnan(self.psnr_db)).sum())]


@dataclass(frozen=True)
class PsnrGroup:
    """Pictures of like change in PSNR: its mean in dB, and the mean change in true boxes with a 95 % interval."""

    psnr_db: float
    boxes: Estimate


def changes_of(images: pd.DataFrame, deblurrers: Sequence[str]) -> dict[str, Change]:
    """Each deblurrer's change by arm; `images` is the content of `images.csv`."""
    tp, psnr_db = (images.pivot(index="image_id", columns="arm", values=name) for name in ("tp", "psnr_db"))
    return {
        arm: Change(
            (tp[arm] - tp["blurred"]).to_numpy(np.int64), (psnr_db[arm] - psnr_db["blurred"]).to_numpy(np.float64)
        )
        for arm in deblurrers
    }


def evenly(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the pictures in this order as many as a plot can show, evenly taken, the first and the last among them."""
    places = np.unique(np.linspace(0, len(order) - 1, min(len(order), _MOST_POINTS)).round().astype(np.int64))
    return np.asarray(order[places], np.int64)


def mean_estimate(values: NDArray[np.number[Any]]) -> Estimate:
    """The mean of at least one value with its 95 % interval by the normal distribution; of a single one without."""
    mean, count = float(values.mean()), len(values)
    if count == 1:
        return Estimate(mean, count)
    far = 1.96 * float(values.std(ddof=1)) / count**0.5
    return Estimate(mean, count, mean - far, mean + far)


def change_shares(changes: Mapping[str, Change]) -> dict[int, list[float]]:
    """The share of pictures at each change in true boxes, by arm in their order; the outermost hold all beyond."""
    clipped = {arm: np.clip(change.boxes, -_FARTHEST, _FARTHEST) for arm, change in changes.items()}
    low, high = (int(pick([pick(each) for each in clipped.values()])) for pick in (min, max))
    return {number: [float((each == number).mean()) for each in clipped.values()] for number in range(low, high + 1)}


def change_table(changes: Mapping[str, Change]) -> Table:
    """How many pictures gained, kept and lost true boxes, and by how many at most."""
    columns = tuple(map(Heading, ("more found", "as many", "fewer found", "largest gain", "largest loss")))
    rows = []
    for arm, change in changes.items():
        shares = (change.boxes > 0, change.boxes == 0, change.boxes < 0)
        cells = [Cell(percent(float(each.mean())), plural(int(each.sum()), "picture", "pictures")) for each in shares]
        ends = (max(0, int(change.boxes.max())), -min(0, int(change.boxes.min())))
        rows.append(Row(Heading(arm), (*cells, *(Cell(plural(end, "box", "boxes")) for end in ends))))
    return Table("Arm", columns, tuple(rows))


def groups_by_psnr(change: Change) -> list[PsnrGroup]:
    """Pictures in PSNR_GROUPS equal groups, from the largest loss of PSNR to the largest gain."""
    return [_group(change, some) for some in np.array_split(change.by_psnr(), PSNR_GROUPS) if len(some)]


def psnr_table(changes: Mapping[str, Change]) -> Table:
    """Groups × deblurrers: the mean change in true boxes beside that in PSNR."""
    groups = {arm: groups_by_psnr(change) for arm, change in changes.items()}
    columns = tuple(Heading(arm, rho_in_words(change)) for arm, change in changes.items())
    names = ("least PSNR gained", *(f"group {number}" for number in range(2, PSNR_GROUPS)), "most PSNR gained")
    rows = (
        Row(Heading(name), tuple(_psnr_cell(found[index]) for found in groups.values()))
        for index, name in enumerate(names)
    )
    return Table("Pictures", columns, tuple(rows))


def rho_in_words(change: Change) -> str:
    """The rank correlation as text: ρ +.12."""
    return UNDEFINED if change.rho is None else f"ρ {change.rho:+.2f}".replace("-", "−")


def _psnr_cell(group: PsnrGroup) -> Cell:
    mean = group.boxes.value or 0.0
    return Cell(f"{mean:+.2f} boxes".replace("-", "−"), f"at {signed(METRICS['psnr_db'], group.psnr_db)} dB")


def _group(change: Change, pictures: NDArray[np.int64]) -> PsnrGroup:
    return PsnrGroup(float(change.psnr_db[pictures].mean()), mean_estimate(change.boxes[pictures]))

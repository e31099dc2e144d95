"""What came of every found box, for each size class and IoU, in two bits: a large run has millions of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE, TRUE, SKIPPED = 0, 1, 2
"""What a found box is: false, true, or neither (on a crowd region, or of another size)."""

Rows = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """FALSE, TRUE or SKIPPED of D boxes at A size classes and T IoUs.

    `true` and `skipped` (A, ceil(T / 8), D) hold a bit for each IoU; `ious` is T.
    """

    true: NDArray[np.uint8]
    skipped: NDArray[np.uint8]
    ious: int

    def __getitem__(self, rows: Rows) -> "Outcomes":
        """Those of some boxes, or in another order."""
        return Outcomes(self.true[:, :, rows], self.skipped[:, :, rows], self.ious)

    def of_area(self, area: int, rows: Rows | slice = slice(None)) -> NDArray[np.uint8]:
        """One size class's, (T, D), of some boxes."""
        true, skipped = (
            np.unpackbits(bits[area][:, rows], axis=0, count=self.ious) for bits in (self.true, self.skipped)
        )
        return true * np.uint8(TRUE) + skipped * np.uint8(SKIPPED)

    def of_size(self, area: int) -> "Outcomes":
        """One size class's, as the only one."""
        return Outcomes(self.true[[area]], self.skipped[[area]], self.ious)

    def always_skipped(self) -> NDArray[np.bool_]:
        """Which boxes are SKIPPED everywhere, (D,)."""
        everywhere = np.packbits(np.ones(self.ious, np.bool_))
        in_every_size = np.bitwise_and.reduce(self.skipped, axis=0)
        return np.asarray((in_every_size == everywhere[:, None]).all(axis=0))

    def unlike_before(self) -> NDArray[np.bool_]:
        """Which boxes differ anywhere from the one before them, (D,); the first does not."""
        unlike = np.zeros(self.true.shape[2], np.bool_)
        for bits in (self.true, self.skipped):
            unlike[1:] |= (bits[:, :, 1:] != bits[:, :, :-1]).any(axis=(0, 1))
        return unlike

    def ever_true(self) -> NDArray[np.bool_]:
        """Which boxes are TRUE anywhere, (D,)."""
        return np.asarray(np.bitwise_or.reduce(self.true, axis=(0, 1)) != 0)

    def whole(self) -> NDArray[np.uint8]:
        """All of them, (A, T, D)."""
        return np.stack([self.of_area(area) for area in range(len(self.true))])


def pack(outcomes: NDArray[np.uint8]) -> Outcomes:
    """Outcomes (A, T, D) as bits."""
    true, skipped = (np.packbits(outcomes == kind, axis=1) for kind in (TRUE, SKIPPED))
    return Outcomes(true, skipped, outcomes.shape[1])


def join(*parts: Outcomes) -> Outcomes:
    """Those of several sets of boxes, one after the other."""
    true, skipped = (np.concatenate([getattr(part, name) for part in parts], axis=2) for name in ("true", "skipped"))
    return Outcomes(true, skipped, parts[0].ious)

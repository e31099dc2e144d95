"""How far numbers over pictures may be off: intervals by drawing pictures again, p-values by swapping arms.

Pictures are the unit, because the boxes of one picture stand or fall together. Arms are paired: each draw takes the
same pictures for every arm (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 15).
"""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
SEED = 20180618
_DEFINED_SHARE = 0.9
"""An interval needs the number to exist in so many of the draws: a class that is in one picture is often in none."""


def draw_pictures(pictures: int, resamples: int, seed: int = SEED) -> NDArray[np.uint16]:
    """How often each picture is drawn when as many as there are are drawn with replacement: (B, N), rows sum to N."""
    rng = np.random.default_rng(seed)
    rows = (np.bincount(rng.integers(pictures, size=pictures), minlength=pictures) for _ in range(resamples))
    # more than 65,535 times the same picture is never drawn: once is what to expect
    return np.fromiter(rows, np.dtype((np.uint16, pictures)), resamples)


def draw_swaps(pictures: int, times: int, seed: int = SEED) -> NDArray[np.uint8]:
    """For each picture 1 where two arms keep their names and 0 where they exchange them, by a fair coin: (B, N)."""
    return np.random.default_rng(seed).integers(2, size=(times, pictures), dtype=np.int32).astype(np.uint8)


def interval(values: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float] | None:
    """The percentile interval of a number over B draws, NaN where it was undefined; None where it mostly was."""
    low, high = (quantile(values, share) for share in ((1 - level) / 2, (1 + level) / 2))
    return None if low is None or high is None else (low, high)


def quantile(values: NDArray[np.float64], share: float) -> float | None:
    """The number below which a share of B draws lies; None where too many of them left it undefined (NaN)."""
    defined = values[~np.isnan(values)]
    if not len(defined) or len(defined) < _DEFINED_SHARE * len(values):
        return None
    return float(np.quantile(defined, share))


def p_value(observed: float, swapped: NDArray[np.float64]) -> float | None:
    """Two-sided p of a difference, given those with arms exchanged at random: how often chance does as much, in (0, 1].

    The difference that was observed counts as one of the exchanges, so that p is never 0 (Phipson & Smyth 2010). None
    where some exchange leaves the difference undefined.
    """
    if np.isnan(swapped).any():
        return None
    as_large = int((np.abs(swapped) >= abs(observed) - 1e-12).sum())
    return (1 + as_large) / (1 + len(swapped))

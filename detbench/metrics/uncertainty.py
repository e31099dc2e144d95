"""How far numbers over pictures may be off: intervals by the jackknife, p-values by swapping arms.

Pictures are the unit, because the boxes of one picture stand or fall together. Arms are paired: each fold leaves the
same pictures out of every arm.

The jackknife computes a number again with one picture left out, for each picture, and the spread of these numbers
gives its standard error (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11). With Student's t
its intervals hold 95 % from ten pictures on, also of mAP with rare classes, where percentiles of bootstrap draws do
not, for a rare class is in none of the pictures of many draws (`nox -s simulate`).
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

LEVEL = 0.95
EXCHANGES = 1000
DRAWS = 1000
SEED = 20180618

FOLDS = 200
"""Of more pictures so many groups are left out, one after the other: a standard error from 200 is off by 5 %."""

Numbers = NDArray[np.float64]


def leave_out(pictures: int) -> NDArray[np.uint8]:
    """Which pictures count, (1 + F, N): first all of them, then all but those of each fold; F = min(N, FOLDS)."""
    fold = folds_of(pictures, FOLDS)
    left_out = np.arange(min(pictures, FOLDS))[:, None] == fold
    return np.concatenate([np.ones((1, pictures), np.bool_), ~left_out]).astype(np.uint8)


def folds_of(pictures: int, most: int) -> NDArray[np.int64]:
    """The fold of each picture, 0..min(N, most) − 1, (N,).

    A fold of several pictures has neighbours in their order, since these are often alike: frames of one film.
    """
    return np.arange(pictures) * min(pictures, most) // max(1, pictures)


def draw_pictures(pictures: int) -> NDArray[np.uint16]:
    """How often each picture counts, (1 + DRAWS, N): first each once, then as many drawn with replacement, seeded."""
    even = np.full(pictures, 1 / max(1, pictures))
    drawn = np.random.default_rng(SEED).multinomial(pictures, even, DRAWS)
    return np.concatenate([np.ones((1, pictures), np.uint16), drawn.astype(np.uint16)])


def drawn_bound(values: Numbers, probability: float) -> float | None:
    """Which number the truth lies below with this probability, one-sided; `values` (1 + B,) are over `draw_pictures`.

    None where more than a tenth of the draws leave it undefined (NaN).
    """
    defined = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or len(defined) < 0.9 * max(1, len(values) - 1):
        return None
    return float(np.quantile(defined, probability))


def draw_swaps(pictures: int, times: int, seed: int = SEED) -> NDArray[np.uint8]:
    """For each picture 1 where two arms keep their names and 0 where they exchange them, by a fair coin: (B, N)."""
    rng, keep = np.random.default_rng(seed), np.empty((times, pictures), np.uint8)
    for row in keep:  # all at once would be four times as large for a moment
        row[:] = rng.integers(2, size=pictures, dtype=np.int32)
    return keep


def standard_error(values: Numbers) -> float | None:
    """The jackknife's standard error of values[0]; `values` (1 + F,) are over the pictures that `leave_out` says.

    None where any of them is undefined (NaN), as where one picture alone has a class, and without folds.
    """
    folds = len(values) - 1
    if folds < 1 or np.isnan(values).any():
        return None
    return math.sqrt((folds - 1) / folds * float(((values[1:] - values[0]) ** 2).sum()))


def reach(values: Numbers, pictures: int, probability: float) -> float | None:
    """How far the truth lies above values[0] at most, with this probability, one-sided; None where that is unknown.

    `pictures` is over how many the number is; of one nothing is known.
    """
    error, degrees = standard_error(values), degrees_of_freedom(pictures)
    return None if error is None or degrees < 1 else float(stdtrit(degrees, probability)) * error


def degrees_of_freedom(pictures: int) -> int:
    """Those of Student's t for the jackknife's standard error over so many pictures."""
    return min(pictures, FOLDS) - 1


def interval(values: Numbers, pictures: int, level: float = LEVEL) -> tuple[float, float] | None:
    """The interval of values[0], with the same reach both ways; None where it is unknown, see `reach`."""
    each_way = reach(values, pictures, (1 + level) / 2)
    return None if each_way is None else (float(values[0]) - each_way, float(values[0]) + each_way)


def p_value(observed: float, swapped: Numbers) -> float | None:
    """Two-sided p of a difference, given those with arms exchanged at random: how often chance does as much, in (0, 1].

    The difference that was observed counts as one of the exchanges, so that p is never 0 (Phipson & Smyth 2010). None
    where some exchange leaves the difference undefined.
    """
    if np.isnan(swapped).any():
        return None
    as_large = int((np.abs(swapped) >= abs(observed) - 1e-12).sum())
    return (1 + as_large) / (1 + len(swapped))

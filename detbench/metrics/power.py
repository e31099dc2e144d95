"""How many pictures a difference between two arms takes to be seen, by the spread that a pilot run shows.

The standard error of a paired difference over N pictures falls with √N. A two-sided test at level α sees a true
difference δ with probability p where δ = (z(1 − α/2) + z(p)) · error, z the normal quantile (Chow, Shao and Wang,
Sample Size Calculations in Clinical Research, 2nd edition 2008, section 3.1). A pilot of N pictures knows its own
spread to about 70 % / √N, and the number of pictures to twice that.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from detbench.metrics.claims import ALPHA, FEWEST_PICTURES
from detbench.metrics.uncertainty import LEVEL, degrees_of_freedom, standard_error
from detbench.types import Estimate

POWER = 0.8
"""With which probability a difference is to be seen."""


@dataclass(frozen=True)
class PairedSpread:
    """What `pictures` pictures show of the difference between two arms: it, and its standard error, 0 or more."""

    difference: float
    standard_error: float
    pictures: int

    def detectable(self, power: float = POWER, alpha: float = ALPHA) -> float:
        """The smallest true difference that as many pictures see with probability `power`, two-sided at `alpha`."""
        return (NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)) * self.standard_error

    def pictures_needed(self, effect: float, power: float = POWER, alpha: float = ALPHA) -> int:
        """How many pictures of the kind see a true difference of `effect` (above 0); at least FEWEST_PICTURES."""
        needed = self.pictures * (self.detectable(power, alpha) / effect) ** 2
        return max(FEWEST_PICTURES, math.ceil(needed))


def pictures_to_show(difference: Estimate) -> int | None:
    """How many pictures would show a difference between two arms, if it is as large as it seems: with POWER at ALPHA.

    Its standard error is read off its interval. Rounded up to two digits. None without an interval, for a difference of
    0, and where so many pictures are there already.
    """
    if not difference.value or difference.low is None or difference.high is None:
        return None
    error = (difference.high - difference.low) / 2 / float(stdtrit(degrees_of_freedom(difference.n), (1 + LEVEL) / 2))
    needed = PairedSpread(difference.value, error, difference.n).pictures_needed(abs(difference.value))
    step: int = 10 ** max(0, len(str(needed)) - 2)
    rounded = math.ceil(needed / step) * step
    return rounded if rounded > difference.n else None


def paired_spread(ours: NDArray[np.float64], theirs: NDArray[np.float64], pictures: int) -> PairedSpread | None:
    """The spread of `ours` − `theirs`, (1 + F,) each as JackknifedNumbers gives them; None where it is undefined."""
    differences = ours - theirs
    error = standard_error(differences)
    return None if error is None else PairedSpread(float(differences[0]), error, pictures)

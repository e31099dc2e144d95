"""The numbers of arms with the same pictures left out, so that arms are paired."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.metrics.evidence import ByMetric, gap_recovered
from detbench.metrics.resampled import Draws, Numbers
from detbench.metrics.uncertainty import interval, leave_out
from detbench.types import Estimate

ANY = (-math.inf, math.inf)


class OverPictures(Protocol):
    """What was measured in an arm, picture by picture."""

    def among(self, pictures: NDArray[np.int64], /) -> Self:
        """The same over some of its pictures, ascending indices (n,)."""


Measured = TypeVar("Measured", bound=OverPictures)


class JackknifedNumbers:
    """Each arm's numbers, (1 + F,) by metric key: first over the pictures as they are, then with each of F folds left
    out, the same for all arms; see `leave_out`. NaN where undefined.

    `arms` are those that were measured. `compute` gives an arm's numbers for weights (1 + F, N), see
    `numbers_of_folds`; it is called once for an arm, when its numbers are needed. `weights_of` may name other
    multisets of so many pictures than `leave_out`: those as they are, without intervals, or draws.
    `for_harm` has the sharp arm and the deblurrers on sharp pictures, over the pictures that these restored; None where
    `arms` has them, over all pictures.
    """

    def __init__(
        self,
        arms: Collection[Arm],
        compute: Callable[[Arm, Draws], tuple[ByMetric, ByMetric]],
        pictures: int,
        weights_of: Callable[[int], Draws] = leave_out,
        for_harm: "JackknifedNumbers | None" = None,
    ) -> None:
        self._arms, self._compute, self.pictures, self._for_harm = arms, compute, pictures, for_harm or self
        self.weights = weights_of(pictures)
        self._computed: dict[Arm, tuple[ByMetric, ByMetric]] = {}

    def own(self, arm: Arm) -> ByMetric:
        """An arm's numbers for intervals of their own."""
        return self._both(arm)[0]

    def pictures_of(self, metric: str) -> int:
        """Over how many pictures a metric is."""
        return (self._for_harm if metric == "harm" else self).pictures

    def paired(self, arm: Arm) -> ByMetric:
        """Its numbers for intervals of what sets them against other arms', and for a deblurrer that: the share of the
        gap that it recovers, and its harm, where there is a sharp arm. The folds of harm are those of its own pictures.
        """
        own = self._both(arm)[1]
        if not arm.is_restored_blurred or SHARP not in self._arms:
            return own
        blurred, sharp = (self._both(each)[1]["map"] for each in (BLURRED, SHARP))
        return {**own, "gap_recovered": gap_recovered(own["map"], blurred, sharp), **self._for_harm._harm(arm)}

    def _harm(self, arm: Arm) -> ByMetric:
        if arm.on_sharp not in self._arms:
            return {}
        return {"harm": self._both(SHARP)[1]["map"] - self._both(arm.on_sharp)[1]["map"]}

    def _both(self, arm: Arm) -> tuple[ByMetric, ByMetric]:
        if arm not in self._computed:
            self._computed[arm] = self._compute(arm, self.weights)
        return self._computed[arm]


def harm_arms(arms: Mapping[Arm, Measured], pictures: NDArray[np.int64]) -> dict[Arm, Measured]:
    """The deblurrers on sharp pictures, which are over the `pictures` (n,) of a run alone, and the sharp arm over the
    same; empty where no deblurrer was run on sharp pictures.
    """
    on_sharp = {arm: each for arm, each in arms.items() if arm.is_on_sharp}
    return {SHARP: arms[SHARP].among(pictures), **on_sharp} if on_sharp else {}


def estimated(value: float | None, n: int, values: Numbers | None, limits: tuple[float, float] = ANY) -> Estimate:
    """A number over n pictures with its interval, where both are defined; `values` (1 + F,) as JackknifedNumbers has
    them. No interval goes beyond the `limits` of what is possible.
    """
    bounds = None if value is None or values is None else interval(values, n)
    if bounds is None:
        return Estimate(value, n)
    low, high = np.clip(bounds, *limits)
    return Estimate(value, n, float(low), float(high))

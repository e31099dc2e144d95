"""The numbers of arms with the same pictures left out, so that arms are paired."""

import math
from collections.abc import Callable, Collection

import numpy as np

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.metrics.evidence import ByMetric, of_deblurrer
from detbench.metrics.resampled import Draws, Numbers, unit_weights
from detbench.metrics.uncertainty import interval, leave_out
from detbench.types import Estimate

ANY = (-math.inf, math.inf)


class JackknifedNumbers:
    """Each arm's numbers, (1 + F,) by metric key: first over the pictures as they are, then with each of F folds left
    out, the same for all arms; see `leave_out`. NaN where undefined.

    `arms` are those that were measured. `compute` gives an arm's own numbers for weights (1 + F, N), see `Draws`; it is
    called once for an arm, when its numbers are needed. Without folds there are no intervals.
    """

    def __init__(
        self,
        arms: Collection[Arm],
        compute: Callable[[Arm, Draws], ByMetric],
        pictures: int,
        with_folds: bool = True,
    ) -> None:
        self._arms, self._compute = arms, compute
        self.weights: Draws = leave_out(pictures) if with_folds else unit_weights(pictures)
        self._own: dict[Arm, ByMetric] = {}

    def own(self, arm: Arm) -> ByMetric:
        """The numbers that follow from one arm alone."""
        if arm not in self._own:
            self._own[arm] = self._compute(arm, self.weights)
        return self._own[arm]

    def of(self, arm: Arm) -> ByMetric:
        """The same, and for a deblurrer those that set its mAP against the sharp arm's, where there is one."""
        if not arm.is_restored_blurred or SHARP not in self._arms:
            return self.own(arm)
        ours, blurred, sharp = (self.own(each)["map"] for each in (arm, BLURRED, SHARP))
        harmed = self.own(arm.on_sharp)["map"] if arm.on_sharp in self._arms else None
        return {**self.own(arm), **of_deblurrer(ours, blurred, sharp, harmed)}


def estimated(value: float | None, n: int, values: Numbers | None, limits: tuple[float, float] = ANY) -> Estimate:
    """A number over n pictures with its interval, where both are defined; `values` (1 + F,) as JackknifedNumbers has
    them. No interval goes beyond the `limits` of what is possible.
    """
    bounds = None if value is None or values is None else interval(values, n)
    if bounds is None:
        return Estimate(value, n)
    low, high = np.clip(bounds, *limits)
    return Estimate(value, n, float(low), float(high))

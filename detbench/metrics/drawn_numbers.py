"""The numbers of arms over the same drawn pictures, so that arms are paired."""

from collections.abc import Callable, Collection

import numpy as np

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.metrics.bootstrap import RESAMPLES, draw_pictures, interval
from detbench.metrics.evidence import ByMetric, of_deblurrer
from detbench.metrics.resampled import Draws, Numbers, unit_weights
from detbench.types import Estimate


class DrawnNumbers:
    """Each arm's numbers, (1 + B,) by metric key: first over the pictures as they are, then over B draws of as many
    pictures with replacement, the same for all arms. NaN where undefined.

    `arms` are those that were measured. `compute` gives an arm's own numbers for weights (1 + B, N), see `Draws`; it is
    called once for an arm, when its numbers are needed.
    """

    def __init__(
        self,
        arms: Collection[Arm],
        compute: Callable[[Arm, Draws], ByMetric],
        pictures: int,
        resamples: int = RESAMPLES,
    ) -> None:
        self._arms, self._compute = arms, compute
        self.weights = np.concatenate([unit_weights(pictures), draw_pictures(pictures, resamples)])
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


def estimated(value: float | None, n: int, drawn: Numbers | None) -> Estimate:
    """A number over n pictures with its interval, where both are defined; `drawn` (1 + B,) is of DrawnNumbers."""
    bounds = None if value is None or drawn is None else interval(drawn[1:])
    return Estimate(value, n) if bounds is None else Estimate(value, n, *bounds)

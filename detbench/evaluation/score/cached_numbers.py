"""Every arm's numbers with the same pictures left out, and all that follows from evidence, in the cache."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from detbench.core.arm import Arm
from detbench.core.fingerprints import code_identity
from detbench.evaluation.score.arm_evidence import ArmEvidence
from detbench.evaluation.score.true_boxes import TrueBoxes
from detbench.metrics.evidence import ByMetric, numbers_of_folds, p_values
from detbench.metrics.jackknifed import JackknifedNumbers, harm_arms
from detbench.metrics.resampled import Draws, defined, unit_weights
from detbench.metrics.uncertainty import SEED, leave_out
from detbench.results.cache import Cache, Record


class CachedNumbers:
    """Numbers of a run's arms, which are all held against `truth`; `jackknifed` has them by arm.

    `arms` are those that have all pictures. Deblurrers on sharp pictures are there for harm alone; `harm_pictures` (n,)
    are the places of the pictures that it is over.
    """

    def __init__(self, cache: Cache, truth: TrueBoxes, arms: Mapping[Arm, ArmEvidence], resamples: int) -> None:
        self._cache, self._true_boxes, self.truth, self._resamples = cache, truth, truth.columns, resamples
        self.arms = {arm: each for arm, each in arms.items() if not arm.is_on_sharp}
        everywhere = np.arange(len(self.truth.image_ids))
        self.harm_pictures = next((each.pictures for arm, each in arms.items() if arm.is_on_sharp), everywhere)
        for_harm = self._jackknifed(harm_arms(arms, self.harm_pictures), len(self.harm_pictures))
        self.jackknifed = self._jackknifed(self.arms, len(everywhere), for_harm)
        self._depends_on = {
            **code_identity(JackknifedNumbers),
            "truth": truth.sha256,
            "resamples": resamples,
            "seed": SEED,
        }

    def of_arms(self, arms: Mapping[Arm, ArmEvidence]) -> "CachedNumbers":
        """Those of other arms over the same pictures, against the same truth."""
        return CachedNumbers(self._cache, self._true_boxes, arms, self._resamples)

    def p_values(self, one: Arm, other: Arm) -> Mapping[str, float | None]:
        """Paired permutation p-values by metric; none where nothing is resampled."""
        if not self._resamples:
            return {}
        ours, theirs = self.arms[one], self.arms[other]
        return self.kept(
            "p_values",
            {"one": ours.sha256, "other": theirs.sha256},
            lambda: p_values(ours.evidence, theirs.evidence, self._resamples),
        )

    def kept(self, stage: str, depends_on: Mapping[str, Any], compute: Callable[[], Record]) -> Record:
        """What the cache holds for these arms; computed and kept where it holds nothing."""
        everything = {**self._depends_on, **depends_on}
        return self._cache.kept(stage, everything, compute)

    def _jackknifed(
        self, arms: Mapping[Arm, ArmEvidence], pictures: int, for_harm: JackknifedNumbers | None = None
    ) -> JackknifedNumbers:
        return JackknifedNumbers(
            arms, partial(self._numbers, arms), pictures, leave_out if self._resamples else unit_weights, for_harm
        )

    def _numbers(self, arms: Mapping[Arm, ArmEvidence], arm: Arm, weights: Draws) -> tuple[ByMetric, ByMetric]:
        each = arms[arm]
        record = self.kept(
            "jackknifed",
            {"arm": each.sha256},
            lambda: dict(zip(("own", "paired"), map(_lists, numbers_of_folds(each.evidence, weights)), strict=True)),
        )
        return _arrays(record["own"]), _arrays(record["paired"])


def _lists(numbers: ByMetric) -> Record:
    """Numbers as JSON has them: NaN is null."""
    return {key: list(map(defined, values.tolist())) for key, values in numbers.items()}


def _arrays(record: Record) -> ByMetric:
    return {key: np.array(values, np.float64) for key, values in record.items()}

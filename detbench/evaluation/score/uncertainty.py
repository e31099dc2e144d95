"""How sure a run's numbers are: every arm's numbers over the same drawn pictures, kept in the cache."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detbench.core.fingerprints import code_identity
from detbench.evaluation.measure.rows import ArmDetections, ArmPicture
from detbench.metrics.bootstrap import SEED, draw_pictures, interval
from detbench.metrics.columns import TrueColumns
from detbench.metrics.evidence import ByMetric, Evidence, numbers_of, p_values
from detbench.metrics.image_metrics import image_metrics
from detbench.metrics.resampled import Numbers
from detbench.results.cache import Cache, Record, digest
from detbench.types import Estimate


@dataclass(frozen=True, eq=False)
class Resampled:
    """One arm's evidence, its digest, and its numbers over the drawn pictures: metric key → (B,)."""

    evidence: Evidence
    sha256: str
    numbers: ByMetric


class Bootstrap:
    """Draws pictures once and gives every arm's numbers over those `draws` (B, N), so that arms are paired; `truth` is
    what all of them are held against, `truth_sha256` the digest of its document.
    """

    def __init__(self, cache: Cache, truth: TrueColumns, truth_sha256: str, resamples: int) -> None:
        self._cache, self.truth = cache, truth
        self.draws = draw_pictures(len(self.truth.image_ids), resamples)
        self._depends_on = {
            **code_identity(numbers_of),
            "truth": truth_sha256,
            "resamples": resamples,
            "seed": SEED,
        }

    def of(self, pictures: Sequence[ArmPicture], found: ArmDetections) -> Resampled:
        """The numbers of an arm; arms that are alike throughout share them."""
        rows = sorted(pictures, key=lambda row: row.sample.id)
        counts = [[row.counts.tp, row.counts.fp, row.counts.fn] for row in rows]
        paired = [key for key, metric in image_metrics().items() if metric.spec.is_paired]
        quality = {key: [row.quality.get(key) for row in rows] for key in paired}
        sha256 = digest([found.sha256, counts, quality])
        evidence = Evidence(
            found.ranking,
            np.array(counts, np.int64).reshape(-1, 3),
            {key: np.array(values, np.float64) for key, values in quality.items()},
        )
        record = self.kept("resampled", {"arm": sha256}, lambda: _lists(numbers_of(evidence, self.draws)))
        return Resampled(evidence, sha256, {key: np.array(values, np.float64) for key, values in record.items()})

    def p_values(self, one: Resampled, other: Resampled) -> Mapping[str, float | None]:
        """Paired permutation p-values by metric; none where nothing is resampled."""
        times = len(self.draws)
        if not times:
            return {}
        arms = {"one": one.sha256, "other": other.sha256}
        return self.kept("p_values", arms, lambda: p_values(one.evidence, other.evidence, times))

    def kept(self, stage: str, depends_on: Mapping[str, Any], compute: Callable[[], Record]) -> Record:
        """What the cache holds for these arms over these draws; computed and kept where it holds nothing."""
        everything = {**self._depends_on, **depends_on}
        record = self._cache.get(stage, everything)
        return self._cache.put(stage, everything, compute()) if record is None else record


def _lists(numbers: ByMetric) -> Record:
    """Numbers as JSON has them: NaN is null."""
    return {key: [None if math.isnan(x) else x for x in values.tolist()] for key, values in numbers.items()}


def estimated(value: float | None, n: int, drawn: Numbers | None) -> Estimate:
    """A number with its interval, where both are defined."""
    bounds = None if value is None or drawn is None else interval(drawn)
    return Estimate(value, n) if bounds is None else Estimate(value, n, *bounds)

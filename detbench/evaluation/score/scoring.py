"""Scoring, one way: measured pictures become columns, columns each arm's evidence, evidence numbers over the drawn
pictures, numbers estimates, and these the run's result.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from detbench.core.arm import Arm
from detbench.core.progress import Progress, unwatched
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.analysis import analysis_of
from detbench.evaluation.score.arm_evidence import ArmEvidence, evidence_of_arms
from detbench.evaluation.score.artefact_alarms import alarms_of
from detbench.evaluation.score.cached_numbers import CachedNumbers
from detbench.evaluation.score.consistency import consistency_of
from detbench.evaluation.score.over_time import over_time_of
from detbench.evaluation.score.scores import arm_result, differences, pairs_of, reported_arms
from detbench.evaluation.score.selective_restoration import selective_restoration
from detbench.evaluation.score.shown_pictures import shown_ids
from detbench.evaluation.score.true_boxes import true_boxes
from detbench.metrics.columns import TrueColumns
from detbench.metrics.image_metrics import metric_specs
from detbench.results.cache import Cache, Record
from detbench.results.over_time_schema import OverTime
from detbench.results.schema import ArmResult, RunResult


@dataclass(frozen=True, eq=False)
class Scored:
    """A run's result, and what else its folder says: the reported arms' `analysis`, every arm's `evidence`, the true
    boxes that they were held against, and of a video what its frames say in their order.
    """

    result: RunResult
    analysis: Mapping[Arm, Record]
    evidence: Mapping[Arm, ArmEvidence]
    truth: TrueColumns
    over_time: OverTime | None = None


SCORING = "scoring arms and pairs"
"""What progress counts while a run is scored."""


class _Counter:
    """Progress over arms, once to match their boxes and once for their numbers, and over pairs of arms."""

    def __init__(self, progress: Progress, count: int) -> None:
        self._progress, self._count, self._done = progress, count, 0

    def __call__(self, now: str = "") -> None:
        """The next step begins, or none is left."""
        self._progress(SCORING, self._done, self._count, now)
        self._done += 1


def score(measured: Measurements, cache: Cache, progress: Progress = unwatched) -> Scored:
    """Score what was measured of all pictures; what was scored before comes from the cache."""
    basis, arms = measured.basis, reported_arms(measured)
    begun = _Counter(progress, len(measured.rows) + len(arms) + len(pairs_of(arms)))
    truth = true_boxes(measured)
    evidence = evidence_of_arms(measured.rows, truth.columns, begun, partial(_kept_matches, cache, truth.sha256))
    numbers = CachedNumbers(cache, truth, evidence, basis.specification["resamples"])
    analysis, results = dict[Arm, Record](), dict[Arm, ArmResult]()
    for arm in arms:
        begun(arm.name)
        analysis[arm] = analysis_of(numbers, arm, measured.rows[arm], basis.classes)
        results[arm] = arm_result(numbers, measured, arm, analysis[arm])
    compared = differences(numbers, results, begun)
    begun()
    counts = {arm: each.counts for arm, each in evidence.items()}
    alarms = alarms_of(measured.rows)
    shown = shown_ids(counts, truth.columns.image_ids, measured.kept)
    worst = (alarm.worst_ids[0] for alarm in alarms)
    result = RunResult(
        specification=basis.specification,
        environment=basis.environment,
        data=truth.data,
        detector=basis.detector,
        arms=tuple(results.values()),
        differences=compared,
        shown=tuple(dict.fromkeys((*shown, *(number for number in worst if _is_kept(number, measured))))),
        definitions=_definitions(basis.specification.get("metrics", ())),
        failed=measured.failed,
        partly_known=measured.partly_known,
        harm_ids=_harm_ids(numbers),
        selective=selective_restoration(numbers, evidence, measured),
        alarms=alarms,
        consistency=consistency_of(measured, arms, truth.columns) if basis.specification["truth"] == "none" else (),
    )
    over_time = over_time_of(measured, arms, evidence, truth.columns, progress)
    return Scored(result, analysis, evidence, truth.columns, over_time)


def _kept_matches(
    cache: Cache, truth_sha256: str, depends_on: Mapping[str, Any], compute: Callable[[], Record]
) -> Record:
    return cache.kept("matches", {"truth": truth_sha256, **depends_on}, compute)


def _definitions(named: Collection[str]) -> dict[str, str]:
    """What each metric is that the run may have, by key; `named` are those of its request."""
    specs = metric_specs().items()
    return {key: spec.definition for key, spec in specs if not spec.on_request or key in named}


def _is_kept(number: int, measured: Measurements) -> bool:
    return measured.kept is None or number in measured.kept


def _harm_ids(numbers: CachedNumbers) -> tuple[int, ...] | None:
    """The ids of the pictures that harm is over, None for all."""
    ids = numbers.truth.image_ids[numbers.harm_pictures]
    return None if len(ids) == len(numbers.truth.image_ids) else tuple(ids.tolist())

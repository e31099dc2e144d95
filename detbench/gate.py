"""The gate: did any arm lose mAP against a baseline?

For now it judges plain differences; it refuses to judge where the two were not measured on the same ground.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from detbench.errors import NotEvaluableError, UsageError
from detbench.results.schema import ArmResult, RunResult

_ROUNDING = 1e-9
"""Far below any mAP's resolution: a drop of exactly the margin passes, however .4 − .3 is rounded."""


@dataclass(frozen=True)
class Verdict:
    """One arm's mAP against its baseline; a regression where it fell by more than `max_drop`."""

    arm: str
    baseline_map: float
    map: float
    max_drop: float

    @property
    def drop(self) -> float:
        """How much mAP was lost, 0..1; negative where it rose."""
        return self.baseline_map - self.map

    @property
    def is_regression(self) -> bool:
        """Whether more was lost than may be."""
        return self.drop > self.max_drop + _ROUNDING


def judge(run: RunResult, baseline: RunResult, max_drop: float) -> tuple[Verdict, ...]:
    """Every arm of the baseline, judged; `max_drop` is in mAP (0..1).

    Raises NotEvaluableError where the data differ or an arm or its mAP is missing, UsageError for a `max_drop` out of
    range.
    """
    if not 0 <= max_drop <= 1:
        raise UsageError(f"--max-drop is a drop in mAP from 0 to 1, not {max_drop}")
    for difference in _different_ground(run, baseline):
        raise NotEvaluableError(f"cannot judge: {difference}. Make the baseline again on the same ground")
    return tuple(_verdict(run, arm, max_drop) for arm in baseline.arms)


def _verdict(run: RunResult, before: ArmResult, max_drop: float) -> Verdict:
    after = run.arm(before.name)
    if after is None:
        raise NotEvaluableError(
            f"cannot judge: the run has no arm {before.name!r}, the baseline has. Run it with that deblurrer"
        )
    values = [arm.metrics["map"].value if "map" in arm.metrics else None for arm in (before, after)]
    if values[0] is None or values[1] is None:
        raise NotEvaluableError(f"cannot judge: the mAP of arm {before.name!r} is undefined")
    return Verdict(before.name, values[0], values[1], max_drop)


def _different_ground(run: RunResult, baseline: RunResult) -> Iterator[str]:
    if run.data.images != baseline.data.images:
        yield f"the run has {run.data.images} pictures, the baseline {baseline.data.images}"
    truths = [result.specification.get("truth") for result in (run, baseline)]
    if truths[0] != truths[1]:
        yield f"truth is {truths[0]!r} in the run, {truths[1]!r} in the baseline"
    if _judge(run) != _judge(baseline):
        yield "another detector judged the run than the baseline"
    if run.data.fingerprint != baseline.data.fingerprint:
        yield (
            f"the pictures or true boxes differ (fingerprint {run.data.fingerprint[:12]} in the run, "
            f"{baseline.data.fingerprint[:12]} in the baseline)"
        )
    if not baseline.arms:
        yield "the baseline has no arms"


def _judge(result: RunResult) -> tuple[object, object]:
    """What makes two detectors the same judge: name and weights. Versions of libraries may move on."""
    return result.detector.get("name"), result.detector.get("weights_sha256")

"""The gate's judgement: has a run lost anything against its baseline that it may not lose?

A test of non-inferiority: a drop passes only where a loss beyond the margin can be excluded at the stated confidence,
by a one-sided interval of the paired difference, or of the paired ratio where the rule is relative. Too few pictures to
exclude it are no pass.

Several rules need no correction. The gate's error is to pass a true loss, and it passes only where every rule does: a
run that lost more than one margin allows passes no more often than that one rule lets it, 1 − confidence, however many
rules there are and however they depend on each other (an intersection-union test; Berger, Technometrics 24, 1982). The
price is paid on the other side: the more rules, the more often one of them cannot be shown in a run that lost nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from detbench.core.arm import Arm
from detbench.errors import NotEvaluableError
from detbench.gate.gated_run import Measured
from detbench.gate.rules import Rule
from detbench.metrics.claims import FEWEST_PICTURES
from detbench.metrics.jackknifed import JackknifedNumbers
from detbench.metrics.uncertainty import draw_pictures, drawn_bound
from detbench.pages.text import plural

_ROUNDING = 1e-9
"""Far below any metric's resolution: a drop of exactly the margin passes, however .4 − .3 is rounded."""

_GROUND = {
    "images": "the run has {0} pictures, the baseline {1}",
    "truth": "truth is {0!r} in the run, {1!r} in the baseline",
    "detector": "{0} judged the run, {1} the baseline",
    "detector_weights_sha256": "the detector's weights are {0:.12} in the run, {1:.12} in the baseline",
    "fingerprint": "the pictures or true boxes differ (fingerprint {0:.12} in the run, {1:.12} in the baseline)",
}


@dataclass(frozen=True)
class Verdict:
    """One rule's answer for one arm. `before` is the baseline's value (None where the rule is absolute), `worst` the
    largest drop that cannot be excluded at the rule's confidence (None likewise). A drop is in the direction that is
    worse, and a share of `before` where the rule is relative.
    """

    rule: Rule
    arm: str
    before: float | None
    after: float
    worst: float | None = None

    @property
    def drop(self) -> float | None:
        """How much was lost; negative where it got better, None where the rule is absolute."""
        if self.before is None:
            return None
        lost = self.rule.spec.sign * (self.before - self.after)
        return lost / self.before if self.rule.is_relative else lost

    @property
    def certifiable(self) -> float | None:
        """The smallest margin that a run without any drop keeps, with the spread that these pictures show.

        The distance from `drop` to `worst`, half the width of the interval: a margin below it is too small for so few
        pictures, whatever the run is. None where the rule is absolute, or the drop is the same on every draw, so that
        its spread is not known.
        """
        if self.worst is None or self.drop is None:
            return None
        half_width = self.worst - self.drop
        return half_width if half_width > _ROUNDING else None

    @property
    def is_pass(self) -> bool:
        """Whether the rule is kept."""
        rule = self.rule
        if rule.margin is not None:
            return self.worst is not None and self.worst <= rule.margin + _ROUNDING
        if rule.at_least is not None:
            return self.after >= rule.at_least - _ROUNDING
        return rule.at_most is not None and self.after <= rule.at_most + _ROUNDING

    @property
    def is_proven(self) -> bool:
        """Of a rule that is not kept: whether more was lost than may be, not only that it cannot be excluded."""
        margin = self.rule.margin
        return self.drop is None or margin is None or self.drop > margin + _ROUNDING


def judge(
    run: Measured, baseline: Measured, rules: Sequence[Rule], min_pictures: int = FEWEST_PICTURES
) -> tuple[Verdict, ...]:
    """Every rule for every arm that it names, in the order of the rules and of the baseline's arms.

    Raises NotEvaluableError where there is no rule, where run and baseline were not measured on the same ground or on
    fewer than `min_pictures`, where a metric was defined otherwise, or where an arm or a number is missing or
    undefined.
    """
    if not rules:
        raise NotEvaluableError("cannot judge: there is no rule, and a gate that asks nothing would always pass")
    for difference in _different_ground(run, baseline):
        raise NotEvaluableError(f"cannot judge: {difference}. Make the baseline again on the same ground")
    pairs = [(rule, arm) for rule in rules for arm in _arms_of(rule, baseline)]
    for rule, arm in pairs:
        _check_comparable(rule, arm, run, baseline)
    metrics = [rule.metric for rule in rules]
    for metric in metrics:
        _check_enough(metric, len(run.pictures_of(metric)), min_pictures)
    drawn = run.jackknifed(metrics, draw_pictures), baseline.jackknifed(metrics, draw_pictures)
    return tuple(_verdict(rule, arm, (run, baseline), drawn) for rule, arm in pairs)


def _check_enough(metric: str, pictures: int, min_pictures: int) -> None:
    if pictures < min_pictures:
        of_harm = "harm is over " if metric == "harm" else ""
        raise NotEvaluableError(
            f"cannot judge: {of_harm}{plural(pictures, 'picture', 'pictures')}, and {min_pictures} are needed, because "
            "a few may all be the same by chance. Measure more in run and baseline, or lower --min-pictures"
        )


def _different_ground(run: Measured, baseline: Measured) -> Iterator[str]:
    for key, words in _GROUND.items():
        ours, theirs = run.ground.get(key), baseline.ground.get(key)
        if ours != theirs or (ours is None and key != "detector_weights_sha256"):
            yield words.format(*(str(value) for value in (ours, theirs)))
    if run.image_ids != baseline.image_ids:
        yield "the ids of the pictures differ"
    if not baseline.values:
        yield "the baseline has no arms"


def _arms_of(rule: Rule, baseline: Measured) -> tuple[str, ...]:
    """The arms that a rule applies to: the one that it names, or all of the baseline's that have its metric."""
    if rule.arm is not None:
        arms = [rule.arm] if rule.arm in baseline.values else []
    else:
        arms = [arm for arm, values in baseline.values.items() if values.get(rule.metric) is not None]
    if not arms:
        which = "no arm" if rule.arm is None else f"no arm {rule.arm!r}"
        raise NotEvaluableError(
            f"cannot judge {rule.metric}: the baseline has {which} with it. It has {', '.join(baseline.values)}"
        )
    return tuple(arms)


def _check_comparable(rule: Rule, arm: str, run: Measured, baseline: Measured) -> None:
    if arm in run.failed:
        raise NotEvaluableError(f"cannot judge: arm {arm!r} failed in the run. {run.failed[arm]}")
    if arm not in run.values:
        raise NotEvaluableError(
            f"cannot judge: the run has no arm {arm!r}, the baseline has. Run it with that deblurrer"
        )
    if run.definitions.get(rule.metric) != baseline.definitions.get(rule.metric) or rule.metric not in run.definitions:
        raise NotEvaluableError(
            f"cannot judge: {rule.metric} was defined otherwise in the baseline "
            f"({baseline.definitions.get(rule.metric)!r}) than in the run ({run.definitions.get(rule.metric)!r})"
        )
    for side, measured in (("run", run), ("baseline", baseline)):
        if measured.values[arm].get(rule.metric) is None:
            raise NotEvaluableError(f"cannot judge: {rule.metric} of arm {arm!r} is undefined in the {side}")
    ours, theirs = (measured.pictures_of(rule.metric) for measured in (run, baseline))
    if ours != theirs:
        raise NotEvaluableError(
            f"cannot judge: {rule.metric} is over {len(ours)} pictures in the run and over {len(theirs)} in the "
            "baseline, not the same ones. Measure both with the same --harm"
        )


def _verdict(
    rule: Rule, arm: str, sides: tuple[Measured, Measured], drawn: tuple[JackknifedNumbers, JackknifedNumbers]
) -> Verdict:
    after, before = (_defined(side.values[arm][rule.metric]) for side in sides)
    if rule.margin is None:
        return Verdict(rule, arm, None, after)
    ours, theirs = (side.paired(Arm.named(arm))[rule.metric] for side in drawn)
    drops = rule.spec.sign * (theirs - ours)
    if rule.is_relative:
        if (theirs <= 0).any():
            raise NotEvaluableError(
                f"cannot judge: {rule.metric} of arm {arm!r} is {before:.4g} in the baseline, and 0 or less on "
                "some draws of its pictures: there is no share of that. Use max_drop"
            )
        drops = drops / theirs
    # Draws, for leaving pictures out shows more spread than two runs have that hardly differ (`nox -s simulate`).
    worst = drawn_bound(drops, rule.confidence)
    if worst is None:
        raise NotEvaluableError(
            f"cannot judge: {rule.metric} of arm {arm!r} is undefined on too many draws: use more pictures"
        )
    return Verdict(rule, arm, before, after, worst)


def _defined(value: float | None) -> float:
    assert value is not None  # _check_comparable has seen to it
    return value

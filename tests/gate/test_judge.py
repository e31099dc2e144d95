"""What a verdict says, and which verdicts there are; whole gates are in test_scenarios.py."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.errors import NotEvaluableError
from detbench.gate.gated_run import measured_in
from detbench.gate.judge import Verdict, judge
from detbench.gate.rules import Rule

Job = Callable[..., Path]


def test_a_drop_is_in_the_direction_that_is_worse() -> None:
    """mAP loses by falling, harm by rising; an absolute rule knows no drop."""
    assert Verdict(Rule("map", max_drop=0.1), "wiener", 0.5, 0.25).drop == 0.25
    assert Verdict(Rule("harm", max_drop=0.1), "wiener", 0.5, 0.25).drop == -0.25
    assert Verdict(Rule("map", at_least=0.1), "wiener", None, 0.25).drop is None


def test_a_loss_of_just_the_margin_passes() -> None:
    """Rounding fails no run: .4 − .3 is a little above .1, and .3 a little below .1 + .2."""
    assert Verdict(Rule("map", max_drop=0.1), "wiener", 0.4, 0.3, worst=0.4 - 0.3).is_pass
    assert Verdict(Rule("map", at_least=0.1 + 0.2), "wiener", None, 0.3).is_pass
    assert Verdict(Rule("restore_ms_p50", at_most=0.3), "wiener", None, 0.1 + 0.2).is_pass
    assert not Verdict(Rule("map", max_drop=0.1), "wiener", 0.4, 0.3, worst=0.1001).is_pass
    assert not Verdict(Rule("map", at_least=0.3), "wiener", None, 0.2999).is_pass
    assert not Verdict(Rule("restore_ms_p50", at_most=0.3), "wiener", None, 0.3001).is_pass


def test_a_loss_is_proven_by_the_drop_itself() -> None:
    """A worst case beyond the margin fails; only a drop beyond it, or a broken bound, shows a loss."""
    rule = Rule("map", max_drop=0.1)
    excluded, seen = Verdict(rule, "wiener", 0.5, 0.45, worst=0.2), Verdict(rule, "wiener", 0.5, 0.3, worst=0.3)
    assert (excluded.is_pass, excluded.is_proven) == (False, False)
    assert (seen.is_pass, seen.is_proven) == (False, True)
    assert Verdict(Rule("map", at_least=0.6), "wiener", None, 0.5).is_proven


def test_verdicts_follow_the_rules_and_then_the_arms(job: Job) -> None:
    """A rule without an arm holds for each arm that has the metric: no PSNR of sharp pictures against themselves."""
    measured = measured_in(job("run", psnr_db=25.0))
    verdicts = judge(measured, measured, [Rule("psnr_db", at_least=24.0), Rule("map", max_drop=0.0)])
    assert [(verdict.rule.metric, verdict.arm, verdict.worst) for verdict in verdicts] == [
        ("psnr_db", "blurred", None),
        ("psnr_db", "wiener", None),
        ("map", "sharp", 0.0),
        ("map", "blurred", 0.0),
        ("map", "wiener", 0.0),
    ]
    assert [(verdict.before, verdict.after) for verdict in verdicts[:2]] == [(None, 25.0)] * 2


def test_a_drop_is_paired(job: Job) -> None:
    """The bound follows the pictures that changed: one bus of forty bounds the loss closer than two runs apart do."""
    after, before = (measured_in(job(name, buses={"wiener": found})) for name, found in (("a", 35), ("b", 36)))
    (verdict,) = judge(after, before, [Rule("map", arm="wiener", max_drop=0.05)])
    assert verdict.drop == pytest.approx(0.0125, abs=0.005)
    assert verdict.drop <= verdict.worst < 0.05


def test_nothing_to_judge_by_is_refused(job: Job) -> None:
    """A gate without rules would always pass."""
    measured = measured_in(job("run"))
    with pytest.raises(NotEvaluableError, match="no rule"):
        judge(measured, measured, [])


def test_an_arm_that_failed_is_named_with_its_reason(job: Job) -> None:
    """Its rule is neither kept nor broken."""
    measured = measured_in(job("run"))
    broken = replace(measured, failed={"wiener": "out of memory"})
    with pytest.raises(NotEvaluableError, match=r"arm 'wiener' failed in the run\. out of memory"):
        judge(broken, measured, [Rule("map", max_drop=0.1)])

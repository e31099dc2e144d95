"""What a verdict says, and which verdicts there are; whole gates are in test_scenarios.py."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.core.arm import Arm
from detbench.errors import NotEvaluableError
from detbench.gate.gated_run import Measured, measured_in
from detbench.gate.judge import Verdict, judge
from detbench.gate.rules import Rule
from detbench.metrics.evidence import Evidence
from detbench.metrics.matching import AREAS, IOUS
from detbench.metrics.outcomes import pack
from detbench.metrics.ranking import Ranking
from detbench.metrics.uncertainty import draw_pictures

Job = Callable[..., Path]
WIENER = Arm("blurred", "wiener")


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


def test_harm_is_judged_over_its_own_pictures(job: Job) -> None:
    """Of ten sampled pictures with a bus each one bus more is lost. The bound is that of draws of these ten, and where
    ten are fewer than `min_pictures` they are refused, though the run has 40.
    """
    after, before = (
        measured_in(job(name, buses={"sharp+wiener": found}, harm_every=4)) for name, found in (("a", 32), ("b", 36))
    )
    rule = Rule("harm", arm="wiener", max_drop=0.05)
    (verdict,) = judge(after, before, [rule])
    ours, theirs = (side.jackknifed([], draw_pictures).paired(WIENER)["harm"] for side in (after, before))
    drops = ours - theirs
    assert verdict.drop == pytest.approx(drops[0])
    assert verdict.worst == pytest.approx(np.quantile(drops[1:], 0.95))
    with pytest.raises(NotEvaluableError, match="harm is over 10 pictures, and 11 are needed"):
        judge(after, before, [Rule("map", max_drop=0.5), rule], min_pictures=11)


def test_harm_over_other_pictures_is_refused(job: Job) -> None:
    """A sample and all pictures tell nothing about each other; rules on other metrics are judged as ever."""
    sample, whole = measured_in(job("sample", harm_every=4)), measured_in(job("whole"))
    with pytest.raises(NotEvaluableError, match=r"harm is over 10 pictures in the run and over 40 .*the same --harm"):
        judge(sample, whole, [Rule("harm", max_drop=0.5)])
    assert all(verdict.is_pass for verdict in judge(sample, whole, [Rule("map", max_drop=0.01)]))


def test_a_drop_is_paired(job: Job) -> None:
    """The bound follows the pictures that changed: two unpaired runs with one bus of forty less could exclude no loss
    below .12.
    """
    after, before = (measured_in(job(name, buses={"wiener": found})) for name, found in (("a", 35), ("b", 36)))
    (verdict,) = judge(after, before, [Rule("map", arm="wiener", max_drop=0.05)])
    assert verdict.drop == pytest.approx(0.0125, abs=0.005)
    assert verdict.drop <= verdict.worst < 0.08


def test_a_share_is_a_drop_relative_to_the_baseline() -> None:
    """Half of .5 is a quarter lost in mAP and a half in share; what is better lower loses by rising."""
    halved = Verdict(Rule("map", at_least_share=0.9), "wiener", 0.5, 0.25, worst=0.6)
    assert (halved.drop, halved.is_pass, halved.is_proven) == (0.5, False, True)
    assert halved.rule.margin == pytest.approx(0.1)
    risen = Verdict(Rule("harm", at_most_share=1.5), "wiener", 0.2, 0.24, worst=0.5)
    assert risen.drop == pytest.approx(0.2)
    assert risen.is_pass
    assert not replace(risen, worst=0.501).is_pass


def test_a_share_is_bounded_by_the_paired_ratio(job: Job) -> None:
    """Two halves of the same pictures bound the ratio: the share that may be lost is .0125 / .95, and no less."""
    after, before = (measured_in(job(name, buses={"wiener": found})) for name, found in (("a", 35), ("b", 36)))
    dropped, shared = (
        judge(after, before, [Rule("map", arm="wiener", **limit)])[0]
        for limit in ({"max_drop": 0.1}, {"at_least_share": 0.9})
    )
    assert shared.drop == pytest.approx(dropped.drop / before.values["wiener"]["map"])
    assert dropped.worst < shared.worst < 1.15 * dropped.worst


def test_the_smallest_margin_is_half_the_interval(job: Job) -> None:
    """It is the distance from the drop to the worst case, grows with the confidence, and shrinks with more pictures."""
    rules = [Rule("map", arm="wiener", max_drop=0.05, confidence=level) for level in (0.9, 0.99)]
    few = judge(measured_in(job("a", buses={"wiener": 32})), measured_in(job("b")), rules)
    many = judge(
        measured_in(job("c", images=160, buses={"wiener": 128})),
        measured_in(job("d", images=160, buses={"wiener": 144})),
        rules,
    )
    for verdict in (*few, *many):
        assert verdict.certifiable == pytest.approx(verdict.worst - verdict.drop)
    assert few[1].certifiable > 1.3 * few[0].certifiable
    assert many[0].certifiable < 0.7 * few[0].certifiable


def test_without_spread_no_margin_is_named(job: Job) -> None:
    """A run against itself shows how often nothing changed, and not how small a change it would have seen."""
    measured = measured_in(job("run"))
    drop, floor = judge(measured, measured, [Rule("map", arm="wiener", max_drop=0.1), Rule("f1", "wiener", at_least=0)])
    assert (drop.worst, drop.certifiable, floor.certifiable) == (0.0, None, None)


def test_five_rules_pass_a_true_loss_no_more_often_than_one() -> None:
    """Losses of just the margin: one among five rules passes in 5 % of 200 runs within chance, five almost never."""
    one = np.mean([passes(seed, lost=1) for seed in range(200)])
    five = np.mean([passes(seed, lost=5) for seed in range(60)])
    assert 0.01 < one < 0.1
    assert five < 0.04


MARGIN = 0.1
RULES = [
    Rule(metric, arm, max_drop=MARGIN)
    for arm, metric in (("a", "psnr_db"), ("a", "ssim"), ("a", "gmsd"), ("b", "psnr_db"), ("b", "ssim"))
]
Qualities = dict[str, dict[str, NDArray[np.float64]]]


def passes(seed: int, lost: int, pictures: int = 40) -> bool:
    """Whether a gate of five rules passes a run that truly lost just the margin in the first `lost` and gained else."""
    rng = np.random.default_rng(seed)
    before: Qualities = {"a": {}, "b": {}}
    after: Qualities = {"a": {}, "b": {}}
    for place, rule in enumerate(RULES):
        values, arm = rng.normal(25, 2, pictures), str(rule.arm)
        gain = rule.spec.sign * (-MARGIN if place < lost else MARGIN)
        before[arm][rule.metric], after[arm][rule.metric] = values, values + rng.normal(gain, 0.2, pictures)
    return all(verdict.is_pass for verdict in judge(measured_qualities(after), measured_qualities(before), RULES))


def measured_qualities(qualities: Qualities) -> Measured:
    """A measurement of arms without any boxes, of their metrics of single pictures."""
    pictures = len(qualities["a"]["ssim"])
    nothing = np.zeros(0, np.int64)
    outcomes = pack(np.zeros((len(AREAS), len(IOUS), 0), np.uint8))
    ranking = Ranking(nothing, nothing, np.zeros(0), nothing, outcomes, np.zeros((len(AREAS), pictures, 1), np.int64))
    return Measured(
        ground={"images": pictures, "truth": "labels", "detector": "blobs", "fingerprint": "e"},
        definitions=dict.fromkeys(("psnr_db", "ssim", "gmsd"), "simulated"),
        image_ids=tuple(range(pictures)),
        values={arm: {key: float(each.mean()) for key, each in keys.items()} for arm, keys in qualities.items()},
        evidence={arm: Evidence(ranking, np.zeros((pictures, 3), np.int64), keys) for arm, keys in qualities.items()},
    )


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


def test_other_ids_are_other_pictures(job: Job) -> None:
    """Drops are paired by place, so that as many pictures of the same ground are not enough."""
    measured = measured_in(job("run"))
    moved = replace(measured, image_ids=tuple(each + 1 for each in measured.image_ids))
    with pytest.raises(NotEvaluableError, match="the ids of the pictures differ"):
        judge(moved, measured, [Rule("map", max_drop=0.1)])


@pytest.mark.parametrize("key", ["images", "truth", "detector", "fingerprint"])
def test_a_ground_that_neither_side_states_is_no_common_one(job: Job, key: str) -> None:
    """Only a detector without weights has nothing to state."""
    measured = measured_in(job("run"))
    assert measured.ground["detector_weights_sha256"] is None
    unknown = replace(measured, ground={**measured.ground, key: None})
    with pytest.raises(NotEvaluableError, match=r"on the same ground$"):
        judge(unknown, unknown, [Rule("map", max_drop=0.1)])

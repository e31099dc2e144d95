import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from detbench.report.verdict import best_first, leader, verdicts
from detbench.results.schema import Difference, RunResult
from detbench.types import Estimate

Results = Callable[..., RunResult]


def with_metric(run: RunResult, name: str, **metrics: Estimate | None) -> RunResult:
    """The same result with other numbers of an arm, without those that are None."""
    arm = run.arm(name)
    assert arm is not None
    numbers = {key: each for key, each in {**arm.metrics, **metrics}.items() if each is not None}
    return replace(run, arms=tuple(replace(each, metrics=numbers) if each is arm else each for each in run.arms))


@pytest.mark.parametrize(
    ("maps", "sentence"),
    [
        (
            {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377},
            "wiener recovers 71\xa0% of the mAP that blur costs (.262 → .377 of .423)",
        ),
        (
            {"sharp": 0.423, "blurred": 0.262, "wiener": 0.2625},
            "wiener recovers less than 1\xa0% of the mAP that blur costs (.262 → .263 of .423)",
        ),
        (
            {"sharp": 0.423, "blurred": 0.262, "wiener": 0.244},
            "wiener loses .018 mAP on top of what blur costs (.262 → .244 of .423)",
        ),
        (
            {"sharp": 0.423, "blurred": 0.262, "identity": 0.262},
            "identity leaves mAP as it is (.262 → .262 of .423)",
        ),
        (
            {"sharp": 0.25, "blurred": 0.262, "wiener": 0.282},
            "Blur costs no mAP here, so there is nothing to recover; wiener gains .020 mAP (.262 → .282 of .250)",
        ),
        (
            {"sharp": 0.262, "blurred": 0.262, "wiener": 0.282},
            "Blur costs no mAP here, so there is nothing to recover; wiener gains .020 mAP (.262 → .282 of .262)",
        ),
        (
            {"sharp": 0.4, "blurred": 0.2, "wiener": 0.20104},
            "wiener recovers 1\xa0% of the mAP that blur costs (.200 → .201 of .400)",
        ),
        ({"blurred": 0.0, "wiener": 0.0005}, "wiener gains .001 mAP (.000 → .001)"),
        ({"blurred": 0.262, "wiener": 0.26148}, "wiener loses .001 mAP (.262 → .261)"),
        ({"blurred": 0.262, "wiener": 0.377}, "wiener gains .115 mAP (.262 → .377)"),
        ({"blurred": 0.262, "wiener": 0.2619}, "wiener loses less than .001 mAP (.262 → .262)"),
        (
            {"sharp": None, "blurred": None, "wiener": None},
            "There is no verdict on wiener (undefined: there are no true boxes to find)",
        ),
    ],
)
def test_a_verdict_says_what_a_deblurrer_does(result: Results, maps: dict[str, float | None], sentence: str) -> None:
    """Gain, loss, no change, no gap, no sharp pictures and no true boxes each have their own words."""
    (verdict,) = verdicts(result(maps=maps))
    assert re.sub(r"; difference \[.*\] p\xa0\.001", "", verdict.sentence) == sentence


def test_the_best_deblurrer_comes_first_and_the_idle_ones_last(result: Results) -> None:
    """Verdicts go by mAP; what changes nothing or is undefined stands below even those that lose."""
    maps = {"sharp": 0.4, "blurred": 0.2, "none": None, "identity": 0.2, "worse": 0.1, "best": 0.3}
    assert [verdict.arm for verdict in verdicts(result(maps=maps))] == ["best", "worse", "identity", "none"]


def test_a_gap_too_small_to_divide_by_gives_a_plain_change(result: Results) -> None:
    """Where the run calls gap recovered undefined, or has no such number, no share of the gap is claimed."""
    run = result(maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3})
    undefined = with_metric(run, "wiener", gap_recovered=Estimate(None, 12))
    absent = with_metric(run, "wiener", gap_recovered=None)
    for plain in (result(maps={"blurred": 0.2, "wiener": 0.3}), undefined, absent):
        assert verdicts(plain)[0].words == "wiener gains .100 mAP"


def test_a_share_of_the_gap_has_its_interval(result: Results) -> None:
    """It stands without signs, because a share is no difference."""
    run = result(maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3})
    (verdict,) = verdicts(with_metric(run, "wiener", gap_recovered=Estimate(0.5, 12, 0.4, 0.6)))
    assert verdict.words.replace("\xa0", " ") == "wiener recovers 50 % [40, 60] of the mAP that blur costs"


def test_an_arm_without_map_has_no_verdict(result: Results) -> None:
    """A result that says nothing of its mAP is read all the same."""
    run = with_metric(result(maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3}), "wiener", map=None)
    assert verdicts(run)[0].words == "There is no verdict on wiener"


def test_an_interval_that_holds_zero_is_no_claim(result: Results) -> None:
    """A gain that may be chance is called so, with how many pictures would do; numbers have interval and p-value."""
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.21}
    unsure, sure = verdicts(result(maps=maps, interval=0.05))[0], verdicts(result(maps=maps, interval=0.005))[0]
    assert unsure.sentence == (
        "Whether wiener helps is not known: its gain of .010 mAP may be chance; about 490 pictures would show it, if "
        "it is real (.200 → .210 of .400; difference [−.040,\xa0+.060] p\xa0.001)"
    )
    assert sure.words == "wiener recovers 5\xa0% of the mAP that blur costs"
    assert "difference [+.005,\xa0+.015] p\xa0.001" in sure.numbers


def test_a_p_from_five_percent_on_is_no_claim(result: Results) -> None:
    """Though the interval leaves out zero; from the interval alone, the pictures would do, so none are called for."""
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.18}
    (verdict,) = verdicts(result(maps=maps, interval=0.005, p_of={("wiener", "blurred"): 0.05}))
    assert verdict.words == "Whether wiener helps is not known: its loss of .020 mAP may be chance"
    assert verdict.numbers.endswith("p\xa0.050")


def test_with_few_pictures_nothing_is_claimed(result: Results) -> None:
    """Whatever interval and p-value say; the words give the number of pictures, and of those that would do."""
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "identity": 0.2}
    few = result(maps=maps, images=6, interval=0.16)
    assert [verdict.words for verdict in verdicts(few)] == [
        "Too few pictures to tell (6) what wiener changes; about 19 pictures would show it, if it is real",
        "Too few pictures to tell (6) what identity changes",
    ]
    assert leader(few) == ""
    assert leader(result(maps=maps, images=10)) == "wiener leads"
    assert verdicts(result(maps=maps, images=9))[0].words.startswith("Too few pictures to tell (9)")
    assert verdicts(result(maps=maps, images=10))[0].words.startswith("wiener recovers 50")


def test_without_p_values_nothing_is_claimed(result: Results) -> None:
    """A run with --resamples 0 says why."""
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "net": 0.25}
    assert [verdict.words for verdict in verdicts(result(maps=maps, interval=None))] == [
        "Whether wiener helps is not known: without interval and p-value, its gain of .100 mAP may be chance",
        "Whether net helps is not known: without interval and p-value, its gain of .050 mAP may be chance",
    ]
    assert verdicts(result(maps=maps, interval=None))[0].numbers == ".200 → .300 of .400"
    assert leader(result(maps=maps, interval=None)) == "No one leads: wiener and net may be equal"


@pytest.mark.parametrize("change", [{"p_value": None}, {"difference": Estimate(0.1, 12)}])
def test_interval_or_p_value_alone_claim_nothing(result: Results, change: dict[str, Any]) -> None:
    """A metric that is undefined on too many draws has no interval; what was not tested has no p-value."""
    run = result(maps={"blurred": 0.2, "wiener": 0.3})
    run = replace(run, differences=tuple(replace(each, **change) for each in run.differences))
    assert verdicts(run)[0].words == (
        "Whether wiener helps is not known: without interval and p-value, its gain of .100 mAP may be chance"
    )


@pytest.mark.parametrize("chance", [{"interval": 0.01}, {"p_of": {("blurred", "sharp"): 0.07}}])
def test_a_cost_that_may_be_chance_is_not_divided_by(result: Results, chance: dict[str, Any]) -> None:
    """Where interval or p-value of what blur costs do not show it, no share of that gap is told."""
    run = result(maps={"sharp": 0.27, "blurred": 0.262, "wiener": 0.282}, **chance)
    (verdict,) = verdicts(run)
    assert verdict.words == "What blur costs here may be chance, so no share is given; wiener gains .020 mAP"


def test_several_deblurrers_are_claimed_by_the_adjusted_p(result: Results) -> None:
    """Of p = .04 and .01, the smaller is doubled and still shown, the larger stays; .03 and .04 both show nothing."""
    maps = {"sharp": 0.4, "blurred": 0.2, "one": 0.3, "two": 0.25}
    both = result(maps=maps, p_of={("one", "blurred"): 0.04, ("two", "blurred"): 0.01})
    assert [verdict.words.split(" that")[0] for verdict in verdicts(both)] == [
        "one recovers 50\xa0% of the mAP",
        "two recovers 25\xa0% of the mAP",
    ]
    neither = verdicts(result(maps=maps, p_of={("one", "blurred"): 0.04, ("two", "blurred"): 0.03}))
    assert all(verdict.words.startswith("Whether") for verdict in neither)
    assert neither[0].numbers.endswith("p\xa0.040, adjusted\xa0.060")


def test_a_leader_is_ahead_of_every_other(result: Results) -> None:
    """By the p adjusted over the three pairs; else those that may be equal to the first are named."""
    maps = {"blurred": 0.2, "one": 0.3, "two": 0.29, "three": 0.21}
    assert leader(result(maps=maps)) == "one leads"
    assert leader(result(maps=maps, p_of={("two", "one"): 0.06})) == "No one leads: one and two may be equal"
    assert leader(result(maps=maps, p_of={("two", "one"): 0.04, ("three", "one"): 0.03, ("three", "two"): 0.03})) == (
        "No one leads: one, two and three may be equal"
    )
    assert leader(result(maps={"blurred": 0.2, "one": 0.3})) == ""


def test_a_leader_is_the_highest_wherever_it_stands(result: Results) -> None:
    """An mAP of 0 is the lowest; an undefined one leads nothing and is no rival."""
    assert leader(result(maps={"blurred": 0.2, "zero": 0.0, "two": 0.29, "one": 0.3})) == "one leads"
    assert leader(result(maps={"blurred": 0.2, "one": 0.3, "none": None})) == ""


def test_an_oracle_is_called_one(result: Results) -> None:
    """A deblurrer that was told the kernel never stands in the verdict as if it were blind."""
    maps = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377, "net": 0.3}
    told, blind = verdicts(result(maps=maps, told=["wiener"]))
    assert told.sentence.startswith("wiener (told the kernel) recovers 71\xa0% of the mAP that blur costs (")
    assert told.words == "wiener recovers 71\xa0% of the mAP that blur costs"
    assert "wiener (told the kernel)" in told.decision
    assert blind.words.startswith("net recovers")


def test_a_deblurrer_that_was_trained_with_its_judge_is_called_so(result: Results) -> None:
    """The verdict never has its number without that."""
    maps = {"sharp": 0.423, "blurred": 0.262, "nafnet": 0.377, "net": 0.3}
    trained, other = verdicts(result(maps=maps, trained=["nafnet"]))
    assert trained.sentence.startswith("nafnet (trained with this detector) recovers 71\xa0% of the mAP that")
    assert "nafnet (trained with this detector)" in trained.decision
    assert other.words.startswith("net recovers")


def measured(run: RunResult, recall: float, precision: float, p_value: float = 0.001) -> RunResult:
    """The run with changes of wiener's recall and precision, each ± .01, and a time of .35 s for a megapixel."""
    changes = (
        Difference("wiener", "blurred", key, Estimate(value, 12, value - 0.01, value + 0.01), p_value)
        for key, value in (("recall", recall), ("precision", precision))
    )
    run = with_metric(run, "wiener", restore_s_per_mpix=Estimate(0.35, 12))
    return replace(run, differences=(*run.differences, *changes))


@pytest.mark.parametrize(
    ("after", "recall", "precision", "answer", "decision"),
    [
        (
            0.3, 0.066, 0.005, "yes",
            "Yes: wiener finds 6.6 more of 100 objects at 0.35 s per megapixel; precision does not change detectably",
        ),
        (
            0.22, 0.066, -0.03, "yes",
            "Yes, a little: wiener finds 6.6 more of 100 objects at 0.35 s per megapixel; precision falls by .030",
        ),
        (
            0.1, -0.05, 0.03, "no",
            "No: wiener finds 5.0 fewer of 100 objects; precision rises by .030",
        ),
        (
            0.3, 0.005, 0.0, "yes",
            "Yes: wiener gains .100 mAP at 0.35 s per megapixel; precision does not change detectably",
        ),
        (
            0.2, 0.0, 0.0, "no",
            "No: wiener leaves mAP as it is; precision does not change detectably",
        ),
    ],
)  # fmt: skip
def test_a_decision_is_a_yes_or_a_no(
    result: Results, after: float, recall: float, precision: float, answer: str, decision: str
) -> None:
    """It goes by the claim on mAP; objects and precision are named only where they are shown to change."""
    run = measured(result(maps={"sharp": 0.4, "blurred": 0.2, "wiener": after}), recall, precision)
    (verdict,) = verdicts(run)
    assert (verdict.answer, verdict.decision) == (answer, decision)


def test_what_is_not_claimed_is_neither_yes_nor_no(result: Results) -> None:
    """A gain that may be chance, and few pictures, are said as such; a failed deblurrer has its own words."""
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.21}
    unsure, few = verdicts(result(maps=maps, interval=0.05))[0], verdicts(result(maps=maps, images=6))[0]
    failed = verdicts(replace(result(maps=maps), failed={"net": "no weights"}))[-1]
    assert [each.answer for each in (unsure, few, failed)] == ["unknown"] * 3
    assert unsure.decision == (
        "Not known: wiener’s gain of .010 mAP may be chance; about 490 pictures would show it, if it is real"
    )
    assert few.decision == few.words
    assert few.decision.startswith("Too few pictures to tell (6) what wiener changes")
    assert failed.decision == "net failed and has no numbers"


def test_few_pictures_hide_no_advantage(result: Results) -> None:
    """A deblurrer whose loss contained the detector is marked in the decision there too, and plain in the words."""
    run = result(maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.21}, images=6)
    arms = tuple(replace(arm, trained_with_detector=arm.name == "wiener") for arm in run.arms)
    (verdict,) = verdicts(replace(run, arms=arms))
    assert "what wiener (trained with this detector) changes" in verdict.decision
    assert "what wiener changes" in verdict.words


def test_arms_stand_in_one_order(result: Results) -> None:
    """Ceiling, floor, then deblurrers as their verdicts do, whatever the order of the command line was."""
    maps = {"worse": 0.1, "blurred": 0.2, "best": 0.3, "identity": 0.2, "sharp": 0.4}
    assert [arm.name for arm in best_first(result(maps=maps))] == ["sharp", "blurred", "best", "worse", "identity"]

from collections.abc import Callable
from dataclasses import replace

import pytest

from detbench.report.verdict import verdicts
from detbench.results.schema import Difference, RunResult
from detbench.types import Estimate

Results = Callable[..., RunResult]


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
    assert verdict.sentence == sentence


def test_the_best_deblurrer_comes_first_and_the_idle_ones_last(result: Results) -> None:
    """Verdicts go by mAP; what changes nothing or is undefined stands below even those that lose."""
    maps = {"sharp": 0.4, "blurred": 0.2, "none": None, "identity": 0.2, "worse": 0.1, "best": 0.3}
    assert [verdict.arm for verdict in verdicts(result(maps=maps))] == ["best", "worse", "identity", "none"]


def test_a_gap_too_small_to_divide_by_gives_a_plain_change(result: Results) -> None:
    """Where the run calls gap recovered undefined, no share of the gap is claimed."""
    plain = result(maps={"blurred": 0.2, "wiener": 0.3})
    assert verdicts(plain)[0].words == "wiener gains .100 mAP"


def test_an_interval_that_holds_zero_is_said_aloud(result: Results) -> None:
    """A difference that may be chance says so in the sentence itself, and every known interval is given."""
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.21}
    unsure, sure = verdicts(result(maps=maps, interval=0.05))[0], verdicts(result(maps=maps, interval=0.005))[0]
    assert unsure.sentence == (
        "wiener recovers 5\xa0% of the mAP that blur costs, but that may be chance "
        "(.200 → .210 of .400; difference [−.040,\xa0+.060])"
    )
    assert "chance" not in sure.sentence
    assert "difference [+.005,\xa0+.015]" in sure.sentence


def test_a_cost_that_may_be_chance_is_not_divided_by(result: Results) -> None:
    """Where the interval of sharp minus blurred holds zero, no share of that gap is told."""
    run = result(maps={"sharp": 0.27, "blurred": 0.262, "wiener": 0.282})
    cost = Difference("blurred", "sharp", "map", Estimate(-0.008, 2, -0.05, 0.03))
    (verdict,) = verdicts(replace(run, differences=(*run.differences, cost)))
    assert verdict.words == "What blur costs here may be chance, so no share is given; wiener gains .020 mAP"


def test_an_oracle_is_called_one(result: Results) -> None:
    """A deblurrer that was told the kernel never stands in the verdict as if it were blind."""
    maps = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377, "net": 0.3}
    told, blind = verdicts(result(maps=maps, told=["wiener"]))
    assert told.words == "wiener (told the kernel) recovers 71\xa0% of the mAP that blur costs"
    assert blind.words.startswith("net recovers")


def test_a_deblurrer_that_was_trained_with_its_judge_is_called_so(result: Results) -> None:
    """The verdict never has its number without that."""
    maps = {"sharp": 0.423, "blurred": 0.262, "nafnet": 0.377, "net": 0.3}
    trained, other = verdicts(result(maps=maps, trained=["nafnet"]))
    assert trained.words == "nafnet (trained with this detector) recovers 71\xa0% of the mAP that blur costs"
    assert other.words.startswith("net recovers")

from collections.abc import Callable
from dataclasses import replace

import pytest

from detbench.errors import DetbenchError, NotEvaluableError, UsageError
from detbench.gate import judge
from detbench.results.schema import RunResult

MakeResult = Callable[..., RunResult]
BASELINE = {"sharp": 0.6, "blurred": 0.3, "wiener": 0.5}


def test_equal_runs_pass(make_result: MakeResult) -> None:
    """A run against itself loses nothing: every arm of the baseline is judged, in its order, and passes at margin 0."""
    verdicts = judge(make_result(BASELINE), make_result(BASELINE), max_drop=0)
    assert [verdict.arm for verdict in verdicts] == ["sharp", "blurred", "wiener"]
    assert all(verdict.drop == 0 and not verdict.is_regression for verdict in verdicts)


def test_a_lost_map_is_a_regression(make_result: MakeResult) -> None:
    """The arm that fell by more than the margin is a regression, with both its numbers; the others are not."""
    verdicts = judge(make_result({**BASELINE, "wiener": 0.4}), make_result(BASELINE), max_drop=0.05)
    assert [verdict.is_regression for verdict in verdicts] == [False, False, True]
    assert (verdicts[2].baseline_map, verdicts[2].map, verdicts[2].max_drop) == (0.5, 0.4, 0.05)
    assert verdicts[2].drop == pytest.approx(0.1)


def test_an_improvement_passes(make_result: MakeResult) -> None:
    """More mAP than the baseline is a negative drop, even at margin 0."""
    verdicts = judge(make_result({**BASELINE, "wiener": 0.55}), make_result(BASELINE), max_drop=0)
    assert verdicts[2].drop < 0
    assert not verdicts[2].is_regression


@pytest.mark.parametrize(("before", "after"), [(0.5, 0.4), (0.4, 0.3), (0.3, 0.2), (0.9, 0.8), (1.0, 0.9)])
def test_exactly_the_margin_passes(make_result: MakeResult, before: float, after: float) -> None:
    """A drop of just as much as may be lost is allowed, whichever way its digits are rounded; any more is not."""
    baseline = make_result({"wiener": before})
    assert not judge(make_result({"wiener": after}), baseline, max_drop=0.1)[0].is_regression
    assert judge(make_result({"wiener": after - 1e-6}), baseline, max_drop=0.1)[0].is_regression


def test_a_new_arm_is_not_judged(make_result: MakeResult) -> None:
    """What the baseline never had cannot have lost anything."""
    assert len(judge(make_result({**BASELINE, "nah": 0.01}), make_result(BASELINE), max_drop=0)) == 3


def test_a_missing_arm_cannot_be_judged(make_result: MakeResult) -> None:
    """A run without an arm of the baseline is no pass: the arm is named."""
    with pytest.raises(NotEvaluableError, match=r"the run has no arm 'wiener', the baseline has"):
        judge(make_result({"sharp": 0.6, "blurred": 0.3}), make_result(BASELINE), max_drop=0.1)


@pytest.mark.parametrize("undefined_in", ["run", "baseline"])
def test_an_undefined_map_cannot_be_judged(make_result: MakeResult, undefined_in: str) -> None:
    """mAP that is None on either side is neither kept nor lost."""
    results = [make_result({"wiener": None if side == undefined_in else 0.4}) for side in ("run", "baseline")]
    with pytest.raises(NotEvaluableError, match="the mAP of arm 'wiener' is undefined"):
        judge(*results, max_drop=0.1)


def test_an_arm_without_map_cannot_be_judged(make_result: MakeResult) -> None:
    """An arm whose metrics lack mAP is like one where it is undefined."""
    run = make_result({"wiener": 0.4})
    run = replace(run, arms=(replace(run.arms[0], metrics={}),))
    with pytest.raises(NotEvaluableError, match="the mAP of arm 'wiener' is undefined"):
        judge(run, make_result({"wiener": 0.4}), max_drop=0.1)


def test_other_pictures_cannot_be_judged(make_result: MakeResult) -> None:
    """Another fingerprint means other pictures or boxes: both are named, shortened."""
    run = make_result(BASELINE)
    run = replace(run, data=replace(run.data, fingerprint="0123456789abcdef" * 4))
    with pytest.raises(NotEvaluableError, match=r"fingerprint 0123456789ab in the run, decadedecade in the baseline"):
        judge(run, make_result(BASELINE), max_drop=0.1)


def test_fewer_pictures_cannot_be_judged(make_result: MakeResult) -> None:
    """A run on part of the data is told by its number of pictures first."""
    with pytest.raises(NotEvaluableError, match="the run has 3 pictures, the baseline 12"):
        judge(make_result(BASELINE, images=3), make_result(BASELINE), max_drop=0.1)


def test_another_truth_cannot_be_judged(make_result: MakeResult) -> None:
    """Pseudo labels and the dataset's own are two questions."""
    with pytest.raises(NotEvaluableError, match="truth is 'pseudo' in the run, 'labels' in the baseline"):
        judge(make_result(BASELINE, truth="pseudo"), make_result(BASELINE), max_drop=0.1)


def test_a_result_that_does_not_say_its_truth_cannot_be_judged(make_result: MakeResult) -> None:
    """A specification without `truth` is not taken for that of the other side."""
    run = replace(make_result(BASELINE), specification={})
    with pytest.raises(NotEvaluableError, match="truth is None in the run, 'labels' in the baseline"):
        judge(run, make_result(BASELINE), max_drop=0.1)


def test_a_baseline_without_arms_judges_nothing(make_result: MakeResult) -> None:
    """An empty baseline is no pass."""
    baseline = replace(make_result(BASELINE), arms=())
    with pytest.raises(NotEvaluableError, match="the baseline has no arms"):
        judge(make_result(BASELINE), baseline, max_drop=0.1)


@pytest.mark.parametrize("max_drop", [-0.01, 1.01, 5, float("nan")])
def test_an_impossible_margin_is_a_usage_error(make_result: MakeResult, max_drop: float) -> None:
    """mAP lies in 0..1, so the margin does; points such as 5 are not taken for 500 %."""
    with pytest.raises(UsageError, match="--max-drop is a drop in mAP from 0 to 1, not"):
        judge(make_result(BASELINE), make_result(BASELINE), max_drop)


def test_what_cannot_be_judged_has_its_own_exit_code() -> None:
    """Not evaluable is 3, wrong usage and every other expected error 2: neither is a pass (0) nor a regression (1)."""
    assert NotEvaluableError.exit_code == 3
    others = {error.exit_code for error in DetbenchError.__subclasses__() if error is not NotEvaluableError}
    assert others | {DetbenchError.exit_code} == {2}


@pytest.mark.parametrize("other", [{"name": "else"}, {"weights_sha256": "f" * 64}])
def test_another_judge_cannot_be_compared(make_result: MakeResult, other: dict[str, str]) -> None:
    """Another detector, or the same one with other weights, would measure itself rather than the deblurrer."""
    baseline = make_result(BASELINE)
    run = replace(baseline, detector={**baseline.detector, **other})
    with pytest.raises(NotEvaluableError, match="another detector"):
        judge(run, baseline, max_drop=0.1)


def test_newer_libraries_are_the_same_judge(make_result: MakeResult) -> None:
    """A detector of equal name and weights stays the judge when the libraries below it move on."""
    baseline = make_result(BASELINE)
    run = replace(baseline, detector={**baseline.detector, "versions": {"torch": "99"}})
    assert len(judge(run, baseline, max_drop=0)) == 3

"""From numbers to a result's estimates."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.evaluation.measure.measured import DeblurrerFacts, Measurements
from detbench.evaluation.score.arm_evidence import evidence_of_arms
from detbench.evaluation.score.cached_numbers import CachedNumbers
from detbench.evaluation.score.scores import arm_result, differences, reported_arms
from detbench.evaluation.score.true_boxes import true_boxes
from detbench.results.cache import Cache
from detbench.results.schema import ArmResult
from detbench.types import Estimate

NET = Arm("blurred", "net")
ALL = (21, 22, 23)
ANALYSIS = {"classes": {"car": {"map": {"value": 0.25}}, "bus": {"map": {"value": None}}}}


@pytest.fixture
def numbers_of(tmp_path: Path) -> Callable[[Measurements], CachedNumbers]:
    """Makes the numbers of a run."""

    def make(measured: Measurements) -> CachedNumbers:
        truth = true_boxes(measured)
        arms = evidence_of_arms(measured.rows, truth.columns)
        return CachedNumbers(Cache(tmp_path), truth, arms, measured.basis.specification["resamples"])

    return make


@pytest.fixture
def results_of(numbers_of: Callable[[Measurements], CachedNumbers]) -> Callable[[Measurements], dict[Arm, ArmResult]]:
    """Makes the result of every reported arm."""

    def make(measured: Measurements) -> dict[Arm, ArmResult]:
        numbers = numbers_of(measured)
        return {arm: arm_result(numbers, measured, arm, ANALYSIS) for arm in reported_arms(measured)}

    return make


Results = Callable[[Measurements], Mapping[Arm, ArmResult]]


def test_arms_are_reported_in_one_order(make_measured: Callable[..., Measurements]) -> None:
    """Sharp, blurred, then the deblurrers as they were named; what failed and what shows harm is not among them."""
    measured = make_measured({"two": (), "sharp+two": (), "one": (), "blurred": (), "sharp": ()})
    assert [arm.name for arm in reported_arms(measured)] == ["sharp", "blurred", "two", "one"]
    rows = {arm: rows for arm, rows in measured.rows.items() if arm.name not in ("sharp", "two")}
    assert [arm.name for arm in reported_arms(replace(measured, rows=rows))] == ["blurred", "one"]


def test_a_deblurrer_is_held_against_sharp_and_blurred(
    make_measured: Callable[..., Measurements], results_of: Results
) -> None:
    """It harms by the class that it loses on sharp pictures; two pictures do not show what blur costs, so that no share
    of it is known.
    """
    measured = make_measured({"sharp": ALL, "blurred": (), "net": (22,), "sharp+net": (21, 23)})
    metrics = results_of(measured)[NET].metrics
    assert metrics["map"].value == pytest.approx(0.5)
    assert metrics["gap_recovered"] == Estimate(None, 2)
    assert metrics["harm"].value == pytest.approx(0.5)
    assert "gap_recovered" not in results_of(measured)[BLURRED].metrics
    alone = results_of(make_measured({"blurred": (), "net": (22,)}))[NET].metrics
    assert alone["gap_recovered"] == alone["harm"] == Estimate(None, 2)


def test_harm_of_a_sample_is_that_of_its_pictures(
    make_measured: Callable[..., Measurements], results_of: Results
) -> None:
    """Sharp pictures show 9's bus and 4's car; restored, 4's car is lost. Over picture 9 alone nothing is harmed, over
    picture 4 alone all; the boxes of the other picture are never missed.
    """
    measured = make_measured({"sharp": (21, 22, 23), "blurred": (), "net": (), "sharp+net": (21, 22)})
    nine, four = (replace(measured, rows={**measured.rows, NET.on_sharp: [row]}) for row in measured.rows[NET.on_sharp])
    assert results_of(nine)[NET].metrics["harm"] == Estimate(0.0, 1)
    harm = results_of(four)[NET].metrics["harm"]
    assert (harm.value, harm.n) == (pytest.approx(1.0), 1)
    assert results_of(four)[NET].metrics["gap_recovered"].n == 2


def test_times_leave_out_what_was_not_timed(make_measured: Callable[..., Measurements], results_of: Results) -> None:
    """10 and 30 ms on 8,000 pixels each: the median is 20, the 95th percentile 29, a megapixel takes 2.5 s."""
    restore_ms = {"net": (10.0, 30.0), "half": (None, 30.0), "none": (None, None)}
    results = results_of(make_measured(dict.fromkeys(("blurred", *restore_ms), ()), restore_ms=restore_ms))
    times = {
        arm.name: [result.metrics[key] for key in ("restore_ms_p50", "restore_ms_p95", "restore_s_per_mpix")]
        for arm, result in results.items()
        if arm != BLURRED
    }
    assert [each.value for each in times["net"]] == pytest.approx([20, 29, 2.5])
    assert [each.value for each in times["half"]] == pytest.approx([30, 30, 3.75])
    assert [each.n for each in times["half"]] == [1, 1, 1]
    assert times["none"] == [Estimate(None, 0)] * 3


def test_pictures_a_second_are_of_deblurrer_and_detector_in_turn(
    make_measured: Callable[..., Measurements], results_of: Results
) -> None:
    """20 ms and 5 ms at the median make 40 pictures a second, 29 ms and 5.9 ms at the 95th percentile 28.65; with
    either time unknown, so is the number. The largest memory of any picture is the arm's.
    """
    restore_ms = {"net": (10.0, 30.0), "blind": (10.0, 30.0), "other": (None, None)}
    detect_ms = {"net": (4.0, 6.0), "other": (4.0, None)}
    measured = make_measured(dict.fromkeys(("blurred", *restore_ms), ()), restore_ms=restore_ms, detect_ms=detect_ms)
    first = measured.rows[NET][0]
    assert first.restored is not None
    with_peak = [replace(first, restored=replace(first.restored, peak_mib=210.0)), *measured.rows[NET][1:]]
    results = results_of(replace(measured, rows={**measured.rows, NET: with_peak}))
    keys = ("detect_ms_p50", "detect_ms_p95", "fps_p50", "fps_p95", "restore_peak_mib")
    net, blind, other = ([results[Arm.named(name)].metrics[key] for key in keys] for name in ("net", "blind", "other"))
    assert [each.value for each in net] == pytest.approx([5, 5.9, 40, 1000 / 34.9, 210])
    assert [each.n for each in net] == [2, 2, 2, 2, 1]
    assert blind == [Estimate(None, 0)] * 5
    assert [each.value for each in other] == [4, 4, None, None, None]


def test_a_result_says_what_its_deblurrer_is(make_measured: Callable[..., Measurements], results_of: Results) -> None:
    """Cost and identity come from the facts, mAP by class from the analysis, quality counts its defined pictures."""
    quality = {"net": ({"psnr_db": None}, {"psnr_db": 30.0})}
    measured = make_measured({"blurred": (), "net": ()}, quality=quality)
    facts = DeblurrerFacts({"name": "net"}, {"parameters_m": 17.1}, trained_with_detector=True)
    result = results_of(replace(measured, basis=replace(measured.basis, deblurrers={"net": facts})))[NET]
    assert (result.backend, result.trained_with_detector) == ({"name": "net"}, True)
    assert result.metrics["parameters_m"] == Estimate(17.1, 2)
    assert result.metrics["psnr_db"] == Estimate(30.0, 1)
    assert result.map_per_class == {"car": 0.25, "bus": None}


def test_differences_are_paired(
    make_measured: Callable[..., Measurements],
    numbers_of: Callable[[Measurements], CachedNumbers],
    results_of: Results,
) -> None:
    """Blur against sharp, deblurrers against blurred and each later against earlier; draws cancel where arms agree."""
    measured = make_measured({"sharp": ALL, "blurred": (), "one": (22,), "two": (22,)}, resamples=20)
    rows = differences(numbers_of(measured), results_of(measured))
    of_map = {(row.arm, row.against): row for row in rows if row.metric == "map"}
    assert list(of_map) == [("blurred", "sharp"), ("one", "blurred"), ("two", "blurred"), ("two", "one")]
    assert [row.difference.value for row in of_map.values()] == pytest.approx([-1, 0.5, 0.5, 0])
    same = of_map["two", "one"]
    assert (same.difference.low, same.difference.high, same.p_value, same.p_holm) == (0, 0, 1, None)
    gains = of_map["one", "blurred"], of_map["two", "blurred"]
    assert [gain.p_holm for gain in gains] == [min(1, 2 * gains[0].p_value)] * 2
    assert of_map["blurred", "sharp"].p_holm is None
    undefined = next(row for row in rows if (row.arm, row.metric) == ("one", "psnr_db"))
    assert (undefined.difference.value, undefined.p_value) == (None, None)
    assert SHARP.name not in {row.arm for row in rows}

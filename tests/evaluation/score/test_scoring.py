"""Measurements become a result."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.core.arm import Arm
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.scoring import score
from detbench.metrics.image_metrics import metric_specs
from detbench.results.cache import Cache

FINDS = {"sharp": (21, 22, 23), "sharp+net": (21, 23), "blurred": (21,), "net": (21, 22)}


def test_a_result_holds_the_reported_arms(make_measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """A deblurrer on sharp pictures has evidence, from which harm follows, but neither analysis nor result."""
    scored = score(replace(make_measured(FINDS), failed={"brittle": "9.png: it failed"}), Cache(tmp_path))
    reported = ["sharp", "blurred", "net"]
    assert [arm.name for arm in scored.result.arms] == reported
    assert [arm.name for arm in scored.analysis] == reported
    assert scored.evidence.keys() == {Arm.named(name) for name in FINDS}
    assert scored.result.failed == {"brittle": "9.png: it failed"}
    specs = metric_specs().items()
    assert scored.result.definitions.keys() == {key for key, spec in specs if not spec.on_request}
    assert scored.truth.ids.tolist() == [21, 22, 23]


def test_maps_by_class_are_those_of_the_analysis(make_measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """Car is found once in two, bus once in one: 51/101 and 1, and the arm's mAP is their mean."""
    net = score(make_measured(FINDS), Cache(tmp_path)).result.arms[2]
    assert net.map_per_class == {"car": pytest.approx(51 / 101), "bus": pytest.approx(1)}
    assert net.metrics["map"].value == pytest.approx((51 / 101 + 1) / 2)


def test_a_result_names_the_pictures_of_its_harm(make_measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """Where they are a sample; None where harm is over all, and where there is none."""
    measured, on_sharp = make_measured(FINDS), Arm.named("sharp+net")
    of_nine = replace(measured, rows={**measured.rows, on_sharp: measured.rows[on_sharp][:1]})
    assert score(of_nine, Cache(tmp_path)).result.harm_ids == (9,)
    assert score(measured, Cache(tmp_path)).result.harm_ids is None
    assert score(make_measured({"blurred": (21,), "net": (21,)}), Cache(tmp_path)).result.harm_ids is None


def test_numbers_do_not_follow_the_order_of_pictures(
    make_measured: Callable[..., Measurements], tmp_path: Path
) -> None:
    """The same pictures in another order give the same arms, differences and shown pictures, draws included."""
    measured = make_measured(FINDS, resamples=20, score=0.7)
    turned = replace(
        measured,
        samples=measured.samples[::-1],
        rows={arm: rows[::-1] for arm, rows in measured.rows.items()},
    )
    one, other = (score(each, Cache(tmp_path / name)).result for name, each in (("one", measured), ("other", turned)))
    assert (one.arms, one.differences, one.shown) == (other.arms, other.differences, other.shown)


def test_the_report_shows_what_is_at_hand(make_measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """Picture 9, where a box was regained, comes first; where only the other's pixels are kept, it alone is shown."""
    assert score(make_measured(FINDS), Cache(tmp_path)).result.shown == (9, 4)
    assert score(make_measured(FINDS, kept={4}), Cache(tmp_path)).result.shown == (4,)

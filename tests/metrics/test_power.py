"""Planned numbers of pictures against simulated runs, whose true difference is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit

from detbench.metrics.claims import FEWEST_PICTURES
from detbench.metrics.matching import AREAS, IOUS
from detbench.metrics.outcomes import pack
from detbench.metrics.power import PairedSpread, paired_spread, pictures_to_show
from detbench.metrics.ranking import Ranking
from detbench.metrics.resampled import Draws, average_precision, unit_weights
from detbench.metrics.uncertainty import degrees_of_freedom, interval, leave_out
from detbench.types import Estimate

Numbers = NDArray[np.float64]


def means(values: Numbers) -> Numbers:
    """The mean of pictures' values, and with each fold left out, (1 + F,)."""
    weights = leave_out(len(values))
    return np.asarray(weights @ values / weights.sum(axis=1))


def test_the_smallest_difference_is_2_8_standard_errors() -> None:
    """1.96 + .84 at 80 % power, 1.96 + 1.28 at 90 %; ten times the pictures for √10 of it."""
    spread = PairedSpread(0.0, 0.01, 100)
    assert spread.detectable() == pytest.approx(0.02802, abs=1e-5)
    assert spread.detectable(power=0.9) == pytest.approx(0.03242, abs=1e-5)
    assert spread.pictures_needed(0.02802) == pytest.approx(100, abs=1)
    assert spread.pictures_needed(0.02802 / 10**0.5) == pytest.approx(1000, abs=2)
    assert spread.pictures_needed(0.01) == 785
    assert spread.pictures_needed(5.0) == FEWEST_PICTURES


def test_the_standard_error_is_that_of_new_pictures() -> None:
    """It equals s / √N of the pictures' differences, and is that of the pairs: what both arms share adds nothing."""
    rng = np.random.default_rng(3)
    shared, own = rng.normal(0, 50, 10), rng.normal(0.3, 1, 10)
    spread = paired_spread(means(shared + own), means(shared), 10)
    assert spread is not None
    assert spread.difference == pytest.approx(own.mean())
    assert spread.standard_error == pytest.approx(own.std(ddof=1) / 10**0.5)


def test_the_spread_is_about_all_pictures() -> None:
    """Of two folds at .1 and .3 beside .5 the standard error is √(½ · (.4² + .2²))."""
    spread = paired_spread(np.array([0.9, 0.6, 0.8]), np.array([0.4, 0.5, 0.5]), 2)
    assert spread is not None
    assert (spread.difference, spread.standard_error) == (pytest.approx(0.5), pytest.approx(0.1**0.5))


def test_what_is_undefined_has_no_spread() -> None:
    """A difference that is undefined on the pictures, or with one of them left out, is not planned by."""
    defined, zeros = np.linspace(0, 1, 21), np.zeros(21)
    assert paired_spread(defined, zeros, 20) is not None
    assert paired_spread(np.where(np.arange(21) == 0, np.nan, defined), zeros, 20) is None
    assert paired_spread(np.where(np.arange(21) == 20, np.nan, defined), zeros, 20) is None


@pytest.mark.parametrize("power", [0.8, 0.95])
def test_the_planned_pictures_see_the_effect_as_often_as_planned(power: float) -> None:
    """An effect of .2 standard deviations, skewed: what five pilots of 200 pictures plan holds it in 400 runs."""
    rng, effect = np.random.default_rng(1), 0.2

    def differences(pictures: int) -> Numbers:
        return np.asarray(rng.gamma(4, 0.5, pictures) - 2 + effect)

    pilots = [paired_spread(means(differences(200)), np.zeros(201), 200) for _ in range(5)]
    needed = round(np.mean([pilot.pictures_needed(effect, power) for pilot in pilots if pilot is not None]))
    seen = [is_seen(means(differences(needed)), needed) for _ in range(400)]
    assert np.mean(seen) == pytest.approx(power, abs=0.05)


def test_a_plan_for_map_holds_too() -> None:
    """mAP of two detectors, one of which finds more boxes: the true difference is that of 20,000 pictures, and the
    planned number sees it in four of five of 250 runs, whose pilots have 150 pictures.
    """
    rng = np.random.default_rng(5)
    effect = np.subtract(*(value[0] for value in two_maps(rng, 20_000, unit_weights(20_000))))
    pilots = [paired_spread(*two_maps(rng, 150, leave_out(150)), 150) for _ in range(8)]
    needed = round(np.mean([pilot.pictures_needed(effect) for pilot in pilots if pilot is not None]))
    assert 30 < needed < 1500
    weights = leave_out(needed)
    seen = [is_seen(np.subtract(*two_maps(rng, needed, weights)), needed) for _ in range(250)]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.06)


def is_seen(values: Numbers, pictures: int) -> bool:
    """Whether the interval of a difference, (1 + F,), leaves 0 out."""
    bounds = interval(values, pictures)
    assert bounds is not None
    return not bounds[0] <= 0 <= bounds[1]


def two_maps(rng: np.random.Generator, pictures: int, draws: Draws) -> tuple[Numbers, Numbers]:
    """mAP of a better and a worse arm over the same pictures with three boxes each, some of them hard in both."""
    difficulty = np.repeat(rng.normal(0, 1, pictures), 3) + rng.normal(0, 1, 3 * pictures)
    better, worse = (
        average_precision(ranking(rng, difficulty + rng.normal(0, 0.5, 3 * pictures) - skill, pictures), draws).mean(
            axis=(0, 1)
        )
        for skill in (0.9, 0.7)
    )
    return better, worse


def ranking(rng: np.random.Generator, hardness: Numbers, pictures: int) -> Ranking:
    """Each box is found well where it is easy, and once in four pictures there is a false one."""
    passed = np.clip(np.ceil(4 - 3 * hardness), 0, len(IOUS)).astype(np.int64)
    passed = np.concatenate([passed, np.zeros(pictures // 4, np.int64)])
    picture = np.concatenate([np.repeat(np.arange(pictures), 3), rng.choice(pictures, pictures // 4, replace=False)])
    scores = np.concatenate([rng.normal(-hardness, 0.5), rng.normal(-1, 0.7, pictures // 4)])
    rank = np.concatenate([np.tile(np.arange(3), pictures), np.full(pictures // 4, 3)])
    order = np.argsort(-scores)
    outcomes = np.repeat((np.arange(len(IOUS))[:, None] < passed[order])[None], len(AREAS), axis=0).astype(np.uint8)
    true_boxes = np.full((len(AREAS), pictures, 1), 3, np.int64)
    return Ranking(
        picture[order], np.zeros(len(order), np.int64), scores[order], rank[order], pack(outcomes), true_boxes
    )


@pytest.mark.parametrize(
    ("value", "n", "error", "needed"),
    [
        (0.1, 40, 0.05, 79),  # (2.8 · .5)² = 1.96 times as many: 78.4
        (-0.1, 40, 0.05, 79),
        (0.01, 100, 0.02, 3200),  # 31.36 times as many: 3,136
        (0.1, 6, 0.01, FEWEST_PICTURES),
        (0.1, 40, 0.01, None),
        (0.1, 80, 0.035597, None),  # 79.6, rounded up to as many as there are
        (0.0, 40, 0.05, None),
    ],
)
def test_pictures_to_show_follow_from_the_interval(value: float, n: int, error: float, needed: int | None) -> None:
    """Four times the pictures halve the error; rounded up to two digits, never too few, none where enough are there."""
    half = float(stdtrit(degrees_of_freedom(n), 0.975)) * error
    assert pictures_to_show(Estimate(value, n, value - half, value + half)) == needed
    assert pictures_to_show(Estimate(value, n)) is None

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.metrics.evidence import ByMetric
from detbench.metrics.jackknifed import JackknifedNumbers, estimated, harm_arms
from detbench.metrics.resampled import Draws, unit_weights
from detbench.types import Estimate

NET = Arm("blurred", "net")
MAPS = {
    SHARP: np.array([0.9, 0.8, 1.0, 0.9]),
    BLURRED: np.array([0.5, 0.4, 0.6, 0.5]),
    NET: np.array([0.7, 0.5, 0.9, 0.7]),
    NET.on_sharp: np.array([0.8, 0.7, 0.9, 0.8]),
}


class Computed:
    """Gives each arm the mean of its pictures' numbers, and keeps which arms were computed."""

    def __init__(self) -> None:
        self.arms: list[Arm] = []

    def __call__(self, arm: Arm, weights: Draws) -> tuple[ByMetric, ByMetric]:
        self.arms.append(arm)
        numbers = {"map": weights @ MAPS[arm] / weights.sum(axis=1)}
        return {**numbers, "alone": numbers["map"]}, {**numbers, "beside": numbers["map"]}


def test_the_pictures_as_they_are_come_first() -> None:
    """The first number is over every picture, the others leave one out each."""
    jackknifed = JackknifedNumbers(MAPS, Computed(), pictures=4)
    assert jackknifed.weights.shape == (5, 4)
    assert jackknifed.weights.sum(axis=1).tolist() == [4, 3, 3, 3, 3]
    assert set(jackknifed.own(NET)) == {"map", "alone"}
    assert jackknifed.own(NET)["map"] == pytest.approx([0.7, 2.1 / 3, 2.3 / 3, 1.9 / 3, 2.1 / 3])


def test_without_folds_there_are_the_numbers_alone() -> None:
    """Where no intervals are wanted nothing is computed for them."""
    assert JackknifedNumbers(MAPS, Computed(), 4, weights_of=unit_weights).own(NET)["map"] == pytest.approx([0.7])


def test_arms_are_paired_and_computed_once() -> None:
    """What is the same distance apart in every picture is so in every fold; no arm is computed twice."""
    computed = Computed()
    jackknifed = JackknifedNumbers(MAPS, computed, pictures=4)
    harm = jackknifed.paired(NET)["harm"]
    assert harm == pytest.approx(np.full(5, 0.1))
    assert jackknifed.paired(NET)["gap_recovered"][0] == pytest.approx(0.5)
    assert sorted(map(str, computed.arms)) == ["blurred", "net", "sharp", "sharp+net"]


def test_harm_may_be_over_fewer_pictures() -> None:
    """It has the folds of its own pictures, while the gap that is recovered has those of all."""
    two = {arm: values[:2] for arm, values in MAPS.items() if arm in (SHARP, NET.on_sharp)}
    whole = {arm: values for arm, values in MAPS.items() if arm != NET.on_sharp}

    def of_two(arm: Arm, weights: Draws) -> tuple[ByMetric, ByMetric]:
        numbers = {"map": weights @ two[arm] / weights.sum(axis=1)}
        return numbers, numbers

    jackknifed = JackknifedNumbers(whole, Computed(), 4, for_harm=JackknifedNumbers(two, of_two, 2))
    assert jackknifed.paired(NET)["harm"] == pytest.approx(np.full(3, 0.1))
    assert len(jackknifed.paired(NET)["gap_recovered"]) == 5
    assert (jackknifed.pictures_of("harm"), jackknifed.pictures_of("gap_recovered")) == (2, 4)
    assert JackknifedNumbers(MAPS, Computed(), 4).pictures_of("harm") == 4


def test_the_sharp_arm_is_taken_over_the_pictures_of_harm() -> None:
    """The arms that harm needs: deblurrers on sharp pictures as they are, and sharp over the same pictures."""

    class Numbers(list[int]):
        def among(self, pictures: NDArray[np.int64], /) -> "Numbers":
            return Numbers(self[place] for place in pictures)

    arms = {SHARP: Numbers([7, 8, 9]), BLURRED: Numbers([1, 2, 3]), NET.on_sharp: Numbers([5, 6])}
    assert harm_arms(arms, np.array([0, 2])) == {SHARP: [7, 9], NET.on_sharp: [5, 6]}
    assert harm_arms({BLURRED: Numbers()}, np.array([0])) == {}


def test_without_sharp_pictures_there_is_nothing_to_recover() -> None:
    """A deblurrer then has its own numbers alone; without its work on sharp pictures no harm is known."""
    assert set(JackknifedNumbers([BLURRED, NET], Computed(), 4).paired(NET)) == {"map", "beside"}
    assert set(JackknifedNumbers([SHARP, BLURRED, NET], Computed(), 4).paired(NET)) == {
        "map",
        "beside",
        "gap_recovered",
    }
    assert set(JackknifedNumbers(MAPS, Computed(), 4).paired(SHARP)) == {"map", "beside"}


def test_an_estimate_has_the_interval_of_its_folds() -> None:
    """Of three pictures t is 4.303; what is undefined, or has no folds, has no interval."""
    values = np.array([5.0, 4.0, 5.0, 6.0])
    far = 4.30265 * (2 / 3 * 2) ** 0.5
    found = estimated(5.0, 3, values)
    assert (found.value, found.n) == (5.0, 3)
    assert (found.low, found.high) == pytest.approx((5 - far, 5 + far), abs=1e-4)
    assert estimated(None, 3, values) == estimated(None, 3, None) == Estimate(None, 3)
    assert estimated(5.0, 3, values[:1]) == Estimate(5.0, 3)


def test_no_interval_goes_beyond_what_is_possible() -> None:
    """A share ends at 0 and 1, and keeps the bound that lies between."""
    found = estimated(0.9, 4, np.array([0.9, 0.9, 0.9, 0.9, 0.85]), (0.0, 1.0))
    assert found.high == 1.0
    assert found.low == pytest.approx(0.9 - 3.1824 * (3 / 4 * 0.05**2) ** 0.5, abs=1e-4)

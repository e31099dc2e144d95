import numpy as np
import pytest

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.metrics.drawn_numbers import DrawnNumbers, estimated
from detbench.metrics.evidence import ByMetric
from detbench.metrics.resampled import Draws
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

    def __call__(self, arm: Arm, weights: Draws) -> ByMetric:
        self.arms.append(arm)
        return {"map": weights @ MAPS[arm] / weights.sum(axis=1)}


def test_the_pictures_as_they_are_come_first() -> None:
    """The first number is over every picture once, the others over as many pictures drawn with replacement."""
    drawn = DrawnNumbers(MAPS, Computed(), pictures=4, resamples=50)
    assert drawn.weights.shape == (51, 4)
    assert drawn.weights[0].tolist() == [1, 1, 1, 1]
    assert set(drawn.weights.sum(axis=1).tolist()) == {4}
    assert drawn.own(NET)["map"][0] == pytest.approx(0.7)


def test_arms_are_paired_and_computed_once() -> None:
    """What is the same distance apart in every picture is so in every draw; no arm is computed twice."""
    computed = Computed()
    drawn = DrawnNumbers(MAPS, computed, pictures=4, resamples=50)
    harm = drawn.of(NET)["harm"]
    assert harm == pytest.approx(np.full(51, 0.1))
    assert drawn.of(NET)["gap_recovered"][0] == pytest.approx(0.5)
    assert sorted(map(str, computed.arms)) == ["blurred", "net", "sharp", "sharp+net"]


def test_without_sharp_pictures_there_is_nothing_to_recover() -> None:
    """A deblurrer then has its own numbers alone; without its work on sharp pictures no harm is known."""
    assert set(DrawnNumbers([BLURRED, NET], Computed(), 4, 5).of(NET)) == {"map"}
    assert set(DrawnNumbers([SHARP, BLURRED, NET], Computed(), 4, 5).of(NET)) == {"map", "gap_recovered"}
    assert set(DrawnNumbers(MAPS, Computed(), 4, 5).of(SHARP)) == {"map"}


def test_an_interval_is_over_the_draws_alone() -> None:
    """The number over the pictures as they are is not one of the draws; what is undefined has no interval."""
    drawn = np.array([5.0, 1.0, 1.0, 1.0])
    assert estimated(5.0, 3, drawn) == Estimate(5.0, 3, 1.0, 1.0)
    assert estimated(None, 3, drawn) == estimated(None, 3, None) == Estimate(None, 3)
    assert estimated(5.0, 3, drawn[:1]) == Estimate(5.0, 3)

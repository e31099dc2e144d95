"""detbench.evaluation.score.consistency: what arms find and share, counted by hand."""

from collections.abc import Callable

from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.consistency import consistency_of
from detbench.evaluation.score.scores import reported_arms
from detbench.evaluation.score.true_boxes import true_boxes
from detbench.results.schema import Consistency

MakeMeasured = Callable[..., Measurements]


def consistency(measured: Measurements) -> tuple[Consistency, ...]:
    """That of every arm."""
    return consistency_of(measured, reported_arms(measured), true_boxes(measured).columns)


def test_shares_are_of_the_other_arms_boxes(make_measured: MakeMeasured) -> None:
    """Of the blurred arm's one box wiener has it; of wiener's two boxes the blurred arm has one."""
    blurred, wiener = consistency(make_measured({"blurred": [21], "wiener": [21, 22]}, truth="none"))
    assert blurred == Consistency("blurred", 0.5, 0.9, {"wiener": 0.5})
    assert (wiener.boxes_per_picture, wiener.shared) == (1.0, {"blurred": 1.0})


def test_boxes_below_the_confidence_count_nowhere(make_measured: MakeMeasured) -> None:
    """At .2 there is no box, no mean confidence and nothing to share."""
    blurred, wiener = consistency(make_measured({"blurred": [21], "wiener": [21, 22]}, truth="none", score=0.2))
    assert blurred == Consistency("blurred", 0.0, None, {"wiener": None})
    assert wiener == Consistency("wiener", 0.0, None, {"blurred": None})

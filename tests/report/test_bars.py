"""Bars of mAP: how long each is, and where floor and ceiling stand."""

from collections.abc import Callable
from dataclasses import replace

from detbench.report.bars import map_bars
from detbench.results.schema import RunResult

Results = Callable[..., RunResult]


def test_bars_are_lengths_between_zero_and_the_longest(result: Results) -> None:
    """Half the mAP is half the length; floor and ceiling are the blurred and the sharp bar's ends."""
    bars = map_bars(result(maps={"sharp": 0.4, "blurred": 0.2, "none": None}, interval=None).arms)
    lengths = [bar.length for bar in bars.bars]
    assert lengths == [96.15, 48.08, None]
    assert (bars.floor, bars.ceiling) == (48.08, 96.15)
    assert [bar.text for bar in bars.bars] == [".400", ".200", "–"]


def test_bars_without_any_map_have_no_length(result: Results) -> None:
    """A run that found nothing divides by nothing."""
    assert [bar.length for bar in map_bars(result(maps={"blurred": 0.0, "wiener": 0.0}, interval=None).arms).bars] == [
        0.0,
        0.0,
    ]


def test_an_interval_makes_room_for_its_upper_end(result: Results) -> None:
    """The longest is .4 + .1: its end stands at 100 / 1.04 %, and both ends of every bar are on that scale."""
    sharp, blurred = map_bars(result(maps={"sharp": 0.4, "blurred": 0.2}, interval=0.1).arms).bars
    assert (sharp.low, sharp.length, sharp.high) == (57.69, 76.92, 96.15)
    assert (blurred.low, blurred.length, blurred.high) == (19.23, 38.46, 57.69)


def test_deblurrers_are_neither_floor_nor_ceiling(result: Results) -> None:
    """A deblurrer above the sharp pictures has the longest bar, and the lines stay where they are."""
    bars = map_bars(result(maps={"sharp": 0.3, "blurred": 0.2, "wiener": 0.4}, interval=None).arms)
    assert (bars.floor, bars.ceiling) == (48.08, 72.12)
    assert [(bar.arm, bar.kind, bar.length) for bar in bars.bars][2] == ("wiener", "deblurrer", 96.15)


def test_an_arm_without_map_has_no_bar(result: Results) -> None:
    """Its name stands there with a dash, and the others keep their lengths."""
    sharp, blurred = result(maps={"sharp": 0.4, "blurred": 0.2}, interval=None).arms
    bars = map_bars([sharp, replace(blurred, metrics={})])
    assert [(bar.text, bar.length) for bar in bars.bars] == [(".400", 96.15), ("–", None)]
    assert (bars.floor, bars.ceiling) == (None, 96.15)

"""Bars of mAP: how long each is, and where floor, ceiling and zero stand."""

from collections.abc import Callable
from dataclasses import replace

from detbench.report.bars import map_bars, map_forest
from detbench.results.schema import RunResult

Results = Callable[..., RunResult]


def test_bars_are_lengths_between_zero_and_the_longest(result: Results) -> None:
    """Half the mAP is half the length; floor and ceiling are the blurred and the sharp bar's ends."""
    bars = map_bars(result(maps={"sharp": 0.4, "blurred": 0.2, "none": None}, interval=None))
    lengths = [bar.length for bar in bars.bars]
    assert lengths == [96.15, 48.08, None]
    assert (bars.floor, bars.ceiling) == (48.08, 96.15)
    assert [bar.text for bar in bars.bars] == [".400", ".200", "–"]


def test_bars_without_any_map_have_no_length(result: Results) -> None:
    """A run that found nothing divides by nothing."""
    assert [bar.length for bar in map_bars(result(maps={"blurred": 0.0, "wiener": 0.0}, interval=None)).bars] == [
        0.0,
        0.0,
    ]


def test_an_interval_makes_room_for_its_upper_end(result: Results) -> None:
    """The longest is .4 + .1: its end stands at 100 / 1.04 %, and both ends of every bar are on that scale."""
    sharp, blurred = map_bars(result(maps={"sharp": 0.4, "blurred": 0.2}, interval=0.1)).bars
    assert (sharp.low, sharp.length, sharp.high) == (57.69, 76.92, 96.15)
    assert (blurred.low, blurred.length, blurred.high) == (19.23, 38.46, 57.69)


def test_deblurrers_are_neither_floor_nor_ceiling(result: Results) -> None:
    """A deblurrer above the sharp pictures has the longest bar, and the lines stay where they are."""
    bars = map_bars(result(maps={"sharp": 0.3, "blurred": 0.2, "wiener": 0.4}, interval=None))
    assert (bars.floor, bars.ceiling) == (48.08, 72.12)
    assert [(bar.arm, bar.kind, bar.length) for bar in bars.bars][2] == ("wiener", "deblurrer", 96.15)


def test_an_arm_without_map_has_no_bar(result: Results) -> None:
    """Its name stands there with a dash, and the others keep their lengths."""
    run = result(maps={"sharp": 0.4, "blurred": 0.2}, interval=None)
    sharp, blurred = run.arms
    bars = map_bars(replace(run, arms=(sharp, replace(blurred, metrics={}))))
    assert [(bar.text, bar.length) for bar in bars.bars] == [(".400", 96.15), ("–", None)]
    assert (bars.floor, bars.ceiling) == (None, 96.15)


def test_only_bars_that_are_shown_to_differ_stand_out(result: Results) -> None:
    """Of a proven gain, one that may be chance, floor and ceiling, the first alone."""
    maps = {"sharp": 0.4, "blurred": 0.2, "sure": 0.3, "unsure": 0.21}
    bars = map_bars(result(maps=maps, p_of={("unsure", "blurred"): 0.5})).bars
    assert [bar.arm for bar in bars if bar.is_shown] == ["sure"]


def test_differences_stand_around_zero(result: Results) -> None:
    """A gain of .1 ± .05 and a loss of .1 ± .05: zero is in the middle, and the ends mirror each other."""
    maps = {"sharp": 0.4, "blurred": 0.2, "gains": 0.3, "loses": 0.1}
    forest = map_forest(result(maps=maps, interval=0.05))
    gains, loses = forest.changes
    assert forest.zero == 50
    assert (gains.arm, gains.pictures, gains.tone, loses.tone) == ("gains", 12, "better", "worse")
    assert (gains.low, gains.place, gains.high) == (65.43, 80.86, 96.3)
    assert (loses.low, loses.place, loses.high) == (3.7, 19.14, 34.57)
    assert (gains.cell.text, gains.cell.interval) == ("+.100", "[+.050,\xa0+.150] p\xa0.001, adjusted\xa0.002")


def test_a_difference_that_may_be_chance_has_no_tone(result: Results) -> None:
    """Its interval is drawn, without a colour; an undefined one has neither place nor colour."""
    (unsure,) = map_forest(result(maps={"blurred": 0.2, "wiener": 0.21}, interval=0.05)).changes
    assert (unsure.tone, unsure.cell.text) == ("", "+.010")
    assert unsure.low is not None
    (none,) = map_forest(result(maps={"blurred": None, "wiener": None})).changes
    assert (none.place, none.tone, none.cell.text) == (None, "", "–")

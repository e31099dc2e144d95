from collections.abc import Callable
from dataclasses import replace

from detbench.pages.strips import Mark, MarkKind, Panel, Role, Strip
from detbench.report.decision import Decision, decision_of
from detbench.report.verdict import verdicts
from detbench.results.schema import RunResult
from detbench.types import Estimate

Results = Callable[..., RunResult]
MAPS = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3}
SIZE = (640, 480)


def with_costs(run: RunResult) -> RunResult:
    """The run with a time for a megapixel and a harm of every deblurrer."""
    found = {"restore_s_per_mpix": Estimate(0.35, 12), "harm": Estimate(0.01, 12, 0.004, 0.016)}
    return replace(
        run,
        arms=tuple(
            replace(arm, metrics={**arm.metrics, **found}) if arm.kind == "deblurrer" else arm for arm in run.arms
        ),
    )


def mark(kind: MarkKind, x: float, y: float) -> Mark:
    """A box of 40 × 30 pixels."""
    return Mark(kind, x, y, 40, 30, "car", "car", "medium")


def strip(title: str, *after: Mark, change: int) -> Strip:
    """A picture in three arms; the blurred one misses the first two boxes and finds the third."""

    def panel(name: str, role: Role, marks: tuple[Mark, ...], change: int | None = None) -> Panel:
        return Panel(name, role, "data:", *SIZE, alt=name, marks=marks, change=change)

    before = (mark("missed", 100, 100), mark("missed", 200, 100), mark("found", 300, 300))
    return Strip(
        title,
        "",
        (panel("blurred", "before", before), panel("wiener", "after", after, change), panel("sharp", "goal", ())),
    )


GAIN = strip("gain", mark("regained", 100, 100), mark("regained", 200, 100), mark("found", 300, 300), change=2)
LOSS = strip("loss", mark("missed", 100, 100), mark("missed", 200, 100), mark("lost", 300, 300), change=-1)


def decided(run: RunResult, *made: Strip, budget: float | None = None) -> Decision:
    """The decision about the run's first deblurrer."""
    return decision_of(run, verdicts(run)[0], made, budget)


def test_three_tiles_say_gain_cost_and_harm(result: Results) -> None:
    """Each with its unit and what belongs to it; only a gain that is shown has a colour."""
    tiles = decided(with_costs(result(maps=MAPS, interval=0.05)), budget=0.1).tiles
    assert [(tile.title, tile.value, tile.tone) for tile in tiles] == [
        ("gain", "+.100 mAP", "better"),
        ("cost", "0.35 s", ""),
        ("harm", ".010 mAP", ""),
    ]
    assert tiles[0].note == "[+.050,\xa0+.150] p\xa0.001 over 12 pictures"
    assert tiles[1].note == "per megapixel; 80.0 pictures per second here (median); over the budget of 0.1"
    assert tiles[2].note == "[.004,\xa0.016] lost on pictures that are sharp"
    assert decided(result(maps=MAPS, interval=0.2)).tiles[0].tone == ""


def test_the_gauge_stands_between_floor_and_ceiling(result: Results) -> None:
    """Half the gap is half the width; an arm below the floor begins the scale; without a ceiling there is none."""
    gauge, below = decided(result(maps=MAPS)).gauge, decided(result(maps={**MAPS, "wiener": 0.1})).gauge
    assert gauge is not None
    assert below is not None
    assert (gauge.floor, gauge.arm, gauge.ceiling) == (0, 50, 100)
    assert (gauge.floor_text, gauge.arm_text, gauge.ceiling_text) == (".200", ".300, 50\xa0% of the gap", ".400")
    assert (below.floor, below.arm, below.ceiling) == (33.33, 0, 100)
    assert decided(result(maps={"blurred": 0.2, "wiener": 0.3})).gauge is None


def test_the_picture_shows_what_the_verdict_says(result: Results) -> None:
    """A yes has the picture of the largest gain, a no that of the largest loss, and what is not known has none."""
    yes, no = (decided(result(maps={**MAPS, "wiener": value}), LOSS, GAIN).crop for value in (0.3, 0.1))
    assert yes is not None
    assert no is not None
    assert (yes.title, yes.words) == ("gain", "found 1 → 3 of 3")
    assert (no.title, no.words) == ("loss", "found 1 → 0 of 3")
    assert [panel.title for panel in yes.panels] == ["blurred", "wiener", "sharp"]
    assert decided(result(maps=MAPS, interval=0.2), LOSS, GAIN).crop is None
    assert decided(result(maps=MAPS), LOSS).crop is None


def test_the_part_holds_the_boxes_that_changed(result: Results) -> None:
    """It has the picture's shape, at least half its width, and stays within it."""
    crop = decided(result(maps=MAPS), GAIN).crop
    assert crop is not None
    assert (crop.left, crop.top, crop.width, crop.height) == (10, 0, 320, 240)


def test_a_failed_deblurrer_has_no_numbers(result: Results) -> None:
    """Its verdict alone is left."""
    run = replace(result(maps={"blurred": 0.2}), failed={"net": "no weights"})
    assert decided(run) == Decision(verdicts(run)[0], (), None, None)

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Table
from detbench.report.tables import (
    arm_table,
    difference_table,
    harm_note,
    metric_heading,
    missed_classes,
    shown_specs,
    value_cell,
)
from detbench.results.schema import EvaluatedData, RunResult
from detbench.types import Estimate

Results = Callable[..., RunResult]
MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377, "identity": 0.262}


def column(table: Table, title: str) -> dict[str, Cell]:
    """The cells below a heading, by row."""
    index = [heading.text for heading in table.columns].index(title)
    return {row.heading.text: row.cells[index] for row in table.rows}


def test_a_heading_gives_unit_and_direction() -> None:
    """Arrow and unit come from the metric's own description."""
    assert metric_heading(METRICS["psnr_db"]).note == "dB ↑"
    assert metric_heading(METRICS["restore_ms_p50"]).note == "ms ↓"
    assert [metric_heading(METRICS[key]).note for key in ("precision", "recall", "f1")] == ["at 0.25 ↑"] * 3
    assert metric_heading(METRICS["map"]).title.endswith("higher is better")


def test_the_pictures_of_harm_are_named(result: Results) -> None:
    """Where they are a sample, and where none were measured; not where all were, and not without sharp pictures."""
    run = result(maps=MAPS, images=48)
    assert harm_note(run) == ""
    assert harm_note(replace(run, harm_ids=tuple(range(1, 49, 4)))).startswith("Harm is over 12 of the 48 pictures")
    unmeasured = replace(run, specification={**run.specification, "harm": "none"})
    assert harm_note(unmeasured).startswith("Harm was not measured")
    assert harm_note(replace(unmeasured, arms=unmeasured.arms[1:])) == ""


def test_the_best_arm_below_the_ceiling_stands_out(result: Results) -> None:
    """The sharp arm never counts as best, and neither does anything where all are equal."""
    run = result(maps=MAPS)
    table = arm_table(run.arms, shown_specs(run.arms), run.differences)
    assert [arm for arm, cell in column(table, "mAP").items() if cell.best] == ["wiener"]
    assert [arm for arm, cell in column(table, "PSNR").items() if cell.best] == []


@pytest.mark.parametrize(
    "chance",
    [
        {"p_of": {("identity", "wiener"): 0.05}},
        {"p_of": {("wiener", "blurred"): 0.04, ("identity", "blurred"): 0.03}},
        {"interval": 0.2},
        {"interval": None},
        {"images": 9},
    ],
)
def test_what_may_be_chance_does_not_stand_out(result: Results, chance: dict[str, Any]) -> None:
    """By p, by the p adjusted for two deblurrers, by the interval, without any, and over nine pictures."""
    run = result(maps=MAPS, **chance)
    table = arm_table(run.arms, shown_specs(run.arms), run.differences)
    assert not any(cell.best for cell in column(table, "mAP").values())


def test_a_difference_that_may_be_chance_has_no_tone(result: Results) -> None:
    """Of two deblurrers, one by its own p and then both by the adjusted one, which stands beside the plain."""
    run = result(
        maps={"blurred": 0.2, "one": 0.3, "two": 0.3}, p_of={("one", "blurred"): 0.001, ("two", "blurred"): 0.05}
    )
    cells = column(difference_table(run, shown_specs(run.arms)), "mAP")
    assert {arm: cell.tone for arm, cell in cells.items()} == {"one": "better", "two": ""}
    assert cells["one"].interval.endswith("p\xa0.001, adjusted\xa0.002")
    run = result(
        maps={"blurred": 0.2, "one": 0.3, "two": 0.3}, p_of={("one", "blurred"): 0.04, ("two", "blurred"): 0.03}
    )
    assert {cell.tone for cell in column(difference_table(run, shown_specs(run.arms)), "mAP").values()} == {""}


def test_undefined_is_a_dash_and_absent_is_empty(result: Results) -> None:
    """A metric without a value says that it is undefined; one that an arm cannot have is left blank."""
    run = result(maps=MAPS)
    table = arm_table(run.arms, shown_specs(run.arms), run.differences)
    assert column(table, "PSNR")["sharp"] == Cell("–", title="PSNR is undefined here")
    assert column(table, "Gap recovered")["blurred"] == Cell("")
    assert column(table, "Gap recovered")["wiener"].text == "71\xa0%"


def test_a_metric_that_an_older_run_lacks_is_a_dash(result: Results) -> None:
    """Beside an arm that has the metric, an arm of a run made before the metric was has a dash; costs stay blank."""
    new, old = result(maps=MAPS).arms[2:]
    lacking = {key: estimate for key, estimate in old.metrics.items() if key not in ("psnr_db", "restore_ms_p50")}
    arms = (new, replace(old, metrics=lacking))
    table = arm_table(arms, shown_specs(arms), ())
    assert column(table, "PSNR")["identity"] == Cell("–", title="PSNR is undefined here")
    assert column(table, "Restoration p50")["identity"] == Cell("")


def test_an_interval_stands_beside_its_value() -> None:
    """A computed interval is shown; without one there is the value alone."""
    assert value_cell(METRICS["map"], Estimate(0.3, 2, 0.25, 0.35)).interval == "[.250,\xa0.350]"
    assert value_cell(METRICS["map"], Estimate(0.3, 2)).interval == ""


def test_differences_say_which_way_they_point(result: Results) -> None:
    """Each deblurrer has a row; better and worse go by the metric's direction."""
    run = result(maps={**MAPS, "worse": 0.1, "none": None})
    cells = column(difference_table(run, shown_specs(run.arms)), "mAP")
    assert {arm: (cell.text, cell.tone) for arm, cell in cells.items()} == {
        "wiener": ("+.115", "better"),
        "identity": (".000", ""),
        "worse": ("−.162", "worse"),
        "none": ("–", ""),
    }


def test_a_transposed_table_has_the_same_cells(result: Results) -> None:
    """Rows and columns exchange their places, twice gives the table again."""
    run = result(maps=MAPS)
    table = arm_table(run.arms, shown_specs(run.arms), run.differences)
    assert column(table.transposed("Metric"), "wiener")["mAP"] == column(table, "mAP")["wiener"]
    assert table.transposed("Metric").transposed("Arm") == table


def test_a_missed_class_names_the_one_that_is_spelt_nearly_so() -> None:
    """The detector's class of a like name is named beside it, for a reader who may rename one."""
    data = EvaluatedData("mine", "", "", 1, 2, ("traffic_light", "tram"), ("traffic light", "zebra"))
    assert missed_classes(data) == ["traffic_light (the detector has traffic light)", "tram"]

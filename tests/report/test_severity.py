import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell
from detbench.pages.plot import HEIGHT_IN, drawn, pen
from detbench.report.changes import changes_of
from detbench.report.severity import (
    Gain,
    SeverityBin,
    gains_of,
    map_by_blur,
    recall_by_relative_blur,
    response_plot,
    response_table,
    severity_bins,
    severity_table,
)
from detbench.results.analysis_schema import ArmAnalysis, analysis_from_json

PSNR_DB = {"blurred": 20.0, "one": 21.0, "two": 19.5}


def images(severities_px: list[float | None], **psnr_db: float | None) -> pd.DataFrame:
    """Rows of `images.csv`, the last picture first: every arm has the same PSNR in each."""
    rows = [
        (number, arm, 1, severity, value)
        for number, severity in reversed(list(enumerate(severities_px)))
        for arm, value in {**PSNR_DB, **psnr_db}.items()
    ]
    return pd.DataFrame(rows, columns=["image_id", "arm", "tp", "severity_px", "psnr_db"])


def gains(table: pd.DataFrame) -> dict[str, Gain]:
    """The gains of the arms `one` and `two`."""
    return gains_of(table, changes_of(table, ["one", "two"]))


def bins(table: pd.DataFrame) -> list[SeverityBin]:
    """The table's bins."""
    return severity_bins(table, gains(table))


def test_gains_go_from_the_weakest_blur_to_the_strongest() -> None:
    """A gain is the deblurrer's PSNR minus the blurred picture's; a picture of unknown severity is left out."""
    made = gains(images([9.0, None, 3.0, 6.0]))
    assert made["one"].severity_px.tolist() == [3.0, 6.0, 9.0]
    assert made["one"].psnr_db.tolist() == [1.0] * 3
    assert made["two"].psnr_db.tolist() == [-0.5] * 3


def test_bins_are_quarters_of_the_runs_pictures() -> None:
    """Each holds as many pictures, with the arm's mean severity and mean gain over them."""
    made = bins(images([float(number) for number in range(1, 9)]))
    assert [each.name for each in made] == ["1.0 to 2.8 px", "2.8 to 4.5 px", "4.5 to 6.2 px", "6.2 to 8.0 px"]
    assert [each.pictures for each in made] == [2] * 4
    assert [each.means["one"][0] for each in made] == [1.5, 3.5, 5.5, 7.5]
    assert {each.means["two"][1].value for each in made} == {-0.5}


def test_intervals_are_those_of_the_mean() -> None:
    """Gains of 0 and 2 dB have a mean of 1 ± 1.96 dB, one picture has no interval."""
    table = images([1.0, 1.0, 2.0, 3.0, 4.0])
    table.loc[(table["arm"] == "one") & (table["image_id"] < 2), "psnr_db"] = [20.0, 22.0]
    weakest, single, _ = bins(table)
    assert (weakest.means["one"][1].low, weakest.means["one"][1].high) == (pytest.approx(-0.96), pytest.approx(2.96))
    assert (single.pictures, single.means["one"][1].low) == (1, None)


def test_a_picture_equal_to_the_sharp_one_has_no_gain() -> None:
    """An arm without any PSNR is left out; one without it in a bin has a dash there."""
    table = images([1.0, 2.0, 3.0, 4.0], two=None)
    assert list(gains(table)) == ["one"]
    table.loc[(table["arm"] == "two") & (table["image_id"] > 0), "psnr_db"] = 19.5
    made = bins(table)
    assert [row.cells[1].text for row in severity_table(made, ["one", "two"]).rows] == ["–", "−0.50", "−0.50", "−0.50"]


@pytest.mark.parametrize("severities_px", [[None] * 8, [5.0] * 8, [1.0, 2.0, 3.0]])
def test_without_enough_severities_there_are_no_bins(severities_px: list[float | None]) -> None:
    """Unknown severities, one severity for all pictures, or three pictures are nothing to sort by."""
    assert bins(images(severities_px)) == []


def test_without_psnr_there_are_no_bins() -> None:
    """A run without sharp pictures has no gain to show."""
    assert bins(images([1.0, 2.0, 3.0, 4.0], blurred=None, one=None, two=None)) == []


def test_many_equal_severities_leave_no_empty_bin() -> None:
    """Where most pictures have one severity, bins that would hold none are left out."""
    made = bins(images([5.0] * 20 + [6.0, 7.0, 8.0]))
    assert [each.pictures for each in made] == [23]
    made = bins(images([1.0, 2.0, *[5.0] * 20, 6.0]))
    assert sum(each.pictures for each in made) == 23
    assert all(each.pictures and each.means for each in made)


def test_the_table_has_bins_by_arms() -> None:
    """Each cell is the mean gain with its sign and its interval."""
    table = severity_table(bins(images([float(number) for number in range(8)])), ["one", "two"])
    assert [(column.text, column.note) for column in table.columns] == [("one", "dB"), ("two", "dB")]
    assert (table.rows[0].heading.text, table.rows[0].heading.note) == ("0.0 to 1.8 px", "2 pictures")
    assert table.rows[0].cells[0] == Cell("+1.00", "[+1.00,\xa0+1.00]", "PSNR of one minus blurred, over 2 pictures")


def test_a_plot_shows_as_many_pictures_as_it_can() -> None:
    """Of thousands of pictures 250 are drawn, evenly by severity, the extremes among them; the means are over all."""
    table = images([float(number) for number in np.random.default_rng(0).permutation(5000)])
    severity_px, psnr_db = gains(table)["one"].thinned()
    assert (len(severity_px), len(psnr_db)) == (250, 250)
    assert severity_px == sorted(severity_px)
    assert (severity_px[0], severity_px[-1]) == (0.0, 4999.0)
    assert [each.means["one"][1].n for each in bins(table)] == [1250] * 4


def analysis(write: Callable[..., Path], pictures: Sequence[int]) -> Mapping[str, ArmAnalysis]:
    """Of two arms: mAP .3 [.2, .4] in bins of 10 px that hold so many pictures, and recall with three objects each."""
    path = write(maps={"blurred": 0.2, "wiener": 0.3}) / "analysis.json"
    records = json.loads(path.read_text())
    for record in records.values():
        record["blur"] = [
            {"from_px": 10 * place, "to_px": 10 * place + 10, "pictures": count, "map": number(count)}
            for place, count in enumerate(pictures)
        ]
        record["relative_blur"] = [
            {
                "from_ratio": place / 8,
                "to_ratio": None,
                "objects": 3 * count,
                "pictures": count,
                "recall": number(count),
            }
            for place, count in enumerate(pictures)
        ]
    return analysis_from_json(records, records, "analysis.json")


def number(pictures: int) -> dict[str, Any]:
    """An estimate over so many pictures, undefined over none."""
    value, low, high = (0.3, 0.2, 0.4) if pictures else (None, None, None)
    return {"value": value, "n": pictures, "low": low, "high": high}


def test_response_says_how_much_each_bin_holds(write: Callable[..., Path]) -> None:
    """Empty bins at the ends are left out, one in between has dashes; below five pictures no interval is given."""
    found = analysis(write, [0, 12, 0, 4, 0])
    table = response_table(map_by_blur(found), METRICS["map"])
    assert [(row.heading.text, row.heading.note) for row in table.rows] == [
        ("10–20 px", "12 pictures"),
        ("20–30 px", "0 pictures"),
        ("30–40 px", "4 pictures"),
    ]
    assert [(row.cells[1].text, row.cells[1].interval) for row in table.rows] == [
        (".300", "[.200,\xa0.400]"),
        ("–", ""),
        (".300", ""),
    ]
    table = response_table(recall_by_relative_blur(found), METRICS["recall"])
    assert (table.rows[0].heading.text, table.rows[0].heading.note) == ("≥ 12.5 %", "36 objects in 12 pictures")


def test_a_line_ends_at_an_empty_bin_and_few_pictures_have_no_bar(write: Callable[..., Path]) -> None:
    """Of bins with 12, 0, 5 and 4 pictures two have bars, the last has a hollow marker, and the line has a hole;
    the axis has the unit.
    """
    figure, bins = Figure(), map_by_blur(analysis(write, [12, 0, 5, 4]))
    response_plot(bins, {"blurred": pen(0), "wiener": pen(1)}, "blur", "mAP")(figure)
    (axis,) = figure.axes
    line, full, hollow = axis.lines[:3]
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    assert (len(np.asarray(full.get_xdata())), full.get_markerfacecolor()) == (2, full.get_color())
    assert hollow.get_markerfacecolor() == "none"
    assert np.asarray(hollow.get_ydata()).tolist()[-1] == pytest.approx(0.3)
    assert len(axis.collections) == 2 * 2
    assert [tick.get_text() for tick in axis.get_xticklabels()][::3] == ["< 10\n12", "30–40\n4"]


def test_names_of_bins_leave_room_for_each_other(write: Callable[..., Path]) -> None:
    """Five bins with the longest bounds and counts of ten thousands stand side by side in a plot of the page's size."""
    found = map_by_blur(analysis(write, [12, 3, 5, 4]))
    names = ("< 12.5 %", "12.5–25 %", "25–50 %", "50–100 %", "≥ 100 %")
    bins = [replace(found[0], name=name, pictures=35_000) for name in names]
    draw = response_plot(bins, {"blurred": pen(0), "wiener": pen(1)}, "blur", "mAP")
    with drawn(draw, HEIGHT_IN) as figure:
        FigureCanvasAgg(figure).draw()
        boxes = [tick.get_window_extent() for tick in figure.axes[0].get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_a_run_without_known_blur_has_no_response(write: Callable[..., Path]) -> None:
    """Neither by pixels nor by size."""
    found = analysis(write, [])
    assert map_by_blur(found) == recall_by_relative_blur(found) == []

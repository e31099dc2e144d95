import numpy as np
import pandas as pd
import pytest

from detbench.pages.parts import Cell
from detbench.report.changes import changes_of
from detbench.report.severity import Gain, SeverityBin, gains_of, severity_bins, severity_table

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

import numpy as np
import pandas as pd
import pytest

from detbench.report.changes import Change, change_shares, change_table, changes_of, groups_by_psnr, psnr_table


def images() -> pd.DataFrame:
    """Rows of `images.csv`: three pictures in two arms, out of order."""
    rows = [(3, "net", 1, 20.0), (1, "blurred", 2, 25.0), (2, "blurred", 2, 25.0), (3, "blurred", 2, None)]
    rows += [(1, "net", 5, 26.0), (2, "net", 2, 24.0)]
    return pd.DataFrame(rows, columns=["image_id", "arm", "tp", "psnr_db"])


def change(boxes: list[int], psnr_db: list[float]) -> Change:
    """A change by picture."""
    return Change(np.array(boxes), np.array(psnr_db, np.float64))


def test_a_change_is_the_deblurrers_minus_the_blurred_arms() -> None:
    """Pictures are paired by their ids; PSNR that is undefined on one side stays undefined."""
    net = changes_of(images(), ["net"])["net"]
    assert net.boxes.tolist() == [3, 0, -1]
    assert net.psnr_db[:2].tolist() == [1.0, -1.0]
    assert np.isnan(net.psnr_db[2])


def test_shares_add_up_and_keep_the_extremes() -> None:
    """Each arm's shares sum to one; what lies far out is counted at the end of the scale."""
    shares = change_shares({"net": change([0, 0, 1, 40], [0.0] * 4), "other": change([-1, 0, 0, 0], [0.0] * 4)})
    assert list(shares) == [-1, 0, 1, 2, 3, 4, 5, 6]
    assert (shares[0], shares[6], shares[-1]) == ([0.5, 0.75], [0.25, 0.0], [0.0, 0.25])


def test_the_table_counts_better_and_worse_pictures() -> None:
    """Harm stands beside gain, the largest of both too."""
    (row,) = change_table({"net": change([2, 0, 1, -3], [0.0] * 4)}).rows
    assert [cell.text for cell in row.cells] == ["50\xa0%", "25\xa0%", "25\xa0%", "2 boxes", "3 boxes"]


def test_groups_go_from_the_least_psnr_to_the_most() -> None:
    """Equal groups by change in PSNR, each with its mean change in boxes; pictures without a PSNR are left out."""
    made = change([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99], [*map(float, range(10)), np.nan])
    groups = groups_by_psnr(made)
    assert [group.psnr_db for group in groups] == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert [group.boxes.value for group in groups] == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert len(psnr_table({"net": made}).rows) == 5


@pytest.mark.parametrize(("boxes", "rho"), [([1, 2, 3, 9, 10], 1.0), ([5, 4, 3, 2, 1], -1.0), ([1, 1, 1, 1, 1], None)])
def test_rank_correlation(boxes: list[int], rho: float | None) -> None:
    """Spearman's ρ is 1 for whatever rises together, −1 for what falls, and undefined where nothing changes."""
    assert change(boxes, [0.1, 0.2, 0.3, 0.4, 0.5]).rho == (None if rho is None else pytest.approx(rho))


def test_a_plot_shows_as_many_pictures_as_it_can() -> None:
    """Of many pictures some are drawn, evenly by PSNR, the extremes among them."""
    psnr_db, boxes = change(list(range(5000)), [float(number) for number in range(5000)]).thinned()
    assert len(psnr_db) == 250
    assert (psnr_db[0], psnr_db[-1], boxes[-1]) == (0.0, 4999.0, 4999)

from collections.abc import Callable
from pathlib import Path

from detbench.pages.parts import Table
from detbench.report.comparison import comparison_of

Write = Callable[..., Path]


def cells(table: Table) -> dict[str, list[str]]:
    """The texts of each row."""
    return {row.heading.text: [cell.text for cell in row.cells] for row in table.rows}


def test_the_leaderboard_goes_by_the_gap_recovered(write: Write, tmp_path: Path) -> None:
    """The mean over the grounds decides; a ground where a deblurrer did not run is left blank."""
    one = write("one", maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "nah": 0.22})
    other = write("other", maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.38}, fingerprint="f" * 64, dataset="coco")
    view = comparison_of([one, other], tmp_path / "all.html")
    assert cells(view.leaderboard) == {
        "1. wiener": ["70\xa0%", "50\xa0%", "90\xa0%"],
        "2. nah": ["10\xa0%", "10\xa0%", ""],
    }
    assert view.headline == "wiener leads; wiener recovers 70\xa0% of the mAP that blur costs, the mean over 2 settings"
    assert [ground.title for ground in view.grounds] == ["streets · blobs", "coco · blobs"]


def test_the_leaderboard_marks_judges_that_trained(write: Write, tmp_path: Path) -> None:
    """A share that was judged by a detector of the training has a mark where it stands, and the headline says so."""
    maps = {"sharp": 0.4, "blurred": 0.2, "nafnet": 0.3}
    one = write("one", maps=maps, trained=["nafnet"])
    other = write("other", maps=maps, fingerprint="f" * 64, dataset="coco")
    view = comparison_of([one, other], tmp_path / "all.html")
    assert cells(view.leaderboard) == {"1. nafnet": ["50\xa0%", "50\xa0% †", "50\xa0%"]}
    assert view.headline.endswith("the mean over 2 settings; it was trained with the detector of 1 of them")
    assert [row.heading.text for ground in view.grounds for row in ground.table.rows][2::3] == ["nafnet †", "nafnet"]
    assert sum(warning.startswith("† nafnet: its training loss") for warning in view.warnings) == 1


def test_a_run_named_like_a_script_is_linked_as_a_folder(write: Write, tmp_path: Path) -> None:
    """The address of a run's own page is quoted, so that no name becomes a scheme, a query or a fragment."""
    folder = write("javascript:alert(1)#?", maps={"blurred": 0.2, "wiener": 0.3})
    (folder / "report.html").write_text("")
    view = comparison_of([folder, folder], tmp_path / "all.html")
    assert view.runs[0].report == "javascript%3Aalert%281%29%23%3F/report.html"


def test_runs_of_one_ground_share_its_table(write: Write, tmp_path: Path) -> None:
    """Sharp and blurred stand there once, each deblurrer with its run; those that find the same may be equal."""
    one = write("one", maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3})
    other = write("other", maps={"sharp": 0.4, "blurred": 0.2, "nah": 0.32})
    view = comparison_of([one, other], tmp_path / "all.html")
    (ground,) = view.grounds
    assert [(row.heading.text, row.heading.note) for row in ground.table.rows] == [
        ("sharp", ""),
        ("blurred", ""),
        ("wiener", "one"),
        ("nah", "other"),
    ]
    assert view.headline == (
        "No one leads: nah and wiener may be equal; nah recovers 60\xa0% of the mAP that blur costs"
    )
    assert not any(cell.best for row in (*ground.table.rows, *view.leaderboard.rows) for cell in row.cells)


def test_a_leader_over_settings_leads_in_each(write: Write, tmp_path: Path) -> None:
    """One setting where two may be equal is enough for no leader, and one where a gain may be chance for no share."""
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "nah": 0.22}
    one = write("one", maps=maps)
    other = write("other", maps=maps, fingerprint="f" * 64, dataset="coco", p_of={("nah", "wiener"): 0.2})
    view = comparison_of([one, other], tmp_path / "all.html")
    assert view.headline.startswith("No one leads: wiener and nah may be equal; wiener recovers 50")
    assert [[cell.best for cell in row.cells] for row in view.leaderboard.rows] == [[False, True, False], [False] * 3]
    few = write("few", maps=maps, fingerprint="c" * 64, dataset="few", images=6)
    headline = comparison_of([one, few], tmp_path / "all.html").headline
    assert headline.startswith("wiener leads; wiener: whether it helps")
    third = write("third", maps=maps, fingerprint="a" * 64, dataset="own", p_of={("wiener", "blurred"): 0.2})
    headline = comparison_of([one, third], tmp_path / "all.html").headline
    assert headline == "wiener leads; wiener: whether it helps is not known in 1 of 2 settings"

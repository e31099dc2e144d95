import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detbench.pages.parts import Table
from detbench.report.comparison import comparison_of

Write = Callable[..., Path]


def cells(table: Table) -> dict[str, list[str]]:
    """The texts of each row."""
    return {row.heading.text: [cell.text for cell in row.cells] for row in table.rows}


def test_settings_are_rows_and_deblurrers_columns(write: Write, tmp_path: Path) -> None:
    """Each cell is the gain over blurred; a setting where a deblurrer did not run is left blank there."""
    one = write("one", maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "nah": 0.22})
    other = write("other", maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.38}, fingerprint="f" * 64, dataset="coco")
    view = comparison_of([one, other], tmp_path / "all.html")
    assert [column.text for column in view.matrix.columns] == ["wiener", "nah"]
    assert cells(view.matrix) == {"streets · blobs": ["+.100", "+.020"], "coco · blobs": ["+.180", ""]}
    assert view.matrix.rows[0].heading.note == "12 pictures, trajectory blur, mAP .200 of .400"
    assert view.headline == "wiener leads on streets · blobs; wiener gains mAP on all 2 settings"
    assert [ground.title for ground in view.grounds] == ["streets · blobs", "coco · blobs"]


def test_the_matrix_marks_judges_that_trained(write: Write, tmp_path: Path) -> None:
    """A gain that was judged by a detector of the training has a mark where it stands, and a warning says why."""
    maps = {"sharp": 0.4, "blurred": 0.2, "nafnet": 0.3}
    one = write("one", maps=maps, trained=["nafnet"])
    other = write("other", maps=maps, fingerprint="f" * 64, dataset="coco")
    view = comparison_of([one, other], tmp_path / "all.html")
    assert cells(view.matrix) == {"streets · blobs": ["+.100 †"], "coco · blobs": ["+.100"]}
    assert [row.heading.text for ground in view.grounds for row in ground.table.rows][2::3] == ["nafnet †", "nafnet"]
    assert sum(warning.startswith("† nafnet: its training loss") for warning in view.warnings) == 1


def test_where_the_best_differs_no_order_is_claimed(write: Write, tmp_path: Path) -> None:
    """Headline and first warning say where which one is best, in place of a leader."""
    one = write("one", maps={"blurred": 0.2, "wiener": 0.3, "nah": 0.22})
    other = write("other", maps={"blurred": 0.2, "wiener": 0.25, "nah": 0.32}, fingerprint="f" * 64, dataset="coco")
    view = comparison_of([one, other], tmp_path / "all.html")
    assert view.headline == (
        "Which deblurrer is best depends on the pictures: wiener on streets · blobs, nah on coco · blobs"
    )
    assert view.warnings[0].startswith("No order holds: wiener is ahead of nah on streets · blobs, and behind it on")


def test_one_name_for_two_deblurrers_is_noted(write: Write, tmp_path: Path) -> None:
    """A column of one name does not hide that its numbers are of different weights."""
    maps = {"blurred": 0.2, "wiener": 0.3}
    one, other = write("one", maps=maps), write("other", maps=maps, fingerprint="f" * 64, dataset="coco")
    assert not any("stands for" in warning for warning in comparison_of([one, other], tmp_path / "all.html").warnings)
    path = other / "result.json"
    result = json.loads(path.read_text())
    result["arms"][1]["backend"] = {"name": "wiener", "weights_sha256": "9"}
    path.write_text(json.dumps(result))
    warnings = comparison_of([one, other], tmp_path / "all.html").warnings
    assert any(warning.startswith("wiener stands for different backends or weights") for warning in warnings)


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
    assert not any(cell.best for row in (*ground.table.rows, *view.matrix.rows) for cell in row.cells)


def test_leaders_are_named_by_setting(write: Write, tmp_path: Path) -> None:
    """A setting where two may be equal has no leader, one of few pictures neither, and a gain that may be chance is
    none.
    """
    maps = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "nah": 0.22}
    one = write("one", maps=maps)

    def headline(name: str, **settings: Any) -> str:
        other = write(name, maps=maps, fingerprint="f" * 64, dataset=name, **settings)
        return comparison_of([one, other], tmp_path / "all.html").headline

    assert headline("same") == "wiener leads on all 2 settings; wiener gains mAP on all 2 settings"
    assert headline("coco", p_of={("nah", "wiener"): 0.2}) == (
        "wiener leads on streets · blobs; no one leads on coco · blobs; wiener gains mAP on all 2 settings"
    )
    assert headline("few", images=6) == (
        "wiener leads on streets · blobs; no one leads on few · blobs; wiener gains mAP on streets · blobs and "
        "may change nothing on few · blobs"
    )
    assert headline("own", p_of={("wiener", "blurred"): 0.2}).endswith(
        "wiener gains mAP on streets · blobs and may change nothing on own · blobs"
    )

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from detbench.pages.parts import Table
from detbench.report.comparison import comparison_of
from detbench.report.pairing import pairs_of, read_run

Write = Callable[..., Path]
TRUE_BOX, OTHER_BOX = [5.0, 6.0, 20.0, 10.0], [40.0, 20.0, 10.0, 15.0]
NAMES = ("a.png", "b.png", "c.png")


def find(folder: Path, arm: str, *boxes: list[float]) -> Path:
    """Let an arm find just these boxes in every picture."""
    found = [{"image_id": number, "category_id": 1, "bbox": box, "score": 0.9} for number in (1, 2, 3) for box in boxes]
    (folder / "detections" / f"{arm}.json").write_text(json.dumps(found))
    return folder


def cells(table: Table) -> dict[str, list[str]]:
    """The texts of each row."""
    return {row.heading.text: [cell.text for cell in row.cells] for row in table.rows}


def test_deblurrers_of_two_runs_are_paired_picture_by_picture(write: Write) -> None:
    """One that finds both boxes is .5 above one that finds one of two, on every draw of the shared pictures."""
    one = find(write("one", maps={"blurred": 0.2, "wiener": 0.3}, file_names=NAMES), "wiener", TRUE_BOX, OTHER_BOX)
    other = find(write("other", maps={"blurred": 0.2, "nah": 0.3}, file_names=NAMES), "nah", TRUE_BOX)
    (pair,) = pairs_of([read_run(one), read_run(other)])
    assert (pair.run, pair.arm, pair.against_run, pair.against_arm) == ("one", "wiener", "other", "nah")
    difference = pair.difference
    assert (difference.value, difference.n) == (pytest.approx(1 - 51 / 101), 3)
    assert difference.low == difference.high == pytest.approx(difference.value)


def test_only_shared_pictures_are_paired(write: Write) -> None:
    """A run of fewer pictures is compared over those alone; other true boxes make other pictures."""
    one = write("one", maps={"blurred": 0.2, "wiener": 0.3}, file_names=NAMES)
    other = write("other", maps={"blurred": 0.2, "nah": 0.3}, file_names=NAMES[:2])
    truth = json.loads((other / "truth.json").read_text())
    truth["annotations"][0]["bbox"] = [0, 0, 1, 1]
    (other / "truth.json").write_text(json.dumps(truth))
    (pair,) = pairs_of([read_run(one), read_run(other)])
    assert pair.difference.n == 1


def test_the_same_arm_under_one_detector_is_no_pair(write: Write) -> None:
    """What two runs of one detector have in common is not held against itself."""
    runs = [read_run(write(name, maps={"blurred": 0.2, "wiener": 0.3})) for name in ("one", "other")]
    assert pairs_of(runs) == ()


def test_two_detectors_are_compared_arm_by_arm(write: Write) -> None:
    """Under two detectors the same arms are paired, the blurred one among them."""
    folders = [write(name, maps={"blurred": 0.2, "wiener": 0.3}) for name in ("one", "other")]
    result = json.loads((folders[1] / "result.json").read_text())
    result["detector"]["name"] = "another"
    (folders[1] / "result.json").write_text(json.dumps(result))
    assert [(pair.arm, pair.against_arm) for pair in pairs_of([read_run(each) for each in folders])] == [
        ("blurred", "blurred"),
        ("wiener", "wiener"),
    ]


def test_the_leaderboard_goes_by_the_gap_recovered(write: Write, tmp_path: Path) -> None:
    """The mean over the grounds decides; a ground where a deblurrer did not run is left blank."""
    one = write("one", maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "nah": 0.22})
    other = write("other", maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.38}, fingerprint="f" * 64, dataset="coco")
    view = comparison_of([one, other], tmp_path / "all.html")
    assert cells(view.leaderboard) == {
        "1. wiener": ["70\xa0%", "50\xa0%", "90\xa0%"],
        "2. nah": ["10\xa0%", "10\xa0%", ""],
    }
    assert view.headline == "wiener leads: it recovers 70\xa0% of the mAP that blur costs, the mean over 2 settings"
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
    """Sharp and blurred stand there once, each deblurrer with its run; the verdict is the best one's."""
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
    assert view.headline == "nah recovers 60\xa0% of the mAP that blur costs"

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from detbench.errors import DataError
from detbench.report.summary import summary_of
from detbench.report.view import view_of

Write = Callable[..., Path]
MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377}


def test_the_view_tells_the_run(write: Write) -> None:
    """Verdict, facts and tables come from the folder alone."""
    view = view_of(write(maps=MAPS))
    assert view.run == "run"
    assert view.verdict.words == "wiener recovers 71\xa0% of the mAP that blur costs"
    assert dict(view.facts) == {
        "Dataset": "streets",
        "Size": "12 pictures, 24 true boxes",
        "Blur": "trajectory, median 6.0 px",
        "Detector": "blobs",
        "Truth": "the dataset's labels",
        "Device": "cpu",
    }
    assert [row.heading.text for row in view.main.rows] == ["sharp", "blurred", "wiener"]
    assert [row.heading.text for row in view.differences.rows] == ["wiener"]
    assert view.warnings == ()


def test_main_metrics_stand_apart_from_the_rest(write: Write) -> None:
    """The main table is short; the full one holds every metric, each with its definition."""
    view = view_of(write(maps=MAPS))
    assert [column.text for column in view.main.columns] == ["mAP", "PSNR", "Gap recovered"]
    everything = [row.heading.text for row in view.all_metrics.rows]
    assert everything == ["mAP", "mAP small", "PSNR", "Gap recovered", "Restoration p50"]
    assert [name for name, _ in view.definitions] == everything


def test_pseudo_truth_and_unknown_classes_are_warnings(write: Write) -> None:
    """What changes the meaning of the numbers is said before them."""
    pseudo, unmatched = view_of(write(maps=MAPS, truth="pseudo", unmatched=("tram", "bin"))).warnings
    assert "not labels" in pseudo
    assert "tram, bin" in unmatched


def test_oracles_are_named(write: Write) -> None:
    """A note says which deblurrers were told the kernel; without any there is no such note."""
    assert any(
        "kernel" in note and note.endswith(": wiener.") for note in view_of(write(maps=MAPS, told=["wiener"])).notes
    )
    assert not any("kernel" in note for note in view_of(write(name="blind", maps=MAPS)).notes)


def test_deblurrers_that_were_trained_with_the_judge_are_marked(write: Write) -> None:
    """Their rows have a mark in tables and summary, and a note says what it means; without any there is none."""
    folder = write(maps=MAPS, trained=["wiener"])
    view = view_of(folder)
    assert [row.heading.text for row in view.main.rows] == ["sharp", "blurred", "wiener †"]
    assert [row.heading.text for row in view.differences.rows] == ["wiener †"]
    said = "† wiener: its training loss contained the features of this detector. Judge it with another one too."
    assert said in view.notes
    summary = summary_of(view)
    assert "| wiener † |" in summary
    assert f"- {said}" in summary
    assert "†" not in summary_of(view_of(write(name="other", maps=MAPS)))


def test_how_many_kernels_were_found_is_said(write: Write) -> None:
    """A note says in how many pictures a deblurrer found a kernel and how good those are; without any there is none."""
    maps = {**MAPS, "blind": 0.35}
    (note,) = (note for note in view_of(write(maps=maps, finds=["blind"])).notes if "estimates the blur" in note)
    assert note.startswith("blind estimates the blur kernel itself, and found one in 1 of 2 pictures. Its similarity")
    assert " .750 " in note
    assert not any("estimates the blur" in note for note in view_of(write("other", maps=maps)).notes)


def test_a_damaged_kernel_column_is_one_error(write: Write) -> None:
    """A run whose deblurrer looked for kernels, and whose table has no word of them, is damaged."""
    folder = write(maps={**MAPS, "blind": 0.35}, finds=["blind"])
    table = folder / "images.csv"
    table.write_text(table.read_text().replace("found_light", "light"))
    with pytest.raises(DataError, match=r"images\.csv.*found_light"):
        view_of(folder)


def test_missing_intervals_are_said(write: Write) -> None:
    """A report without intervals says that nothing is claimed; one with them explains the brackets."""
    none = view_of(write(maps=MAPS, interval=None)).notes
    assert "No intervals and p-values were computed: any difference may be chance, so nothing is claimed." in none
    assert any("Brackets" in note for note in view_of(write("other", maps=MAPS, interval=0.01)).notes)


def test_several_deblurrers_have_a_leader_and_adjusted_p_values(write: Write) -> None:
    """The page and the summary say who leads and that p-values are adjusted; of one deblurrer neither is said."""
    several, one = view_of(write(maps={**MAPS, "net": 0.3})), view_of(write("one", maps=MAPS))
    assert (several.leader, one.leader) == ("wiener leads", "")
    assert [any("Holm" in note for note in view.notes) for view in (several, one)] == [True, False]
    summary = summary_of(several)
    assert "\nwiener leads.\n" in summary
    assert "p\xa0.001, adjusted\xa0.002" in summary


def test_more_tests_than_the_draws_can_show_are_said(write: Write) -> None:
    """Of three pairs over 50 draws, p = 1/51 becomes 3/51, which is above .05: a note says how many draws would do."""
    folder = write(maps={**MAPS, "net": 0.3, "other": 0.31})
    stated = json.loads((folder / "result.json").read_text())
    for draws, is_said in ((50, True), (100, False)):
        stated["specification"]["resamples"] = draws
        (folder / "result.json").write_text(json.dumps(stated))
        assert any(f"--resamples {10 * draws}" in note for note in view_of(folder).notes) is is_said


def test_a_metric_over_some_of_the_pictures_says_so(write: Write) -> None:
    """A mean that leaves pictures out names how many are in it, arm by arm."""
    assert (
        "PSNR is undefined on some of the 12 pictures; it is over 11 (blurred), 11 (wiener)."
        in view_of(write(maps=MAPS)).notes
    )


def test_a_run_without_sharp_pictures_has_no_ceiling(write: Write) -> None:
    """Without a sharp arm there are no ceiling and no sharp panel, and a note says why."""
    view = view_of(write(maps={"blurred": 0.262, "wiener": 0.377}))
    assert view.bars.ceiling is None
    assert [panel.title for panel in view.groups[0].first[0].panels] == ["blurred", "wiener"]
    assert any("no sharp pictures" in note for note in view.notes)


def test_provenance_names_everything_that_the_numbers_depend_on(write: Write) -> None:
    """Fingerprints, weights, versions and commit are there, nested ones under their full names."""
    sections = {title: dict(facts) for title, facts in view_of(write(maps=MAPS)).provenance}
    assert list(sections) == ["Data", "Specification", "Detector blobs", "Deblurrer wiener", "Environment"]
    assert sections["Data"]["dataset fingerprint"] == "d" * 64
    assert sections["Data"]["detector's classes left out"] == "zebra"
    assert sections["Specification"]["blur.kind"] == "trajectory"
    assert sections["Detector blobs"]["weights_sha256"] == "none"
    assert sections["Environment"]["versions.numpy"] == "2.1"
    assert sections["Environment"]["dirty"] == "yes"


@pytest.mark.parametrize(
    "name", ["result.json", "truth.json", "images.csv", "analysis.json", "flips.csv", "detections/wiener.json"]
)
def test_a_missing_file_is_one_error_that_names_it(write: Write, name: str) -> None:
    """A folder that lacks a file gives a DataError with the file's path."""
    folder = write(maps=MAPS)
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        view_of(folder)


def test_a_missing_picture_is_one_error_that_names_it(write: Write) -> None:
    """A shown picture that is gone gives a DataError with its path."""
    folder = write(maps=MAPS)
    gone = sorted((folder / "pictures").iterdir())[0]
    gone.unlink()
    with pytest.raises(DataError, match=gone.name):
        view_of(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("truth.json", "{}"),
        ("analysis.json", '{"wiener": {}}'),
        ("analysis.json", "[]"),
        ("truth.json", '{"images": [], "categories": [], "annotations": []}'),
        ("detections/wiener.json", '[{"image_id": 1}]'),
        ("detections/wiener.json", '[{"image_id": 1, "category_id": 77, "bbox": [0, 0, 1, 1], "score": 0.5}]'),
        ("detections/wiener.json", '[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 50}]'),
        ("images.csv", "image_id,arm\n1,wiener\n"),
        ("images.csv", "{images}1,first.png,wiener,60,40,4.0,25.25,1.0,,1,1,1,\n"),
    ],
)
def test_a_damaged_file_is_one_error_that_names_it(write: Write, name: str, content: str) -> None:
    """Whatever is missing or misshapen in a file, the DataError says which file it is."""
    folder = write(maps=MAPS)
    (folder / name).write_text(content.replace("{images}", (folder / "images.csv").read_text()))
    with pytest.raises(DataError, match=name):
        view_of(folder)


def test_a_picture_outside_the_folder_is_never_embedded(write: Write, tmp_path: Path) -> None:
    """A path in images.csv that leads elsewhere is an error, whatever lies there."""
    folder = write(maps=MAPS)
    picture = sorted((folder / "pictures").iterdir())[0]
    picture.rename(tmp_path / "secret.jpg")
    table = folder / "images.csv"
    table.write_text(table.read_text().replace(f"pictures/{picture.name}", "../secret.jpg"))
    with pytest.raises(DataError, match=r"images\.csv.*secret"):
        view_of(folder)


def test_a_kernel_outside_the_folder_is_never_embedded(write: Write) -> None:
    """The files of kernels are held to the same rule."""
    folder = write(maps={**MAPS, "blind": 0.35}, finds=["blind"])
    table = pd.read_csv(folder / "images.csv")
    table.loc[table["found_kernel"].notna(), "found_kernel"] = "../secret.jpg"
    table.to_csv(folder / "images.csv", index=False)
    with pytest.raises(DataError, match=r"images\.csv.*secret"):
        view_of(folder)


@pytest.mark.parametrize("kind", ["blurred", "deblurrer"])
def test_a_result_without_the_arms_to_compare_is_an_error(write: Write, kind: str) -> None:
    """There is nothing to report without a blurred arm and a deblurrer."""
    folder = write(maps=MAPS)
    result = json.loads((folder / "result.json").read_text())
    result["arms"] = [arm for arm in result["arms"] if arm["kind"] != kind]
    (folder / "result.json").write_text(json.dumps(result))
    with pytest.raises(DataError, match=f"no {kind} arm"):
        view_of(folder)


def test_every_filter_offers_what_is_there(write: Write) -> None:
    """Deblurrers, classes and sizes of the boxes that are drawn, and the bins of blur that have pictures."""
    choices = view_of(write(maps=MAPS)).choices
    assert (choices.arms, choices.classes, choices.sizes) == (("wiener",), ("car", "person"), ("small",))
    assert choices.blurs == (("0 to 8 px", "0-8.0"),)

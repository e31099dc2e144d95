import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from detbench.pages.parts import Exhibit
from detbench.pages.plot import CEILING, FLOOR
from detbench.report.plots import pens
from detbench.report.view import view_of
from detbench.results.schema import RunResult, result_from_json, result_to_json
from detbench.types import Estimate

Write = Callable[..., Path]
MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377, "nah": 0.3}


def test_a_run_without_operating_points_has_no_plot_of_them(write: Write) -> None:
    """A folder that was written before them reads as it did; a newer one has a curve per arm and a table."""
    folder, title = write(maps=MAPS), "Each arm at its own confidence"
    exhibit = exhibits(folder)[title]
    assert exhibit.table is not None
    assert [row.heading.text for row in exhibit.table.rows] == list(MAPS)
    analysis = json.loads((folder / "analysis.json").read_text())
    for record in analysis.values():
        del record["operating_point"]
    (folder / "analysis.json").write_text(json.dumps(analysis))
    assert title not in exhibits(folder)
    assert "At other confidences" in exhibits(folder)


def test_a_run_older_than_relative_blur_has_no_plot_of_it(write: Write) -> None:
    """Its other plots stay; a newer run says at which confidence and IoU recall is."""
    folder, title = write(maps=MAPS), "By blur beside the size of the object"
    assert "at confidence 0.25 and IoU 0.5" in exhibits(folder)[title].note
    analysis = json.loads((folder / "analysis.json").read_text())
    for record in analysis.values():
        del record["relative_blur"]
    (folder / "analysis.json").write_text(json.dumps(analysis))
    assert title not in exhibits(folder)
    assert "By severity of the blur" in exhibits(folder)


def with_times(folder: Path) -> Path:
    """The run with a restoration time and mAP by size."""
    result = result_from_json(json.loads((folder / "result.json").read_text()), "result.json")
    more = {f"map_{size}": Estimate(0.2, 2, 0.1, 0.3) for size in ("small", "medium", "large")}
    times = {"wiener": {"restore_s_per_mpix": Estimate(0.2, 2)}, "nah": {"restore_s_per_mpix": Estimate(9.0, 2)}}
    arms = tuple(replace(arm, metrics={**arm.metrics, **more, **times.get(arm.name, {})}) for arm in result.arms)
    (folder / "result.json").write_text(json.dumps(result_to_json(replace(result, arms=arms))))
    return folder


def exhibits(folder: Path) -> dict[str, Exhibit]:
    """The view's exhibits, by title."""
    return {exhibit.title: exhibit for exhibit in view_of(folder).exhibits}


def test_every_question_has_its_plot_and_its_table(write: Write) -> None:
    """Each plot is one whole SVG element that says what it shows, has a key, and numbers behind it."""
    made = exhibits(with_times(write(maps=MAPS)))
    assert list(made) == [
        "Quality against restoration time",
        "By severity of the blur",
        "By blur beside the size of the object",
        "By size of the object",
        "By class",
        "What each kind of error costs",
        "Precision and recall",
        "At other confidences",
        "Each arm at its own confidence",
        "What happens to single pictures",
    ]
    for title, exhibit in made.items():
        root = ElementTree.fromstring(exhibit.plot)
        assert (root.tag, root.get("role"), title in str(root.get("aria-label"))) == ("svg", "img", True)
        assert exhibit.table is not None
        assert exhibit.table.rows
        assert exhibit.key


def test_gains_are_plotted_by_severity(write: Write) -> None:
    """With four severities there is a plot of PSNR gained, with each deblurrer's points, and a note for the oracle."""
    names = [f"{number}.png" for number in range(4)]
    folder = write(maps=MAPS, file_names=names, told=["wiener"])
    exhibit = exhibits(folder)["What deblurring brings by severity of blur"]
    assert [(entry.name, entry.note) for entry in exhibit.key] == [("wiener", "told the kernel"), ("nah", "")]
    assert exhibit.table is not None
    assert [row.heading.note for row in exhibit.table.rows] == ["1 picture"] * 4
    assert exhibit.plot.count("<use ") >= 2 * 4
    assert "severity of the blur, px" in exhibit.plot


def test_what_was_not_measured_is_not_plotted(write: Write) -> None:
    """Without restoration times and without boxes of any size there is no plot of them, and no hole."""
    assert not {"Quality against restoration time", "By size of the object"} & set(exhibits(write(maps=MAPS)))


def test_names_stand_at_their_places_in_the_plane_of_cost(write: Write) -> None:
    """The plot of quality against time names each deblurrer; its table has the time."""
    exhibit = exhibits(with_times(write(maps=MAPS)))["Quality against restoration time"]
    words = "".join(ElementTree.fromstring(exhibit.plot).itertext())
    assert "wiener" in words
    assert "nah" in words
    assert exhibit.table is not None
    assert [(column.text, column.note) for column in exhibit.table.columns] == [
        ("mAP gained", "↑"),
        ("Restoration p50", "ms ↓"),
        ("Restoration", "s/MP ↓"),
        ("Deblurrer alone", "pictures/s, p50, 60×40 px ↑"),
    ]
    assert [row.cells[-1].text for row in exhibit.table.rows] == ["80.0", "80.0"]


def test_the_key_of_the_plane_of_cost_says_what_a_device_needs(write: Write) -> None:
    """Beside each name: pictures a second with the detector, and memory; nothing where neither was measured."""
    folder = with_times(write(maps=MAPS))
    result = result_from_json(json.loads((folder / "result.json").read_text()), "result.json")
    more = {"fps_p50": Estimate(23.26, 2), "restore_peak_mib": Estimate(210.2, 1)}
    arms = tuple(replace(arm, metrics={**arm.metrics, **(more if arm.name == "wiener" else {})}) for arm in result.arms)
    (folder / "result.json").write_text(json.dumps(result_to_json(replace(result, arms=arms))))
    exhibit = exhibits(folder)["Quality against restoration time"]
    assert [(entry.name, entry.note) for entry in exhibit.key[:2]] == [
        ("wiener", "23.3 pictures/s with detector, 210 MiB of memory"),
        ("nah", ""),
    ]
    assert exhibit.table is not None
    heads = [(column.text, column.note) for column in exhibit.table.columns]
    assert {("With detector p50", "pictures/s ↑"), ("Memory", "MiB ↓")} <= set(heads)


def test_what_is_too_slow_is_grey(write: Write) -> None:
    """Beyond the budget a deblurrer's pen has no colour; the key explains the budget and the line of the best."""
    folder = with_times(write(maps=MAPS))
    exhibits_at = {budget: view_of(folder, budget=budget).exhibits[0] for budget in (None, 0.001)}
    colours = {budget: [entry.pen.variable for entry in each.key[:2]] for budget, each in exhibits_at.items()}
    assert colours == {None: ["var(--series-0)", "var(--series-1)"], 0.001: ["var(--plain)", "var(--plain)"]}
    assert [entry.name for entry in exhibits_at[0.001].key[2:]] == [
        "the best gain for the time, or less",
        "budget: 0.001 s per megapixel",
    ]


def test_pens_tell_floor_ceiling_and_deblurrers_apart(result: Callable[..., RunResult]) -> None:
    """The sharp and the blurred arm always look alike, deblurrers differ."""
    made = pens(result(maps=MAPS).arms)
    assert (made["sharp"], made["blurred"]) == (CEILING, FLOOR)
    assert made["wiener"] != made["nah"]

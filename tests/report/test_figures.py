from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

from detbench.core.boxes import xyxy_to_xywh
from detbench.metrics.columns import FoundColumns, true_columns
from detbench.metrics.matching import match
from detbench.pages.strips import Mark, Panel, Strip
from detbench.report.figures import grouped, strips
from detbench.report.shown import ShownArm, ShownBlur, ShownPicture
from detbench.report.view import ReportView, view_of
from detbench.types import Detections, GroundTruth

Write = Callable[..., Path]
MAPS = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3}


def shown(view: ReportView) -> list[Strip]:
    """All strips, in the order of the page."""
    return [strip for group in view.groups for strip in (*group.first, *group.rest)]


def truth(boxes: list[list[float]], crowd: bool = False) -> GroundTruth:
    """True boxes of class 1."""
    count = len(boxes)
    sides = np.array(boxes, np.float64).reshape(-1, 4)
    areas = (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])
    return GroundTruth(sides, np.ones(count, np.int64), np.full(count, crowd), areas, np.arange(1, count + 1))


def found(boxes: list[list[float]], score: float = 0.9) -> Detections:
    """Detections of class 1."""
    return Detections(np.array(boxes, np.float64).reshape(-1, 4), np.full(len(boxes), score), np.ones(len(boxes), int))


def partners(picture: GroundTruth, boxes: Detections) -> NDArray[np.int64]:
    """Which true box each found one took, all being of one class."""
    columns = zip(xyxy_to_xywh(picture.boxes).tolist(), picture.areas, picture.crowd, picture.ids, strict=True)
    annotations = [
        {"id": number, "image_id": 1, "category_id": 1, "bbox": box, "area": area, "iscrowd": crowd}
        for box, area, crowd, number in columns
    ]
    true = true_columns({"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": annotations})
    count = len(boxes.scores)
    zeros = np.zeros(count, np.int64)
    return match(true, FoundColumns(zeros, zeros, xyxy_to_xywh(boxes.boxes), boxes.scores)).partner


def strip_of(file: Path, picture: GroundTruth, **arms: Detections) -> Strip:
    """One picture of 600×400 in several arms, the first one being the blurred."""
    if not file.exists():
        PillowImage.new("RGB", (600, 400)).save(file)
    seen = tuple(ShownArm(name, file, 600, 400, None, boxes, partners(picture, boxes)) for name, boxes in arms.items())
    return strips([ShownPicture("p.png", None, picture, seen)], {1: "car"})[0]


def kinds(panel: Panel) -> list[tuple[str, float]]:
    """Kind and left edge of each mark that is drawn."""
    return [(mark.kind, mark.x) for mark in drawn(panel)]


def drawn(panel: Panel) -> list[Mark]:
    """The marks that are drawn at the stated confidence."""
    return [mark for mark in panel.marks if mark.kind is not None]


def test_a_strip_goes_from_blurred_to_sharp(write: Write) -> None:
    """Arms stand with the sharp one last, each with its counts and its PSNR where that is known."""
    strip = shown(view_of(write(maps=MAPS)))[0]
    assert (strip.title, strip.note, strip.severity_px) == ("second.png", "blur of 8.0 px", 8.0)
    assert [(panel.title, panel.role, panel.counts, panel.note) for panel in strip.panels] == [
        ("blurred", "before", {"found": 1, "false": 1, "missed": 1}, "PSNR 25.2 dB"),
        ("wiener", "after", {"found": 1, "false": 1, "missed": 1, "regained": 0, "lost": 0}, "PSNR 25.2 dB"),
        ("sharp", "goal", {"found": 1, "false": 1, "missed": 1}, ""),
    ]
    assert strip.panels[1].alt == "second.png, wiener: 1 found · 1 false · 1 missed · 0 regained · 0 lost"


def test_boxes_are_found_false_or_missed(write: Write) -> None:
    """A match is found, a sure detection without one is false, a true box that only an unsure one fits is missed."""
    panel = shown(view_of(write(maps=MAPS)))[0].panels[0]
    assert [(mark.kind, mark.name) for mark in drawn(panel)] == [
        ("found", "car 0.90"),
        ("false", "person 0.40"),
        ("missed", "car"),
    ]
    assert panel.marks[0] == Mark("found", 5.0, 6.0, 20.0, 10.0, "car 0.90", "car", "small", 0.9, 0)


def test_boxes_below_the_stated_confidence_are_there_undrawn(write: Write) -> None:
    """A page holds what it takes to draw boxes at another confidence: scores, and the true box that each one took."""
    panel = shown(view_of(write(maps=MAPS)))[0].panels[0]
    assert [(mark.kind, mark.name, mark.score, mark.truth) for mark in panel.marks] == [
        ("found", "car 0.90", 0.9, 0),
        (None, "car", None, 0),
        ("false", "person 0.40", 0.4, None),
        (None, "car 0.10", 0.1, 1),
        ("missed", "car", None, 1),
    ]


@pytest.mark.parametrize(
    ("score", "kept"), [(0.57, 0.57), (0.2499999, 0.249), (0.29, 0.29), (0.0519, 0.051), (1.0, 1.0)]
)
def test_scores_are_cut_and_never_rounded_up(tmp_path: Path, score: float, kept: float) -> None:
    """At each confidence in thousandths a kept score is drawn just where the whole one is."""
    box = [0.0, 0.0, 100.0, 100.0]
    (panel,) = strip_of(tmp_path / "p.png", truth([]), blurred=found([box], score)).panels
    assert [mark.score for mark in panel.marks] == [kept]


def test_what_is_below_the_least_confidence_is_left_out(tmp_path: Path) -> None:
    """A detector's many boxes of next to no confidence would double the page."""
    (panel,) = strip_of(tmp_path / "p.png", truth([]), blurred=found([[0.0, 0.0, 100.0, 100.0]], 0.0499)).panels
    assert (panel.marks, panel.labels) == ((), ())


def test_totals_are_sums_over_the_pictures_by_arm(write: Write) -> None:
    """Two pictures with one box found, one false and one missed each; only a deblurrer regains and loses."""
    sums = view_of(write(maps=MAPS)).totals
    assert list(sums) == ["blurred", "wiener", "sharp"]
    assert sums["blurred"] == {"found": 2, "false": 2, "missed": 2}
    assert sums["wiener"] == {"found": 2, "false": 2, "missed": 2, "regained": 0, "lost": 0}


def test_a_deblurrer_regains_and_loses(tmp_path: Path) -> None:
    """True boxes are regained or lost against the blurred arm; the sharp arm's are plainly found and missed."""
    left, middle, right = [0.0, 0.0, 50.0, 50.0], [100.0, 0.0, 150.0, 50.0], [300.0, 0.0, 500.0, 200.0]
    arms = {"blurred": found([left]), "net": found([middle, right]), "sharp": found([right])}
    before, after, goal = strip_of(tmp_path / "p.png", truth([left, middle, right]), **arms).panels
    assert kinds(before) == [("missed", 300.0), ("found", 0.0), ("missed", 100.0)]
    assert kinds(after) == [("regained", 300.0), ("regained", 100.0), ("lost", 0.0)]
    assert kinds(goal) == [("found", 300.0), ("missed", 0.0), ("missed", 100.0)]
    assert (before.change, after.change, goal.change) == (None, 1, None)
    assert (after.counts["regained"], after.counts["lost"]) == (2, 1)
    assert [mark.size for mark in drawn(after)] == ["large", "medium", "medium"]


def test_gains_and_losses_are_apart_and_largest_first(tmp_path: Path) -> None:
    """A picture counts by its largest change; losses are as prominent as gains, and only the rest is folded."""
    boxes = [[60.0 * place, 0.0, 60.0 * place + 50, 50.0] for place in range(6)]
    counts = [(3, 5), (3, 0), (3, 3), (3, 4), (3, 2), (0, 6), (0, 1), (0, 2)]
    made = [
        strip_of(tmp_path / "p.png", truth(boxes), blurred=found(boxes[:before]), net=found(boxes[:after]))
        for before, after in counts
    ]
    groups = grouped(made)
    assert [(group.title, [strip.change for strip in group.first]) for group in groups] == [
        ("Largest gains", [6, 2, 2]),
        ("Largest losses", [-3, -1]),
        ("As many found as before", [0]),
    ]
    assert [strip.change for strip in groups[0].rest] == [1, 1]


def test_crowd_regions_are_neither_found_nor_missed(tmp_path: Path) -> None:
    """A crowd region is not drawn, nor is what was found on it; the counts agree."""
    box = [[5.0, 6.0, 25.0, 16.0]]
    (panel,) = strip_of(tmp_path / "p.png", truth(box, crowd=True), blurred=found(box)).panels
    assert panel.marks == ()
    assert panel.counts == {"found": 0, "false": 0, "missed": 0}


def test_labels_never_cover_each_other(tmp_path: Path) -> None:
    """Of two boxes on one spot one is labelled; labels stay inside the picture."""
    boxes = [[500.0, 0.0, 600.0, 100.0], [502.0, 1.0, 600.0, 99.0], [5.0, 200.0, 100.0, 300.0]]
    (panel,) = strip_of(tmp_path / "p.png", truth([]), blurred=found(boxes)).panels
    assert [(label.mark.name, label.x < 300) for label in panel.labels] == [("car 0.90", False), ("car 0.90", True)]
    assert all(0 <= label.x <= 600 - label.width and label.y >= panel.label_height for label in panel.labels)


def test_the_surest_box_is_labelled_at_any_confidence(tmp_path: Path) -> None:
    """Of two boxes on one spot the surer has the label, though it is the smaller: so a cut leaves no box without."""
    boxes = Detections(
        np.array([[0.0, 100.0, 300.0, 300.0], [1.0, 101.0, 200.0, 200.0]]), np.array([0.1, 0.6]), np.ones(2, int)
    )
    (panel,) = strip_of(tmp_path / "p.png", truth([]), blurred=boxes).panels
    assert [label.mark.name for label in panel.labels] == ["car 0.60"]


def test_found_kernels_stand_beside_the_true_ones(write: Write) -> None:
    """An arm that looks for the kernel shows both kernels and their similarity; where it found none, the true one and
    why the picture is as it was. Other arms show no kernels.
    """
    without, found = shown(view_of(write(maps={**MAPS, "blind": 0.35}, finds=("blind",))))
    panels = {strip.title: {panel.title: panel for panel in strip.panels} for strip in (without, found)}
    blind = panels["first.png"]["blind"]
    assert [inset.caption for inset in blind.insets] == ["true kernel", "kernel that blind found"]
    assert [inset.alt for inset in blind.insets] == ["first.png: true kernel", "first.png: kernel that blind found"]
    assert len({inset.picture for inset in blind.insets}) == 2
    assert blind.insets_note == "similarity .750"
    none = panels["second.png"]["blind"]
    assert [inset.caption for inset in none.insets] == ["true kernel"]
    assert none.insets_note == "left as it is: no kernel explains it"
    assert all(not panels["first.png"][arm].insets and not panels["first.png"][arm].insets_note for arm in MAPS)


def test_without_a_true_kernel_only_the_found_one_is_shown(write: Write) -> None:
    """Where nobody knows the true kernel there is nothing to be similar to, and nothing is said of it."""
    folder = write(maps={**MAPS, "blind": 0.35}, finds=("blind",))
    table = pd.read_csv(folder / "images.csv").assign(true_kernel=None, kernel_similarity=None)
    table.to_csv(folder / "images.csv", index=False)
    none, found = (panel for strip in shown(view_of(folder)) for panel in strip.panels if panel.title == "blind")
    assert ([inset.caption for inset in found.insets], found.insets_note) == (["kernel that blind found"], "")
    assert (none.insets, none.insets_note) == ((), "left as it is: no kernel explains it")


def test_a_grid_of_kernels_has_room(tmp_path: Path) -> None:
    """Several kernels in one picture are shown wider than a single one, and are called so."""
    PillowImage.new("RGB", (600, 400)).save(tmp_path / "p.png")
    blur = ShownBlur(12, tmp_path / "p.png", tmp_path / "p.png", None)
    arm = ShownArm("blurred", tmp_path / "p.png", 600, 400, None, found([]), np.empty(0, np.int64), blur)
    (strip,) = strips([ShownPicture("p.png", None, truth([]), (arm,))], {1: "car"})
    assert [(inset.caption, inset.is_wide) for inset in strip.panels[0].insets] == [
        ("true kernel", False),
        ("kernels that blurred found", True),
    ]


def test_full_pictures_are_linked_where_they_lie_beside_the_page(write: Write) -> None:
    """A page in the run's folder names the picture's file, relative to itself; a page elsewhere names none."""
    folder = write(maps=MAPS)
    beside, elsewhere = (shown(view_of(folder, is_beside=is_beside))[0].panels[0] for is_beside in (True, False))
    assert beside.file is not None
    assert (folder / beside.file).is_file()
    assert elsewhere.file is None

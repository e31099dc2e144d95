from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image as PillowImage

from detbench.report.figure_nine import best_deblurrer, figure_nine
from detbench.report.shown import ShownArm, ShownPicture
from detbench.results.schema import RunResult
from detbench.types import Detections, GroundTruth

MAPS = {"sharp": 0.6, "blurred": 0.2, "poor": 0.25, "good": 0.4, "oracle": 0.5}
BOXES = np.array([[10.0, 10, 30, 30], [20, 40, 60, 80], [340, 240, 380, 280], [350, 250, 390, 290]])
"""Two in the upper left of a picture of 400×300, two in its lower right."""

Result = Callable[..., RunResult]


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., ShownPicture]:
    """Makes a picture from the true boxes that each arm finds, and nothing else; its file is half as large."""
    file = tmp_path / "picture.png"
    PillowImage.new("RGB", (200, 150)).save(file)

    def make(**finds: list[int]) -> ShownPicture:
        arms = tuple(
            ShownArm(
                name,
                file,
                400,
                300,
                None,
                Detections(BOXES[some], np.full(len(some), 0.9), np.ones(len(some), int)),
                np.array(some, np.int64),
            )
            for name, some in finds.items()
        )
        areas = np.prod(BOXES[:, 2:] - BOXES[:, :2], axis=1)
        truth = GroundTruth(BOXES, np.ones(4, np.int64), np.zeros(4, np.bool_), areas, np.arange(4))
        return ShownPicture("p.png", None, truth, arms)

    return make


def drawn(result: RunResult, pictures: list[ShownPicture]) -> Figure:
    """The figure of these pictures."""
    nine = figure_nine(result, pictures, {1: "car"})
    assert nine is not None
    draw, height_in = nine
    figure = Figure(figsize=(5, height_in))
    draw(figure)
    return figure


def words(figure: Figure) -> list[str]:
    """Titles and captions."""
    titles = [axis.get_title() for axis in figure.axes]
    return [*filter(None, titles), *(text.get_text() for axis in figure.axes for text in axis.texts)]


def test_the_best_is_a_deblurrer_that_is_not_told_the_kernel(result: Result) -> None:
    """The highest mAP among them; one that is told stands there only where all are."""
    assert best_deblurrer(result(maps=MAPS, told=["oracle"])) == "good"
    assert best_deblurrer(result(maps=MAPS)) == "oracle"
    assert best_deblurrer(result(maps={"blurred": 0.2, "oracle": 0.5}, told=["oracle"])) == "oracle"
    assert best_deblurrer(result(maps={"blurred": 0.2})) is None


def test_the_part_with_most_change_is_shown(result: Result, picture: Callable[..., ShownPicture]) -> None:
    """Of 400×300 pixels the lower right 200×150, where two boxes are regained; those alone are counted, and no arm is
    called by its name.
    """
    shown = picture(blurred=[0, 1], poor=[], good=[0, 2, 3], sharp=[0, 1, 2])
    figure = drawn(result(maps={**MAPS, "oracle": None}), [shown])
    assert words(figure) == ["blurred", "restored", "sharp", "found 0 → 2 of 2, sharp 1"]
    assert [(axis.get_xlim(), axis.get_ylim()) for axis in figure.axes] == [((200, 400), (300, 150))] * 3
    (image,) = figure.axes[1].images
    assert image.get_array().shape == (75, 100, 3)
    assert len([patch for patch in figure.axes[1].patches if isinstance(patch, Rectangle)]) == 4


def test_three_pictures_with_the_largest_gains_are_shown(result: Result, picture: Callable[..., ShownPicture]) -> None:
    """In that order; without a sharp arm there are two columns."""
    gains = [picture(blurred=[0], good=some) for some in ([0], [0, 1, 2, 3], [], [0, 1])]
    figure = drawn(result(maps={"blurred": 0.2, "good": 0.4}), gains)
    assert len(figure.axes) == 6
    assert words(figure)[2:] == ["found 0 → 2 of 2", "found 1 → 2 of 2", "found 0 → 0 of 0"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["found", "regained", "false", "missed", "lost"]


def test_a_run_without_pictures_has_no_figure(result: Result) -> None:
    """Nor one without a deblurrer."""
    run = result(maps=MAPS)
    assert figure_nine(run, [], {}) is None
    assert figure_nine(replace(run, arms=run.arms[:2]), [], {}) is None

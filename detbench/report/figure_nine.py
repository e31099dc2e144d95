"""The DeblurGAN paper's figure 9 as one picture: blurred, restored and sharp, with the boxes found in each.

Kupyn et al., "DeblurGAN", CVPR 2018, figure 9. It shows the pictures where the best deblurrer gains most, so it is no
fair sample; the part of each that is shown is that with most boxes regained or lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from detbench.core.images import read_image
from detbench.pages.figure_files import page_colour
from detbench.pages.plot import INK, WIDTH_IN
from detbench.pages.strips import MarkKind
from detbench.report.figures import Finds, finds_in, marks_of
from detbench.report.plots import Draw
from detbench.report.shown import ShownArm, ShownPicture
from detbench.results.schema import RunResult
from detbench.types import GroundTruth

ROWS = 3
_PART = 0.5
"""Of a picture's width and height is shown."""
_KINDS: tuple[MarkKind, ...] = ("found", "regained", "false", "missed", "lost")
_DASHED = ("missed", "lost")
_TITLES = {"before": "blurred", "after": "restored", "goal": "sharp"}
_HEAD_IN, _FOOT_IN, _CAPTION_IN = 0.25, 0.35, 0.25


@dataclass(frozen=True)
class _Window:
    """A part of a picture, in its pixels."""

    left: float
    top: float
    width: float
    height: float

    def holds(self, centres_xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points (N, 2) lie in it."""
        first, last = (self.left, self.top), (self.left + self.width, self.top + self.height)
        inside = (centres_xy >= first) & (centres_xy <= last)
        return np.asarray(inside.all(axis=1))


@dataclass(frozen=True, eq=False)
class _Row:
    """A picture's arms from blurred to sharp, and the part of it that is shown."""

    truth: GroundTruth
    arms: tuple[Finds, ...]
    window: _Window

    @property
    def caption(self) -> str:
        """How many true boxes of the part are found: found 3 → 9 of 12, sharp 11."""
        inside = self.window.holds(_centres(self.truth)) & ~self.truth.crowd
        before, after, *sharp = (int((each.found & inside).sum()) for each in self.arms)
        beside = f", sharp {sharp[0]}" if sharp else ""
        return f"found {before} → {after} of {int(inside.sum())}{beside}"


def best_deblurrer(result: RunResult) -> str | None:
    """The deblurrer with the highest mAP, of those that are not told the kernel if there are any; None without one."""
    values = {
        arm.name: (not arm.told_kernel, arm.metrics["map"].value)
        for arm in result.arms
        if arm.kind == "deblurrer" and arm.metrics["map"].value is not None
    }
    return max(values, key=lambda name: values[name], default=None)


def figure_nine(
    result: RunResult, pictures: Sequence[ShownPicture], classes: Mapping[int, str]
) -> tuple[Draw, float] | None:
    """What draws the figure of a run's shown pictures, and its height in inches; None where no deblurrer has a number,
    or no picture is shown.
    """
    best = best_deblurrer(result)
    rows = [] if best is None else _rows(pictures, best)
    if not rows:
        return None
    arm = rows[0].arms[0].arm
    row_in = WIDTH_IN / len(rows[0].arms) * arm.height / arm.width + _CAPTION_IN
    height_in = _HEAD_IN + len(rows) * row_in + _FOOT_IN

    def draw(figure: Figure) -> None:
        axes = figure.subplots(len(rows), len(rows[0].arms), squeeze=False)
        figure.subplots_adjust(0, _FOOT_IN / height_in, 1, 1 - _HEAD_IN / height_in, 0.02, _CAPTION_IN / row_in)
        for line, row in zip(axes, rows, strict=True):
            for axis, finds in zip(line, row.arms, strict=True):
                _show(axis, row, finds, classes)
            line[0].text(0, -0.03, row.caption, transform=line[0].transAxes, va="top", color=INK)
        for axis, finds in zip(axes[0], rows[0].arms, strict=True):
            axis.set_title(_TITLES[finds.role], color=INK)
        figure.legend(handles=_key(), loc="lower center", ncols=len(_KINDS), frameon=False, fontsize=8)

    return draw, height_in


def _rows(pictures: Sequence[ShownPicture], best: str) -> list[_Row]:
    """The pictures with the largest gains."""
    found = []
    for picture in pictures:
        arms = tuple(each for each in finds_in(picture) if each.role != "after" or each.arm.name == best)
        found.append(_Row(picture.truth, arms, _window(picture.truth, arms)))
    return sorted(found, key=lambda row: -row.arms[1].change)[:ROWS]


def _window(truth: GroundTruth, arms: Sequence[Finds]) -> _Window:
    """The part around a true box, kept within the picture, that holds most of the boxes regained and lost."""
    width, height, after = arms[0].arm.width, arms[0].arm.height, arms[1]
    centres = _centres(truth)[after.found != after.found_before]
    windows = [_around(x, y, width, height) for x, y in centres.tolist()]
    middle = _around(width / 2, height / 2, width, height)
    return max(windows, key=lambda each: int(each.holds(centres).sum()), default=middle)


def _around(x: float, y: float, width: int, height: int) -> _Window:
    wide, tall = _PART * width, _PART * height
    return _Window(min(max(x - wide / 2, 0), width - wide), min(max(y - tall / 2, 0), height - tall), wide, tall)


def _centres(truth: GroundTruth) -> NDArray[np.float64]:
    """The middle of each true box, (M, 2)."""
    return np.asarray((truth.boxes[:, :2] + truth.boxes[:, 2:]) / 2)


def _show(axis: Axes, row: _Row, finds: Finds, classes: Mapping[int, str]) -> None:
    """The part of the picture, with its boxes."""
    window = row.window
    right, bottom = window.left + window.width, window.top + window.height
    axis.imshow(_cut(finds.arm, window), extent=(window.left, right, bottom, window.top))
    for mark in marks_of(row.truth, finds, classes):
        if mark.kind is not None:  # below the stated confidence, or a true box that was found
            axis.add_patch(Rectangle((mark.x, mark.y), mark.width, mark.height, fill=False, **_stroke(mark.kind)))
    axis.set(xlim=(window.left, right), ylim=(bottom, window.top))
    axis.set_axis_off()


def _cut(arm: ShownArm, window: _Window) -> NDArray[np.uint8]:
    """The pixels of the part; the file may be smaller than the picture that boxes refer to."""
    pixels = read_image(arm.file)
    scale = pixels.shape[0] / arm.height, pixels.shape[1] / arm.width
    top, left = round(window.top * scale[0]), round(window.left * scale[1])
    return pixels[top : top + round(window.height * scale[0]), left : left + round(window.width * scale[1])]


def _key() -> list[Line2D]:
    """How each kind of box is drawn."""
    return [Line2D([], [], label=kind, **_stroke(kind)) for kind in _KINDS]


def _stroke(kind: MarkKind) -> dict[str, Any]:
    return {
        "color": page_colour(kind),
        "linewidth": 1.8,
        "linestyle": (0, (3, 1.5)) if kind in _DASHED else "solid",
        "path_effects": [withStroke(linewidth=2.8, foreground="black", alpha=0.6)],
    }

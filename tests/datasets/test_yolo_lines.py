from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from detbench.datasets.yolo_lines import LabelLine, check_outlines
from detbench.errors import DataError

Row = Sequence[float]
RANDOM = np.random.default_rng(3)
BOXES = RANDOM.uniform((0.15, 0.15, 0.05, 0.05), (0.85, 0.85, 0.3, 0.3), (40, 4))
"""Centre and size, in shares of the picture."""


def lines(rows: Sequence[Row]) -> list[LabelLine]:
    """The rows as lines of a file."""
    return [LabelLine(Path("a.txt"), number, 0, tuple(row)) for number, row in enumerate(rows, start=1)]


def contour(corners: int) -> Callable[[Row], Row]:
    """Makes a round outline of a box, from any corner on."""

    def made(box: Row) -> Row:
        angles = RANDOM.uniform(0, 6) + 2 * np.pi * np.arange(corners) / corners
        points = [box[0] + box[2] / 2 * np.cos(angles), box[1] + box[3] / 2 * np.sin(angles)]
        return np.stack(points, axis=1).ravel().tolist()

    return made


def pose(points: int, size: int) -> Callable[[Row], Row]:
    """Makes a box with key points in it; with a size of 3, each is visible or not."""

    def made(box: Row) -> Row:
        places = np.array(box[:2]) + np.array(box[2:]) * RANDOM.uniform(-0.5, 0.5, (points, 2))
        visible = RANDOM.integers(0, 3, (points, 1))
        return [*box, *np.hstack([places * (visible > 0), visible] if size == 3 else [places]).ravel()]

    return made


def round_pose(points: int) -> Callable[[Row], Row]:
    """Makes a box with key points along its inner ellipse."""
    return lambda box: [*box, *contour(points)(box)]


def tracked(identity: float) -> Callable[[Row], Row]:
    """Makes a box with a confidence and a tracker's id."""
    return lambda box: [*box, RANDOM.uniform(0.3, 1), identity]


OUTLINES = {f"{corners} corners": contour(corners) for corners in (4, 6, 8, 20)}
OTHERS = {
    "1 key point": pose(1, 2),
    "2 key points": pose(2, 2),
    "12 key points": pose(12, 2),
    "2 key points with visibility": pose(2, 3),
    "24 key points with visibility": pose(24, 3),
    "4 key points round the box": round_pose(4),
    "16 key points round the box": round_pose(16),
    "id 0": tracked(0),
    "id 1": tracked(1),
    "a column like 0.25": tracked(0.25),
}


@pytest.mark.parametrize("kind", OUTLINES)
def test_outlines_of_one_count_are_outlines(kind: str) -> None:
    """Outlines whose corners are all as many are told from key points by where the corners are."""
    check_outlines(lines([OUTLINES[kind](box) for box in BOXES]))


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_box_and_more_is_no_outline(kind: str, count: int) -> None:
    """Key points and a tracker's columns are refused, be they few or many, also among some boxes and outlines."""
    rows = [OTHERS[kind](box) for box in BOXES[:count]]
    with pytest.raises(DataError, match=rf"a\.txt line 1 and {count - 1} others hold {len(rows[0]) + 1} numbers"):
        check_outlines(lines(rows))
    with pytest.raises(DataError, match="add `kpt_shape: "):
        check_outlines(lines([*rows, *BOXES, *([contour(9)(BOXES[0])] if count > 1 else [])]))


def test_outlines_of_many_counts_are_not_tried() -> None:
    """Key points always have one count: triangles among other outlines are triangles."""
    check_outlines(lines([contour(corners)(BOXES[0]) for corners in (3, 3, 4, 5, 9)]))


def test_the_mend_names_the_shape() -> None:
    """The message proposes the kpt_shape that the lines fit."""
    with pytest.raises(DataError, match=r"whole in most .* `kpt_shape: \[24, 3\]`"):
        check_outlines(lines([pose(24, 3)(box) for box in BOXES]))
    with pytest.raises(DataError, match=r"`kpt_shape: \[12, 2\]` to the YAML; of outlines, `kpt_shape: \[0, 0\]`"):
        check_outlines(lines([pose(12, 2)(box) for box in BOXES]))


def test_pixels_of_a_line() -> None:
    """A box is centre and size, an outline the box around it, in a picture that is not square."""
    box, outline = lines([(0.5, 0.5, 0.5, 0.2), (0.1, 0.2, 0.4, 0.3, 0.2, 0.9)])
    assert box.box_xywh(40, 20) == [10, 8, 20, 4]
    assert outline.box_xywh(40, 20) == [4, 4, 12, 14]

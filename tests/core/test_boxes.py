import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detbench.core.boxes import area, iou, xywh_to_xyxy, xyxy_to_xywh
from detbench.types import Boxes

NO_CROWD = np.array([False])


def boxes(*rows: tuple[float, float, float, float]) -> Boxes:
    """Rows as an array of boxes."""
    return np.array(rows, np.float64).reshape(-1, 4)


def test_formats_name_their_columns() -> None:
    """An asymmetric box: left 3, top 5, 10 wide and 2 high reaches from (3, 5) to (13, 7)."""
    assert xywh_to_xyxy(boxes((3, 5, 10, 2))).tolist() == [[3, 5, 13, 7]]
    assert xyxy_to_xywh(boxes((3, 5, 13, 7))).tolist() == [[3, 5, 10, 2]]


@given(st.lists(st.tuples(*[st.integers(-1000, 1000)] * 4), max_size=5))
def test_there_and_back(rows: list[tuple[int, int, int, int]]) -> None:
    """To corners and back is the same box, for any number of boxes and none."""
    xywh = boxes(*rows)
    np.testing.assert_array_equal(xyxy_to_xywh(xywh_to_xyxy(xywh)), xywh)


def test_area_is_width_times_height() -> None:
    """A box of 10 by 2 has 20 square pixels; one without width has none."""
    assert area(boxes((3, 5, 13, 7), (4, 4, 4, 9))).tolist() == [20, 0]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((10, 20, 30, 25), 1.0),
        ((10, 20, 20, 25), 0.5),
        ((15, 20, 35, 25), 15 / 25),
        ((10, 22, 30, 27), 3 / 7),
        ((30, 20, 40, 25), 0.0),
        ((50, 60, 70, 65), 0.0),
        ((12, 21, 12, 24), 0.0),
    ],
    ids=["same", "left half", "5 px right", "2 px down", "touching", "apart", "no width"],
)
def test_iou_known_answers(found: tuple[float, float, float, float], expected: float) -> None:
    """Overlaps of a 20 by 5 box, counted by hand."""
    assert iou(boxes(found), boxes((10, 20, 30, 25)), NO_CROWD)[0, 0] == pytest.approx(expected, abs=1e-15)


def test_iou_rows_are_found_and_columns_true() -> None:
    """Three found and two true boxes give shape (3, 2); none on either side gives an empty array."""
    found, true = boxes((0, 0, 2, 1), (0, 0, 1, 1), (9, 9, 10, 10)), boxes((0, 0, 2, 1), (1, 0, 2, 1))
    expected = [[1, 0.5], [0.5, 0], [0, 0]]
    np.testing.assert_allclose(iou(found, true, np.array([False, False])), expected)
    assert iou(boxes(), true, np.array([False, False])).shape == (0, 2)
    assert iou(found, boxes(), np.array([], bool)).shape == (3, 0)


def test_against_a_crowd_only_the_found_box_counts() -> None:
    """Against a crowd region the overlap is the share of the found box inside it, as COCO counts it."""
    found, true = boxes((0, 0, 4, 2)), boxes((2, 0, 100, 50), (2, 0, 100, 50))
    np.testing.assert_allclose(iou(found, true, np.array([True, False])), [[4 / 8, 4 / (8 + 4900 - 4)]])


def test_iou_equals_pycocotools() -> None:
    """Over random boxes and crowds, equal to COCO's own mask API."""
    mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    found, true = rng.uniform(1, 60, (30, 4)), rng.uniform(1, 60, (20, 4))
    crowd = rng.random(20) < 0.3
    reference = mask.iou(found, true, crowd.astype(np.uint8).tolist())
    np.testing.assert_allclose(iou(xywh_to_xyxy(found), xywh_to_xyxy(true), crowd), reference, atol=1e-12)

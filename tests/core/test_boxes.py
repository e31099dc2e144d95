import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detbench.core.boxes import area, xywh_to_xyxy, xyxy_to_xywh
from detbench.types import Boxes


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

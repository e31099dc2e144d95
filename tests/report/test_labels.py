import random
from itertools import combinations

import pytest

from detbench.report.labels import Box, place_labels

ROOM = (240.0, 170.0)


@pytest.mark.parametrize("count", [1, 5, 20, 60])
def test_no_name_covers_another_or_leaves_the_plot(count: int) -> None:
    """However many names there are, those that are written stand within the room and apart; some always are."""
    rng = random.Random(count)
    points = [(rng.uniform(0, ROOM[0]), rng.uniform(0, ROOM[1])) for _ in range(count)]
    boxes = place_labels(points, [(rng.uniform(20, 130), 14.0) for _ in points], ROOM)
    written = [box for box in boxes if box is not None]
    assert written
    assert all(box.is_within(*ROOM) for box in written)
    assert not [pair for pair in combinations(written, 2) if pair[0].overlaps(pair[1])]
    assert not [box for box in written for x, y in points if box.overlaps(Box(x - 4, y - 4, x + 4, y + 4))]


def test_a_lone_name_stands_beside_its_point() -> None:
    """To the right where there is room, else to the left; both without a line that joins them."""
    for x, is_right in ((20.0, True), (220.0, False)):
        (box,) = place_labels([(x, 80.0)], [(60.0, 14.0)], ROOM)
        assert box is not None
        assert box.is_beside(x, 80.0)
        assert (box.left > x) is is_right


def test_what_is_taken_stays_free() -> None:
    """A name that fits nowhere but on what is taken is left out."""
    assert place_labels([(30.0, 10.0)], [(60.0, 14.0)], (70.0, 40.0), [Box(0, 0, 70, 40)]) == [None]

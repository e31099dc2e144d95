import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask

from detbench.metrics.columns import overlaps, pairs_within

BOX = (10.0, 20.0, 20.0, 5.0)


def overlap(found: tuple[float, ...], true: tuple[float, ...], crowd: bool = False) -> float:
    """Of two boxes left, top, width, height."""
    return float(overlaps(np.array([found]), np.array([true]), np.array([crowd]))[0])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((10.0, 20.0, 20.0, 5.0), 1.0),
        ((10.0, 20.0, 10.0, 5.0), 0.5),
        ((15.0, 20.0, 20.0, 5.0), 15 / 25),
        ((10.0, 22.0, 20.0, 5.0), 3 / 7),
        ((30.0, 20.0, 10.0, 5.0), 0.0),
        ((50.0, 60.0, 20.0, 5.0), 0.0),
        ((12.0, 21.0, 0.0, 3.0), 0.0),
    ],
    ids=["same", "left half", "5 px right", "2 px down", "touching", "apart", "no width"],
)
def test_overlaps_have_known_answers(found: tuple[float, ...], expected: float) -> None:
    """IoU with a 20 by 5 box, counted by hand."""
    assert overlap(found, BOX) == pytest.approx(expected, abs=1e-15)


def test_against_a_crowd_only_the_found_box_counts() -> None:
    """Against a crowd region the overlap is the share of the found box inside it, as COCO counts it."""
    found, region = (0.0, 0.0, 4.0, 2.0), (2.0, 0.0, 98.0, 50.0)
    assert overlap(found, region, crowd=True) == 4 / 8
    assert overlap(found, region) == pytest.approx(4 / (8 + 4900 - 4))


def test_overlaps_are_pycocotools_own() -> None:
    """Over random boxes and crowds, equal to COCO's own mask API to the last bit."""
    rng = np.random.default_rng(0)
    found, true, crowd = rng.uniform(1, 60, (30, 4)), rng.uniform(1, 60, (20, 4)), rng.random(20) < 0.3
    mine, theirs = pairs_within(np.zeros(30, np.int64), np.zeros(20, np.int64))
    reference: NDArray[np.float64] = mask.iou(found, true, crowd.astype(np.uint8).tolist())
    np.testing.assert_array_equal(overlaps(found[mine], true[theirs], crowd[theirs]), reference[mine, theirs])

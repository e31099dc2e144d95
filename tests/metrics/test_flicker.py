import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.metrics.flicker import Motion, flicker_levels, motion_between
from tests.clips import STEP, frame_at


def brighter(frame: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """The frame with every value so many levels higher."""
    return np.asarray(frame.astype(np.int16) + levels, np.uint8)


def test_alternating_brightness_is_its_own_flicker() -> None:
    """±5 levels on a still picture of levels 22..205 flicker by 10; the picture itself by 0."""
    still = frame_at(0)
    motion = motion_between(still, still)
    assert flicker_levels(still, still, motion) == pytest.approx(0, abs=1e-3)
    assert flicker_levels(brighter(still, 5), brighter(still, -5), motion) == pytest.approx(10, abs=1e-3)


def test_what_moves_does_not_flicker() -> None:
    """Shapes that walk on change more than twice what is left of it once they are moved along."""
    before, after = frame_at(3), frame_at(4)
    plain = float(np.abs(after.astype(np.int16) - before).mean())
    left = flicker_levels(before, after, motion_between(before, after))
    assert STEP == 4
    assert plain > 2
    assert left is not None
    assert left < plain / 2
    bright = flicker_levels(brighter(before, 5), brighter(after, -5), motion_between(before, after))
    assert bright == pytest.approx(10, abs=1)


def test_nothing_in_sight_has_no_flicker() -> None:
    """Where every pixel was hidden there is nothing to compare."""
    frame = frame_at(0)
    assert flicker_levels(frame, frame, Motion(np.zeros((96, 128, 2), np.float32), np.zeros((96, 128), bool))) is None

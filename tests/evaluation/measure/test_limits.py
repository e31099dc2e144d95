"""Limits on foreign code: its time, and its memory by way of tiles."""

import contextlib
import signal
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from detbench.evaluation.measure.limits import SMALLEST_TILE_PIXELS, OutOfTime, smaller_tiles, time_limit


def test_what_takes_too_long_is_stopped() -> None:
    """A body that waits for longer than its limit is left by OutOfTime, even if it catches every Exception."""

    def stubborn() -> None:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(30)

    with pytest.raises(OutOfTime), time_limit(0.05):
        stubborn()


def test_what_is_in_time_is_left_alone() -> None:
    """After the body no alarm is pending, and the handler is the one from before."""
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(30):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_no_limit_outside_the_main_thread() -> None:
    """A thread, where no alarm arrives, works without a limit rather than not at all."""
    done: list[int] = []

    def work() -> None:
        with time_limit(0.01):
            time.sleep(0.05)
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]


def test_tiles_shrink_by_half_down_to_the_smallest() -> None:
    """From the picture's size or the deblurrer's limit, whichever is less; afterwards its limit is its own again."""
    deblurrer = SimpleNamespace(max_pixels=2_000_000)
    assert list(smaller_tiles(deblurrer, 900_000)) == [450_000, 225_000, 112_500]
    assert list(smaller_tiles(deblurrer, 9_000_000)) == [1_000_000, 500_000, 250_000, 125_000]
    assert list(smaller_tiles(deblurrer, 2 * SMALLEST_TILE_PIXELS - 1)) == []
    with closing(smaller_tiles(deblurrer, 900_000)) as sizes:
        assert next(sizes) == deblurrer.max_pixels == 450_000
    assert deblurrer.max_pixels == 2_000_000


def test_a_deblurrer_without_tiles_has_none() -> None:
    """A plain function is not given tiles."""
    assert list(smaller_tiles(lambda blurred: blurred, 900_000)) == []

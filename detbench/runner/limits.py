"""What foreign code may take for one picture: time, and memory by way of smaller tiles."""

import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 3600
"""How long a deblurrer or a detector may take for one picture where nobody says: longer than any that works."""

SMALLEST_TILE_PIXELS = 320 * 320
"""Smaller tiles would be made of little but their overlaps."""


class OutOfTime(BaseException):
    """Raised in the body of `time_limit`; no Exception, because the body may well catch every one."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body once it has taken so long.

    It reaches Python code and whatever waits; a library that computes in C is stopped once it returns. Outside the
    main thread, and on systems without alarms, there is no limit.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(*_: object) -> None:
    raise OutOfTime


def smaller_tiles(deblurrer: Any, pixels: int) -> Generator[int, None, None]:
    """Let a deblurrer that has tiles (`max_pixels`) take ever fewer pixels at once, half as many each time; gives how
    many. It has its own number again afterwards.
    """
    own = getattr(deblurrer, "max_pixels", 0)
    size = min(own, pixels) // 2
    try:
        while size >= SMALLEST_TILE_PIXELS:
            deblurrer.max_pixels = size
            yield size
            size //= 2
    finally:
        if own:
            deblurrer.max_pixels = own

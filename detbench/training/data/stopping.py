"""Ctrl-C during a training, or SIGTERM, as `timeout` sends it: the step in hand is finished and saved first."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """A function that returns whether SIGINT or SIGTERM has come since the block began.

    A second Ctrl-C does what it did before. The block is one of the main thread, as signals are.
    """
    requested = False
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def request(_number: int, _frame: FrameType | None) -> None:
        nonlocal requested
        requested = True
        _restore()

    def _restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        signal.signal(number, request)
    try:
        yield lambda: requested
    finally:
        _restore()

"""Whoever watches long work: functions that take how far it is."""

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Takes what is being done, how many steps are done of how many, and which one is next or what to say of it."""

    def __call__(self, what: str, done: int, count: int, now: str = "", /) -> None:
        """Show it."""


def unwatched(what: str, done: int, count: int, now: str = "", /) -> None:
    """Progress that nobody watches."""


Hears = Callable[[str], None]
"""Takes a line, or the name of what begins."""


def unheard(_line: str) -> None:
    """Nobody wants to know."""

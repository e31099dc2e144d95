"""A file that somebody publishes, and who watches while it is fetched."""

import contextlib
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A file at an address. `sha256` (hexadecimal) and `size_bytes` are None where nobody states them."""

    url: str
    sha256: str | None = None
    size_bytes: int | None = None

    @property
    def name(self) -> str:
        """Its file name, the last part of the address."""
        return urllib.parse.unquote(self.url.rpartition("/")[2])

    @property
    def facts(self) -> str:
        """Size and checksum, as far as they are known."""
        size = [] if self.size_bytes is None else [megabytes(self.size_bytes)]
        return ", ".join([*size, *([] if self.sha256 is None else [f"SHA-256 {self.sha256}"])])


Watch = Callable[[Published], AbstractContextManager[Callable[[int], None]]]
"""Is entered for each download; what it gives takes the number of bytes that are here."""


@contextlib.contextmanager
def _unwatched(_file: Published) -> Iterator[Callable[[int], None]]:
    yield lambda _bytes: None


fetch_watch: ContextVar[Watch] = ContextVar("fetch_watch", default=_unwatched)
"""Who watches downloads."""


@contextlib.contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """A body whose downloads are shown."""
    before = fetch_watch.set(watch)
    try:
        yield
    finally:
        fetch_watch.reset(before)


def megabytes(size_bytes: int) -> str:
    """A size for people."""
    return f"{size_bytes / 1e6:,.1f} MB"

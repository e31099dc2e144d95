"""What detbench prints: results to stdout, everything else to stderr, progress bars only in a terminal.

Output that cannot be written, to a full disk or to a reader that has gone, ends no command: what was measured is in
files. Characters that a terminal's encoding has not are written with those that it has.
"""

import codecs
import errno
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from detbench.core.published import Published, megabytes

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout and sys.stdout.isatty() else 240)
"""For results: tables and the one line that a script reads. A file has no width, so nothing is cut short for it."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
"""For progress, notes and errors."""

LINE_S = 5
"""Seconds between two lines of progress in a log, at least."""


class Steps(Protocol):
    """Shows that so many steps of `count` are done, and which one begins."""

    def __call__(self, what: str, done: int, count: int, now: str = "", /) -> None:
        """Show it."""


PLAIN = {"…": "...", "→": "->", "≥": ">=", "≤": "<="} | dict(zip("−–×·²†\xa0", "--x-2+ ", strict=True))
"""ASCII for what tables and messages hold besides it."""


MAX_CHARACTERS = 5000
"""Of one message. It may quote a file, and a file may hold a text of any length."""


class _LastingFile(FileIO):
    """A standard stream as bytes: what cannot be written is dropped, and the reason kept."""

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        if self.lost is None:
            try:
                return super().write(data)
            except OSError as error:
                self.lost = error
        return memoryview(data).nbytes


def open_streams() -> None:
    """Have stdout and stderr last to the end of the command, whatever becomes of what they lead to."""
    codecs.register_error("plain", _plain)
    sys.stdout = _lasting(sys.stdout, sys.__stdout__)
    sys.stderr = _lasting(sys.stderr, sys.__stderr__)


def stdout_loss() -> OSError | None:
    """Why something that was printed to stdout got lost, None where nothing did."""
    sys.stdout.flush()
    file = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return file.lost if isinstance(file, _LastingFile) else None


def note_stdout_loss() -> None:
    """Say why something got lost; a reader that closed its pipe has read what it wanted."""
    loss = stdout_loss()
    if loss is not None and loss.errno != errno.EPIPE:
        say_error(f"stdout cannot be written ({loss.strerror}), so what it holds is not whole; free its disk")


def _lasting(stream: TextIO | None, original: TextIO | None) -> TextIO:
    if stream is None:  # closed; the next file that is opened must not take its place
        return Path(os.devnull).open("w", encoding="utf-8")
    if stream is not original:  # somebody captures it
        return stream
    stream.flush()
    file = BufferedWriter(_LastingFile(stream.fileno(), "w", closefd=False))
    return TextIOWrapper(file, stream.encoding, "plain", line_buffering=bool(stream.line_buffering))


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(PLAIN.get(each, each.encode("ascii", "backslashreplace").decode()) for each in letters), error.end


def say_error(message: str) -> None:
    """Print one message, less the characters that a terminal would obey instead of showing."""
    shown = "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in message)
    cut = f"{shown[:MAX_CHARACTERS]} …" if len(shown) > MAX_CHARACTERS else shown
    err.print(f"detbench: {cut}", markup=False)


def note(message: str) -> None:
    """A remark that a user should see but need not act on."""
    err.print(message, markup=False)


def print_path(path: object) -> None:
    """A path alone on its line, unstyled: what a script reads."""
    sys.stdout.write(f"{path}\n")


def print_sentence(sentence: str) -> None:
    """A sentence of a result: on a terminal its lines end between words, in a file it is one line."""
    out.print(sentence, markup=False, soft_wrap=not out.is_terminal)


def print_table(columns: list[str], rows: list[list[str]], *, numbers: bool = False) -> None:
    """A small table; with `numbers`, all columns but the first are set flush right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, column in enumerate(columns):
        is_number = numbers and index > 0
        table.add_column(
            column, justify="right" if is_number else "left", no_wrap=numbers or not index, overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
    out.print()


class _Pace:
    """How fast the steps of one kind go: those that were done when it began count for nothing.

    Time left is known once a step of the same name comes again, so that each name was timed, and with steps that have
    no names from the first one on.
    """

    def __init__(self) -> None:
        self._begun, self._done, self._count = time.perf_counter(), 0, 0
        self._first: int | None = None
        self._names: set[str] = set()
        self._is_known = False

    def step(self, done: int, count: int, now: str) -> None:
        """So many of `count` steps are done, and `now` begins."""
        if self._first is None:
            self._first = done
        self._is_known |= now in self._names or (not now and done > self._first)
        self._names.add(now)
        self._done, self._count = done, count

    def text(self, each: str | None) -> str:
        """Seconds a step or steps a second, and the time left; empty before the first step is done."""
        done, seconds = self._done - (self._first or 0), time.perf_counter() - self._begun
        if done <= 0 or seconds <= 0:
            return ""
        rate = f"{seconds / done:.2f} s a {each}" if each else _rate(done, seconds)
        left = (self._count - self._done) * seconds / done
        return f"{rate}, {_duration(left)} left" if self._is_known and left else rate


def _rate(done: int, seconds: float) -> str:
    return f"{done / seconds:.1f}/s" if done >= seconds else f"{seconds / done:.1f} s each"


def _duration(seconds: float) -> str:
    """A time as minutes and seconds, or as hours and minutes: 0:07, 12:30, 3 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


class _Lines:
    """Progress as plain lines for a log: of each kind the first, the last, and between them one in LINE_S seconds."""

    def __init__(self, each: str | None) -> None:
        self._each = each
        self._paces: dict[str, _Pace] = {}
        self._said_at: dict[str, float] = {}

    def __call__(self, what: str, done: int, count: int, now: str = "", /) -> None:
        pace = self._paces.setdefault(what, _Pace())
        pace.step(done, count, now)
        is_due = time.perf_counter() - self._said_at.get(what, -math.inf) >= LINE_S
        is_last = done == count and not now  # what the cache holds is done before its arms have had their turn
        if is_due or is_last:
            self._said_at[what] = time.perf_counter()
            parts = (f"{what}: {done}/{count}", now, pace.text(self._each))
            err.print(", ".join(filter(None, parts)), markup=False)


class _Bars:
    """Progress as bars on a terminal."""

    def __init__(self, bars: Progress, each: str | None) -> None:
        self._bars, self._each = bars, each
        self._paces: dict[str, _Pace] = {}
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, count: int, now: str = "", /) -> None:
        pace = self._paces.setdefault(what, _Pace())
        pace.step(done, count, now)
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(escape(what), total=count, pace="", now="")
        self._bars.update(self._tasks[what], completed=done, total=count, pace=pace.text(self._each), now=escape(now))


@contextmanager
def progress_steps(
    each: str | None = None, *, quiet: bool = False, reached: dict[str, tuple[int, int]] | None = None
) -> Iterator[Steps]:
    """A function that takes (what, done, of how many, what is next): a bar on a terminal, plain lines elsewhere.

    With `each`, what a step does, such as "picture", the pace is in seconds a step. `quiet` shows nothing. `reached`
    gets, for each `what`, how many of how many were done last.
    """
    if quiet or not err.is_terminal:
        yield _noting(_nothing if quiet else _Lines(each), reached)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[now]}"),
    )
    with Progress(*columns, console=err, transient=True) as bars:
        yield _noting(_Bars(bars, each), reached)


@contextmanager
def show_fetching(file: Published) -> Iterator[Callable[[int], None]]:
    """A line that says what is fetched, from where and how large it is, and lines of how far it is."""
    whole = round((file.size_bytes or 0) / 1e6)
    note(f"Fetching {file.name} from {file.url}{f', {megabytes(file.size_bytes)}' if file.size_bytes else ''}.")
    lines = _Lines(None)

    def show(size_bytes: int) -> None:
        done = round(size_bytes / 1e6)
        if done < whole:
            lines(f"MB of {file.name}", done, whole)

    yield show


def _noting(show: Steps, reached: dict[str, tuple[int, int]] | None) -> Steps:
    def noted(what: str, done: int, count: int, now: str = "", /) -> None:
        if reached is not None:
            reached[what] = done, count
        show(what, done, count, now)

    return noted


def _nothing(_what: str, _done: int, _count: int, _now: str = "", /) -> None:
    """No progress is shown."""

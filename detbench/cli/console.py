"""What detbench prints: results to stdout, everything else to stderr, progress bars only in a terminal.

Output that cannot be written, to a full disk or to a reader that has gone, ends no command: what was measured is in
files. Characters that a terminal's encoding has not are written with those that it has.
"""

import codecs
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout and sys.stdout.isatty() else 240)
"""For results: tables and the one line that a script reads. A file has no width, so nothing is cut short for it."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
"""For progress, notes and errors."""

Steps = Callable[[str, int, int], None]

PLAIN = dict(zip("−–×·≥≤²", ("-", "-", "x", "-", ">=", "<=", "2"), strict=True)) | {"…": "..."}
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
        table.add_column(column, justify="right" if numbers and index else "left", no_wrap=numbers or not index)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
    out.print()


class _PaceColumn(ProgressColumn):
    """Seconds a step so far."""

    def __init__(self, each: str) -> None:
        super().__init__()
        self._each = each

    def render(self, task: Task) -> Text:
        return Text(_pace(int(task.completed), task.elapsed or 0, self._each))


@contextmanager
def progress_steps(each: str | None = None) -> Iterator[Steps]:
    """A function that takes (what, done, of how many): a bar on a terminal, a plain line every tenth elsewhere.

    With `each`, what a step does, such as "picture", the seconds that one takes are shown too.
    """
    if not err.is_terminal:
        yield _plain_lines(each)
        return
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *([_PaceColumn(each)] if each else []),
    ]
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=err, transient=True) as bars:
        tasks: dict[str, object] = {}

        def show(what: str, done: int, count: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=count)
            bars.update(tasks[what], completed=done, total=count)  # type: ignore[arg-type]

        yield show


def _plain_lines(each: str | None) -> Steps:
    shown: dict[str, int] = {}
    begun: dict[str, float] = {}

    def show(what: str, done: int, count: int) -> None:
        seconds = time.perf_counter() - begun.setdefault(what, time.perf_counter())
        tenth = 10 * done // max(count, 1)
        if shown.get(what) != tenth:
            shown[what] = tenth
            pace = _pace(done, seconds, each) if each else ""
            err.print(f"{what}: {done}/{count}{', ' if pace else ''}{pace}", markup=False)

    return show


def _pace(done: int, seconds: float, each: str) -> str:
    return f"{seconds / done:.2f} s a {each}" if done else ""

"""What detbench prints: results to stdout, everything else to stderr, progress bars only in a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240)
"""For results: tables and the one line that a script reads. A file has no width, so nothing is cut short for it."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
"""For progress, notes and errors."""

Steps = Callable[[str, int, int], None]


MAX_CHARACTERS = 5000
"""Of one message. It may quote a file, and a file may hold a text of any length."""


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

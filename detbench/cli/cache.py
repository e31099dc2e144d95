"""`detbench cache`: what finished work takes up, and how to be rid of it."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from detbench.cli.console import note, print_path, print_table
from detbench.cli.help import Command, Group
from detbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detbench.results.cache import Cache, KeptFile

UNITS_S = {"h": 3600, "d": 86400, "w": 7 * 86400}

cache = typer.Typer(
    cls=Group,
    help="Show or clear what finished work takes up on the disk.\n\nExample:\n    detbench cache info",
    no_args_is_help=True,
)


@cache.command("info", cls=Command)
def info() -> None:
    """Show the cache's folder, how many records and pictures lie there, their size, and from when they are.

    Example:
        detbench cache info
    """
    kept = _cache()
    files = list(kept.files())
    print_table(
        ["", "files", "size", "oldest", "newest"],
        [
            _row("records", [file for file in files if not file.is_picture]),
            _row("pictures", [file for file in files if file.is_picture]),
        ],
        numbers=True,
    )
    print_path(kept.folder)


@cache.command("clear", cls=Command)
def clear(
    older_than: Annotated[
        str | None, typer.Option(help="Only what was written longer ago than this: 12h, 30d or 8w.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without a question.")] = False,
) -> None:
    """Remove finished work; a run that needs it does it again. Fetched checkpoints stay.

    Without a terminal nothing is removed but with `--yes`.

    Example:
        detbench cache clear --older-than 30d
    """
    import time

    least_s = 0 if older_than is None else _seconds(older_than)
    kept = _cache()
    if not kept.folder.exists():
        note(f"{kept.folder} is not there, so there is nothing to remove.")
        return
    if not kept.is_marked():
        raise UsageError(
            f"{kept.folder} is not marked as a cache of detbench, so nothing in it is removed: it lacks the "
            "CACHEDIR.TAG that every `detbench run` leaves. Set DETBENCH_CACHE to the cache's folder"
        )
    now = time.time()
    files = [file for file in kept.files() if now - file.written_s >= least_s]
    what = f"{len(files):,} files, {_size(files)}, of {kept.folder}"
    if files and not yes:
        _ask(what)
    for file in files:
        file.path.unlink(missing_ok=True)
    note(f"Removed {what}.")


def _cache() -> "Cache":
    from detbench.core.paths import cache_folder
    from detbench.results.cache import Cache

    return Cache(cache_folder())


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"would remove {what}; say --yes where no terminal can be asked")
    if not typer.confirm(f"Remove {what}?", err=True):
        raise typer.Exit(1)


def _seconds(age: str) -> int:
    words = re.fullmatch(rf"([0-9]{{1,6}})([{''.join(UNITS_S)}])", age)
    if words is None:
        raise UsageError(f"--older-than takes a number with h, d or w, such as 30d, not {age!r}")
    return int(words[1]) * UNITS_S[words[2]]


def _row(what: str, files: "Sequence[KeptFile]") -> list[str]:
    from datetime import datetime

    written = [file.written_s for file in files]
    days = (
        [datetime.fromtimestamp(when).strftime("%Y-%m-%d %H:%M") for when in (min(written), max(written))]
        if written
        else ["", ""]
    )
    return [what, f"{len(files):,}", _size(files), *days]


def _size(files: "Sequence[KeptFile]") -> str:
    return f"{sum(file.size_bytes for file in files) / 1e6:,.1f} MB"

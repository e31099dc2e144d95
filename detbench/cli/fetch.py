"""`detbench fetch`: weights, checkpoints and datasets that do not ship, brought here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detbench.cli.console import note, print_path, print_table
from detbench.errors import UsageError

if TYPE_CHECKING:
    from detbench.core.fetchable import Fetchable


def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="What to fetch, as --list names it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All weights of detbench's own; datasets by name only.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show what there is: size, licence, and where it is.")] = False,
) -> None:
    """Fetch weights and datasets that do not ship, and print where they are.

    Everything is checked against its SHA-256; a download that ended early goes on from there. With DETBENCH_OFFLINE=1
    nothing is fetched, and the message says where to place the file by hand.

    Examples:
        detbench fetch nah
        detbench fetch --list
    """
    from detbench.core.fetchable import registry

    if listed:
        _print_list()
    wanted = [*(names or []), *(name for name, entry in registry().items() if every and entry.kind == "weights")]
    if not wanted and not listed:
        raise UsageError("name what to fetch, or give --all; `detbench fetch --list` shows what there is")
    for name in dict.fromkeys(wanted):
        _fetch(name)


def _fetch(name: str) -> None:
    from detbench.core.fetchable import fetch, find_fetchable, registry
    from detbench.plugins.checkpoint_files import find_checkpoint

    if name.endswith(".pt") and name not in registry():
        print_path(find_checkpoint(name))
        return
    entry = find_fetchable(name)
    place = fetch(entry)
    print_path(place)
    for command in entry.then:
        note(f"Then: {command.format(folder=place)}")


def _print_list() -> None:
    from detbench.core.fetchable import registry

    print_table(["name", "kind", "MB", "licence", "where it is"], list(map(_row, registry().values())))


def _row(entry: "Fetchable") -> list[str]:
    from detbench.core.fetchable import located

    size = "?" if entry.size_bytes is None else f"{entry.size_bytes / 1e6:,.1f}"
    place: Path | None = located(entry)
    where = str(place) if place else "to be fetched" if entry.files else "by hand"
    return [entry.name, entry.kind, size, entry.licence, where]

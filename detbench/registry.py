"""Lazy names: a table of built-ins and installed plug-ins, none of which is imported before it is used."""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any

from detbench.errors import BackendError, UsageError


@dataclass(frozen=True)
class Entry:
    """One thing that can be named on the command line, described without importing it.

    `target` is "module:attribute". `weights` names the folder in `models/` that it loads, `distributions` the
    installed packages whose version its results depend on, `options` the keyword arguments it is built with.
    """

    name: str
    target: str
    summary: str
    weights: str | None = None
    distributions: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the target; a class is built with `options`, a function is itself the backend.

        Raises BackendError, naming the entry, where the import fails for a reason of its own.
        """
        module, _, attribute = self.target.partition(":")
        try:
            loaded = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise BackendError(f"{self.name} ({self.target}) cannot be imported: {error}") from error
        return loaded(**self.options) if isinstance(loaded, type) else loaded


@dataclass(frozen=True)
class Registry:
    """The names of one kind of thing (`kind` in the singular): built-ins first, then entry points of `group`."""

    kind: str
    group: str
    built_in: tuple[Entry, ...]

    def entries(self) -> tuple[Entry, ...]:
        """Every entry; an installed plug-in never takes a built-in's name."""
        known = {entry.name for entry in self.built_in}
        outside = (_from_entry_point(point) for point in entry_points(group=self.group))
        return (*self.built_in, *(entry for entry in outside if entry.name not in known))

    def find(self, name: str) -> Entry:
        """The entry called `name`; raises UsageError with the nearest names otherwise."""
        entries = {entry.name: entry for entry in self.entries()}
        if name not in entries:
            raise UsageError(f"no {self.kind} named {name!r}.{did_you_mean(name, entries)} `detbench list` shows all")
        return entries[name]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint " Did you mean 'x'?" for a word that is nearly one of `known`, else nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _from_entry_point(point: Any) -> Entry:
    distribution = point.dist.name if point.dist else "?"
    return Entry(point.name, point.value, f"from the package {distribution}", distributions=(distribution,))

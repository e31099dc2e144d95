"""Lazy names: a table of built-ins and installed plug-ins, none of which is imported before it is used."""

import importlib
import inspect
import sys
import sysconfig
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from detbench.core.fingerprints import installed_version
from detbench.core.licences import NOT_STATED, stated_licence
from detbench.core.observed_reads import observed
from detbench.errors import BackendError, DetbenchError, UsageError, did_you_mean


@dataclass(frozen=True)
class Entry:
    """One thing that can be named on the command line, described without importing it.

    target              "module:attribute"
    weights             the folder in `models/` that it loads
    distributions       packages that must be installed; results depend on their versions, and on those of what the
                        code imports
    options             the keyword arguments that it is built with
    source, licence     where it is from
    extra               the extra of detbench that brings its packages
    instead             what a message says that cannot do without them: what else there is
    argument            what stands behind the colon of a kind that is named as `NAME:…`
    by_name             it has results for the pictures of a dataset, by their names, and none for other pictures
    estimates_kernels   a deblurrer that is a KernelEstimator
    settings            options that a user may set, as in `NAME:light=linear`, with the words that each takes, the
                        default first
    more_weights        folders in `models/` that it loads from besides `weights`
    """

    name: str
    target: str
    summary: str
    weights: str | None = None
    distributions: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = "detbench"
    licence: str = "MIT"
    extra: str | None = None
    instead: str = ""
    argument: str | None = None
    by_name: bool = False
    estimates_kernels: bool = False
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    more_weights: tuple[str, ...] = ()

    @property
    def network(self) -> str:
        """Its name for `detbench train`: a built-in that differs in its training alone is called NETWORK-TRAINING."""
        return self.name.partition("-")[0]

    def missing(self) -> tuple[str, ...]:
        """The packages that it needs and that are not installed."""
        return tuple(name for name in self.distributions if installed_version(name) is None)

    def check_installed(self) -> None:
        """Raise UsageError where a package is missing, with the command that brings it."""
        missing = self.missing()
        if missing:
            instead = f". {self.instead}" if self.instead else ""
            raise UsageError(f"{self.name} needs {', '.join(missing)}, which is not installed: {self.install}{instead}")

    @property
    def package(self) -> str:
        """The top-level module of its code."""
        return self.target.partition(":")[0].partition(".")[0]

    @property
    def is_foreign(self) -> bool:
        """Whether its code is not detbench's own, so that what it reads must be observed."""
        return self.package != "detbench"

    def observed(self) -> AbstractContextManager[None]:
        """A body in which what its code reads is noted; nothing is where all is known of it."""
        return observed(self.package) if self.is_foreign else nullcontext()

    @property
    def install(self) -> str:
        """The command that installs what may be missing."""
        return f"pip install 'detbench[{self.extra}]'" if self.extra else f"pip install {' '.join(self.distributions)}"

    def import_target(self) -> Any:
        """The object that `target` names, not yet built; raises BackendError, naming the entry, where there is none."""
        module, _, attribute = self.target.partition(":")
        try:
            with self.observed():
                return getattr(importlib.import_module(module), attribute)
        except Exception as error:  # the module may be of any package
            raise self.not_imported(error) from error

    def not_imported(self, error: Exception) -> BackendError:
        """The message for an import that failed, with the folders that were searched where its module was not found."""
        module = self.target.partition(":")[0]
        is_missing = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
        searched = f". Python searched {', '.join(_searched())}" if is_missing else ""
        return BackendError(f"{self.name} ({self.target}) cannot be imported: {_reason(error)}{searched}")

    def load(self) -> Any:
        """Import the target; a class is built with `options`, and a function is itself the backend, unless it takes no
        argument: then it is a factory, and what it returns is the backend.

        Raises BackendError, naming the entry, where the import or the building fails for a reason of its own.
        """
        loaded = self.import_target()
        try:
            with self.observed():
                if isinstance(loaded, type):
                    return loaded(**self.options)
                return loaded() if inspect.isfunction(loaded) and _takes_nothing(loaded) else loaded
        except DetbenchError:
            raise
        except Exception as error:
            raise BackendError(f"{self.name} ({self.target}) cannot be built: {_reason(error)}") from error


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


def _reason(error: Exception) -> str:
    """The message of what an import or a constructor raised, with its type where that is not clear from the message."""
    return str(error) if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: {error}"


def _searched() -> list[str]:
    """The folders that Python searches for modules of other people: all of its path but its own library."""
    own = Path(sysconfig.get_path("stdlib"))
    places = dict.fromkeys(Path(place).absolute() for place in sys.path)
    return [str(place) for place in places if place.is_dir() and place not in (own, own / "lib-dynload")]


def _takes_nothing(function: Callable[..., Any]) -> bool:
    """Whether a function is called without arguments: no parameter lacks a default."""
    parameters = inspect.signature(function).parameters.values()
    return all(p.default is not p.empty for p in parameters)


def _from_entry_point(point: Any) -> Entry:
    distribution = point.dist.name if point.dist else "?"
    return Entry(
        point.name,
        point.value,
        f"from the package {distribution}",
        distributions=(distribution,),
        source=distribution,
        licence=stated_licence(point.dist) if point.dist else NOT_STATED,
    )

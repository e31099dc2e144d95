"""What code from outside reads while it is imported, built and used, found by Python's audit hook.

A build system records the dependencies that a step turns out to have; so does this for backends whose files nobody
lists. All such code of a process shares one record: modules and what they hold in memory are shared too.
https://docs.python.org/3/library/audit_events.html
"""

import hashlib
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.machinery import all_suffixes
from importlib.metadata import packages_distributions
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

from detbench.core.fingerprints import file_sha256, installed_version
from detbench.errors import BackendError

Reads = Mapping[str, str | None]
"""Digests by what was read: `file:PATH` the SHA-256 of its bytes, `folder:PATH` that of the names in it, None where
there was none; `package:NAME` the version of an installed distribution.
"""

_Signature = tuple[int, int, int] | None

_CODE = (*all_suffixes(), ".pyd", ".dll")
_DETBENCH = str(Path(__file__).resolve().parents[1]) + os.sep
_SYSTEM = ("/proc/", "/sys/", "/dev/")
_PROGRAMS = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn",
)  # fmt: skip
_NETWORK = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "urllib.Request")


def _folders(*paths: str | None) -> tuple[str, ...]:
    """Folders as they are named and as links resolve them, each with the separator that ends a folder's name."""
    named = [Path(path) for path in paths if path]
    return tuple({f"{form}{os.sep}" for path in named for form in (path.absolute(), path.resolve())})


_LIBRARIES = _folders(
    sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages(), site.getusersitepackages()
)
_STANDARD = _folders(sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))


class _Observer:
    """The observer of this process; an audit hook cannot be taken away again, but does nothing between windows."""

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.seen: dict[str, _Signature] = {}
        self.libraries: set[str] = set()
        self.written: set[str] = set()
        self.pinned: dict[str, str | None] = {}
        self.doubtful: set[str] = set()
        self.outside: str | None = None
        self.depth = 0
        self._events: dict[str, Callable[[Any], None]] = {
            "open": self._opened,
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "sqlite3.connect": lambda arguments: self._read(arguments[0]),
            "import": lambda arguments: self._read(arguments[1]),
            "os.mkdir": lambda arguments: self._wrote(arguments[0]),
            "os.rename": lambda arguments: self._wrote(arguments[1]),
            **dict.fromkeys(_PROGRAMS, self._started),
            **dict.fromkeys(_NETWORK, self._connected),
        }
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: Any) -> None:
        if self.depth and (act := self._events.get(event)) is not None:
            act(arguments)

    def _opened(self, arguments: Any) -> None:
        path, _, flags = arguments
        writes, makes = (flags or 0) & (os.O_WRONLY | os.O_RDWR), (flags or 0) & (os.O_CREAT | os.O_TRUNC)
        if writes == os.O_WRONLY or (writes and makes):
            self._wrote(path)
        else:  # "r+" too, which NumPy opens arrays with: what is there may well be read
            self._read(path)

    def _read(self, path: Any) -> None:
        name = _absolute(path)
        if name is None:
            return
        if name.endswith(_CODE):
            self._code(name)
        elif not _by_a_library():
            self._note(f"file:{name}", name)

    def _listed(self, arguments: Any) -> None:
        name = _absolute(Path.cwd() if arguments[0] is None else arguments[0])
        if name is not None and not name.startswith(_LIBRARIES) and not _by_a_library():
            self._note(f"folder:{name}", name)

    def _code(self, name: str) -> None:
        """Code of installed libraries counts by their versions, Python's own and detbench's by other rules."""
        library = _below(name, _LIBRARIES)
        if library is not None and _top(library) not in self.own:
            self.libraries.add(_top(library))
        elif library is not None or not name.startswith((*_STANDARD, _DETBENCH)):
            source = _source(name)
            self._note(f"file:{source}", source)

    def _note(self, key: str, name: str) -> None:
        if not self.written.isdisjoint((name, *map(str, Path(name).parents))):
            return
        signature = _signature(name)
        if self.seen.setdefault(key, signature) != signature:
            self.doubtful.add(key)

    def _wrote(self, path: Any) -> None:
        name = _absolute(path)
        if name is not None:
            self.written.add(name)

    def _started(self, arguments: Any) -> None:
        if self.outside is None and not _by_a_library():
            self.outside = f"it starts other programs ({_shown(arguments)}), which may read anything"

    def _connected(self, arguments: Any) -> None:
        if self.outside is None and not _by_a_library():
            self.outside = f"it uses the network ({_shown(arguments)})"

    def pin(self) -> None:
        """Digest what was read since the last time; raises BackendError where a file changed meanwhile."""
        for key in self.seen.keys() - self.pinned.keys():
            self.pinned[key] = _digest(key)
            if _signature(key.partition(":")[2]) != self.seen[key]:
                self._refuse(key)
        for key in sorted(self.doubtful):
            if _digest(key) != self.pinned[key]:
                self._refuse(key)
        for top in self.libraries:
            self.pinned |= {f"package:{each}": installed_version(each) for each in _distributions().get(top, ())}
        self.doubtful.clear()
        self.libraries.clear()

    def _refuse(self, key: str) -> None:
        """A folder may fill while a run goes on; a file that changes makes its numbers of no one state."""
        kind, _, name = key.partition(":")
        if kind == "file":
            raise BackendError(f"{name} changed while this run read it. Run again with --fresh, and leave it as it is")


@cache
def _observer() -> _Observer:
    return _Observer()


@contextmanager
def observed(package: str) -> Iterator[None]:
    """Note what is read in the body, by whatever thread; `package` is the top-level module of the code that runs.

    Raises BackendError at the end where a file changed between two reads.
    """
    observer = _observer()
    observer.own.add(package)
    observer.depth += 1
    try:
        yield
    finally:
        observer.depth -= 1
    if not observer.depth:
        observer.pin()


def reads_so_far() -> Reads:
    """All that observed code has read in this process."""
    return dict(sorted(_observer().pinned.items()))


def unseen_so_far() -> str | None:
    """Why observed code of this process may depend on more than it read here: it used programs or the network."""
    return _observer().outside


def are_current(reads: Reads) -> bool:
    """Whether everything is still as it was read."""
    return all(_digest(key) == digest for key, digest in reads.items())


def _absolute(path: Any) -> str | None:
    """The path that an event names; None without one, for open descriptors, and for what the system makes up."""
    if not path or isinstance(path, int):
        return None
    try:
        name = str(Path(os.fsdecode(path)).absolute())
    except (TypeError, ValueError):
        return None
    return None if name.startswith(_SYSTEM) or "\0" in name else name


def _signature(name: str) -> _Signature:
    """What changes with a file's content, in all likelihood; None where there is no file."""
    try:
        status = Path(name).stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _digest(key: str) -> str | None:
    kind, _, name = key.partition(":")
    return installed_version(name) if kind == "package" else _content(kind, name, _signature(name))


@cache
def _content(kind: str, name: str, signature: _Signature) -> str | None:
    """The digest of a file's bytes or of a folder's names, once for each state of it."""
    if signature is None:
        return None
    try:
        if kind == "folder":
            names = "\n".join(sorted(item.name for item in Path(name).iterdir()))
            return hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()
        return file_sha256(Path(name))
    except OSError:
        return None


def _source(name: str) -> str:
    """The source of compiled bytecode, where there is one."""
    if not name.endswith(".pyc"):
        return name
    try:
        source = source_from_cache(name)
    except ValueError:
        return name
    return source if Path(source).exists() else name


def _below(name: str, folders: tuple[str, ...]) -> str | None:
    """The path below the first of the folders that holds it."""
    return next((name.removeprefix(folder) for folder in folders if name.startswith(folder)), None)


def _top(path: str) -> str:
    """The top-level module of a path below a folder of libraries."""
    return path.partition(os.sep)[0].partition(".")[0]


@cache
def _distributions() -> Mapping[str, list[str]]:
    return dict(packages_distributions())


def _by_a_library() -> bool:
    """Whether the event at hand is part of the import of a library, whose version stands for all that it does then.

    From the event outwards, what comes first decides: a frame of observed code, or one of the import system.
    """
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return True
        if not file.startswith((*_LIBRARIES, *_STANDARD, _DETBENCH, "<")) or _is_own(file):
            return False
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _is_own(file: str) -> bool:
    library = _below(file, _LIBRARIES)
    return library is not None and _top(library) in _observer().own


def _shown(arguments: Any) -> str:
    """The first thing that an event names, for a message."""
    first = next((each for each in arguments if isinstance(each, str | bytes | os.PathLike | tuple)), "")
    return str(first)[:80]

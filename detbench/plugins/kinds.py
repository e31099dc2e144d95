"""Backends that are named by kind and content: `KIND:WHAT`, such as `onnx:model.onnx` or `recorded:restored/`.

`NAME=KIND:WHAT` gives the arm a name of its own. What the word names is not imported here.
"""

import hashlib
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detbench.core.files import check_name, read_bytes
from detbench.core.fingerprints import file_sha256
from detbench.core.images import PICTURE_SUFFIXES, files_below
from detbench.errors import UsageError
from detbench.plugins.builtin import DEBLURRER_KINDS, DETECTOR_KINDS
from detbench.plugins.declared_files import declared, declared_sha256, digest_of, named_in, split_depends
from detbench.plugins.registry import Entry

RANGES = ("0..1", "-1..1", "0..255")
"""Values that a network may take and give for black and white."""

UNDECLARED_PROGRAM = "a program may read more files than its words name; depends=PATH in front names all that it reads"


@dataclass(frozen=True)
class Reference:
    """A backend by reference: the entry that builds it, and what its results depend on besides code and versions.

    `settings` (JSON-able) go into the identity; `entry.options` are what it is built with, paths and all.
    `is_declared` says that the user named with `depends=` what it reads, `is_observed` that files are found while it
    is used, `unknown` why it may depend on more than that.
    """

    entry: Entry
    weights_sha256: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_declared: bool = False
    is_observed: bool = False
    unknown: str | None = None


Resolver = Callable[[Entry, str, str], Reference]
"""From a kind's entry, what stands behind the colon, and the device."""


def deblurrer_reference(word: str, device: str) -> Reference | None:
    """The deblurrer that a word refers to, checked as far as that goes without importing it; None for other words.

    Raises UsageError where a file, a folder, a program or a setting is wrong.
    """
    return _resolved(word, DEBLURRER_KINDS, _DEBLURRERS, device)


def detector_reference(word: str, device: str) -> Reference | None:
    """The detector that a word refers to, as `deblurrer_reference` does."""
    return _resolved(word, DETECTOR_KINDS, _DETECTORS, device)


def _resolved(word: str, entries: Sequence[Entry], resolvers: Mapping[str, Resolver], device: str) -> Reference | None:
    kinds = {entry.name: entry for entry in entries}
    match = re.fullmatch(rf"(?:([\w.-]+)=)?({'|'.join(kinds)}):(.*)", word, re.DOTALL)
    if match is None:
        return None
    name, kind, what = match.groups()
    entry = kinds[kind]
    if not what:
        raise UsageError(f"{word!r} names nothing: write {kind}:{entry.argument}")
    entry.check_installed()
    reference = resolvers[kind](entry, what, device)
    return replace(reference, entry=replace(reference.entry, name=name)) if name else reference


def _named(entry: Entry, what: str, **options: Any) -> Entry:
    """The entry under a name made of its kind and of what it refers to, which also names files and columns."""
    plain = re.sub(r"[^\w.-]+", "_", what)
    return replace(entry, name=f"{entry.name}-{plain}", options=options)


def _recorded(entry: Entry, what: str, _device: str) -> Reference:
    place = Path(what)
    if not place.exists():
        raise UsageError(f"{entry.name}:{what}: no such file or folder")
    named = _named(entry, place.resolve().name if place.is_dir() else place.stem, place=place)
    files = list(files_below(place)) if place.is_dir() else [place]
    known = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES | {".json"}]
    for path in known:
        check_name(path)
    return Reference(named, weights_sha256=_digest(known, place if place.is_dir() else place.parent))


def _graph(entry: Entry, what: str, device: str) -> Reference:
    path, given = _settings(what, ("range", "multiple", "output"))
    file = _file(entry, path)
    settings = {**_own_settings(read_bytes(file)), **given}
    value_range, multiple = settings.get("range", RANGES[0]), settings.get("multiple", "32")
    if value_range not in RANGES:
        raise UsageError(f"{entry.name}: range is {value_range!r}, but must be one of {', '.join(RANGES)}")
    if not multiple.isdecimal() or int(multiple) < 1:
        raise UsageError(f"{entry.name}: multiple is {multiple!r}, but must be a whole number of pixels from 1 on")
    others: dict[str, Any] = {"output": settings["output"]} if "output" in settings else {}
    if settings.get("max_pixels", "").isdecimal():
        others["max_pixels"] = int(settings["max_pixels"])
    options = {"value_range": value_range, "multiple": int(multiple), "device": device, **others}
    return Reference(_named(entry, file.stem, file=file, **options), _graph_digest(file), settings=options)


def _yolo_onnx(entry: Entry, what: str, device: str) -> Reference:
    file = _file(entry, what)
    return Reference(
        _named(entry, file.stem, file=file, device=device), _graph_digest(file), settings={"device": device}
    )


def _torchvision(entry: Entry, what: str, device: str) -> Reference:
    model, settings = _settings(what, ("weights", "classes"))
    files = {key: _file(entry, path) for key, path in settings.items()}
    if "classes" in files and "weights" not in files:
        raise UsageError(f"{entry.name}: classes name what weights of your own find; add weights=FILE")
    named = _named(entry, model, model=model, device=device, **files)
    digest = _digest(list(files.values()), Path()) if files else None
    settings = {"model": model, "device": device}
    return Reference(replace(named, name=model), digest, settings, is_observed="weights" not in files)


def _python(entry: Entry, what: str, _device: str) -> Reference:
    target, paths = split_depends(what)
    module, colon, attribute = target.partition(":")
    if not (colon and re.fullmatch(r"\w+(\.\w+)*", module) and attribute.isidentifier()):
        raise UsageError(f"{entry.name}:{what}: write python:package.module:factory")
    here = str(Path.cwd())
    if here not in sys.path:  # as `python -m` would: a file in the working folder is a module
        sys.path.append(here)
    named = replace(_named(entry, attribute), target=target)
    return Reference(named, declared_sha256(entry.name, paths), is_declared=bool(paths))


def _command(entry: Entry, what: str, _device: str) -> Reference:
    try:
        words = shlex.split(what)
    except ValueError as error:
        raise UsageError(f"{entry.name}: {what!r} cannot be split into words ({error}); close every quote") from None
    limit, paths = dict[str, int](), list[str]()
    while words and (setting := re.fullmatch(r"(timeout|depends)=(.*)", words[0], re.DOTALL)):
        if setting[1] == "timeout":
            limit["seconds"] = _seconds(entry, setting[2])
        else:
            paths.append(setting[2])
        words.pop(0)
    for place in ("{input}", "{output}"):
        if not any(place in word for word in words[1:]):
            raise UsageError(f"{entry.name}: {what!r} lacks {place}; write command:'tool {{input}} {{output}}'")
    program = shutil.which(words[0])
    if program is None:
        raise UsageError(f"{entry.name}: no program {words[0]!r} here; install it or give its path")
    digest = digest_of([Path(program), *named_in(words[1:]), *declared(entry.name, paths)])
    named = _named(entry, Path(words[0]).stem, words=(program, *words[1:]), **limit)
    return Reference(
        named, digest, {"command": words}, is_declared=bool(paths), unknown=None if paths else UNDECLARED_PROGRAM
    )


def _seconds(entry: Entry, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{entry.name}: timeout is {text!r}, but must be a whole number of seconds from 1 on")
    return int(text)


def _settings(what: str, keys: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A path and the settings behind it, `,key=value` each; a path may hold commas."""
    settings: dict[str, str] = {}
    while match := re.fullmatch(rf"(.+),({'|'.join(keys)})=([^,]*)", what, re.DOTALL):
        what, key, value = match.groups()
        settings[key] = value
    return what, settings


def _file(entry: Entry, path: str) -> Path:
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"{entry.name}: no file {path}; write {entry.name}:{entry.argument}")
    return file


def _graph_digest(file: Path) -> str:
    """Digest of a graph and of the weights beside it: files that exporters name after it, and files that it names."""
    beside = [file.with_name(file.name + suffix) for suffix in (".data", "_data")]
    named = [file.parent / location for location in _external_data(read_bytes(file))]
    return _digest([file, *(path for path in sorted({*beside, *named}) if path.is_file())], file.parent)


def _own_settings(graph: bytes) -> dict[str, str]:
    """What an ONNX graph that `detbench export` wrote says of itself; nothing of any other file."""
    keys = ("range", "multiple", "max_pixels")
    return {key: value for key in keys for value in _texts(graph, f"detbench.{key}")}


def _external_data(graph: bytes) -> set[str]:
    """The files that an ONNX graph's tensors lie in, relative to it."""
    return _texts(graph, "location")


def _texts(graph: bytes, key: str) -> set[str]:
    """The values of an ONNX graph's protobuf entries of a name, each a length in groups of seven bits, the last without
    the eighth, and so many bytes of text. So no command waits for a library to be imported.
    """
    found = set()
    start = re.escape(bytes([0x0A, len(key)]) + key.encode())
    for entry in re.finditer(start + rb"\x12([\x80-\xff]*[\x00-\x7f])", graph):
        length = sum((byte & 127) << 7 * place for place, byte in enumerate(entry[1]))
        value = graph[entry.end() : entry.end() + length]
        if b"\0" not in value:
            found.add(value.decode(errors="surrogateescape"))
    return found


def _digest(files: Sequence[Path], root: Path) -> str:
    """Digest of files' bytes and of their names below `root`; of one file that of its bytes."""
    if len(files) == 1 and root == files[0].parent:
        return file_sha256(files[0])
    lines = [f"{path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name} " for path in files]
    content = "\n".join(line + file_sha256(path) for line, path in zip(lines, files, strict=True))
    return hashlib.sha256(content.encode()).hexdigest()


_DEBLURRERS: Mapping[str, Resolver] = {
    "recorded": _recorded,
    "onnx": _graph,
    "torchscript": _graph,
    "exported": _graph,
    "python": _python,
    "command": _command,
}
_DETECTORS: Mapping[str, Resolver] = {
    "recorded": _recorded,
    "onnx": _yolo_onnx,
    "torchvision": _torchvision,
    "python": _python,
}

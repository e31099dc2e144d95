"""YOLO's `data.yaml`: what the classes are called, and where the pictures are.

It is plain data here: no tag in it is obeyed, and `download:` is ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import yaml

from detbench.core.files import exists, is_file, read_text
from detbench.core.images import PICTURE_SUFFIXES, picture_files
from detbench.errors import DataError

SPLITS = ("val", "test", "train")
"""The split where none is named: the first of these that the YAML has."""

MAX_CHARACTERS = 250_000
"""Ten thousand classes fit; the parser takes seconds for more."""


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # untyped
    """YAML as plain data, without references: a page of them can stand for more than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError(f"*{self.peek_event().anchor} refers to another place; write out what stands there")
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class YoloConfig:
    """The content of `data.yaml`; `root` is the folder that its paths start from."""

    file: Path
    root: Path
    names: tuple[str, ...]
    splits: Mapping[str, tuple[str, ...]]


def find_yaml(place: Path) -> Path | None:
    """The YAML of a dataset: the file itself, else `data.yaml`, `dataset.yaml`, or the only one in the folder."""
    if place.is_file():
        return place
    found = sorted(path for path in place.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    named = [path for path in found if path.stem in ("data", "dataset")]
    return next(iter(named or (found if len(found) == 1 else ())), None)


def read_config(place: Path) -> YoloConfig:
    """Read and check the YAML of a dataset, given itself or by its folder; raises DataError where it is wrong."""
    file = find_yaml(place)
    if file is None:
        raise DataError(f"{place}: holds no data.yaml, or several YAML files; name the one that is meant")
    text = read_text(file)
    if len(text) > MAX_CHARACTERS:
        raise DataError(f"{file}: has {len(text):,} characters; a data.yaml has no more than {MAX_CHARACTERS:,}")
    try:
        document = yaml.load(text, _PlainLoader)
    except Exception as error:  # the constructors of YAML's own tags raise whatever their values make them
        raise DataError(f"{file}: not YAML that is plain data ({' '.join(str(error).split())}); correct it") from None
    if not isinstance(document, dict):
        raise DataError(f"{file}: must hold `names:` and `val:`, a line each")
    names = _names(document, file)
    splits = {split: _entries(document[split], split, file) for split in SPLITS if document.get(split)}
    if not splits:
        raise DataError(f"{file}: names no pictures; add `val:` with their folder")
    return YoloConfig(file, file.parent / str(document.get("path") or ""), names, splits)


def _names(document: Mapping[Any, Any], file: Path) -> tuple[str, ...]:
    given = document.get("names")
    if isinstance(given, dict):
        if sorted(given, key=str) != sorted(range(len(given)), key=str):
            raise DataError(
                f"{file}: names are numbered {shortened(sorted(given, key=str))}; number them 0, 1, 2, … without gaps"
            )
        given = [given[index] for index in range(len(given))]
    if not isinstance(given, list) or not given:
        raise DataError(f"{file}: names is {shortened(given)}; list the classes, as in `names: [car, bus]`")
    wrong = [name for name in given if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise DataError(
            f"{file}: names holds {shortened(wrong[0])}, which YAML does not read as a text; put it in quotes"
        )
    count = document.get("nc", len(given))
    if count != len(given):
        raise DataError(f"{file}: nc is {shortened(count)}, but names lists {len(given)} classes; correct one of them")
    return tuple(given)


def _entries(value: Any, split: str, file: Path) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise DataError(f"{file}: {split} is {shortened(value)}; it must be a folder of pictures, or a list of folders")
    return tuple(entries)


def listed_pictures(config: YoloConfig, split: str | None) -> dict[str, Path]:
    """The pictures of a split by the name they go by.

    A name is the path below the split's folder; of several folders or a list, below what they have in common.
    """
    chosen = split or next(name for name in SPLITS if name in config.splits)
    if chosen not in config.splits:
        raise DataError(f"{config.file}: has no {chosen!r}; it has {', '.join(config.splits)}")
    places = [_place(config, entry, chosen) for entry in config.splits[chosen]]
    found = [path for place in places for path in _pictures_at(place, config.root)]
    if not found:
        raise DataError(f"{config.file}: {chosen} leads to {places[0]}, where there is no picture; correct the path")
    one_folder = len(places) == 1 and places[0].is_dir()
    base = places[0] if one_folder else _common_parent(found)
    return {path.relative_to(base).as_posix(): path for path in found}


def _place(config: YoloConfig, entry: str, split: str) -> Path:
    """A path of the YAML: from its root, from the YAML's own folder, or as Roboflow writes it, one level too high."""
    tried = [config.root / entry, config.file.parent / entry, config.file.parent / entry.removeprefix("../")]
    for place in tried:
        if exists(place):
            return place.resolve()
    raise DataError(f"{config.file}: {split} is {entry!r}, but there is no {tried[0]}; correct `path:` or `{split}:`")


def _pictures_at(place: Path, root: Path) -> list[Path]:
    if place.is_dir():
        return picture_files(place.rglob("*"))
    lines = [line.strip() for line in read_text(place).splitlines()]
    listed = []
    for number, line in enumerate(lines, start=1):
        candidates = [place.parent / line, root / line]
        path = next((path for path in candidates if is_file(path)), None)
        if line and path is None:
            raise DataError(f"{place}: line {number} lists {line}, which is not there; correct or remove it")
        if line and path is not None and path.suffix.lower() in PICTURE_SUFFIXES:
            listed.append(path.resolve())
    return listed


def _common_parent(files: Sequence[Path]) -> Path:
    first, *_ = files
    return next(parent for parent in first.parents if all(path.is_relative_to(parent) for path in files))

"""YOLO's `data.yaml`: what the classes are called, what a label line holds, and where the pictures are.

It is plain data here: no tag in it is obeyed, and `download:` is ignored.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import yaml

from detbench.core.files import exists, read_text
from detbench.errors import DataError

SPLITS = ("val", "test", "train")
"""The split where none is named: the first of these that the YAML has."""

OTHER_KEYS = {"valid": "val", "validation": "val"}
"""What some tools call a split."""

MAX_CHARACTERS = 250_000
"""Ten thousand classes fit; the parser takes seconds for more."""

MAX_CLASSES = 10_000


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # untyped
    """YAML as plain data, without references: a page of them can stand for more than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError(f"*{self.peek_event().anchor} refers to another place; write out what stands there")
        return super().compose_node(parent, index)


@dataclass(frozen=True)
class YoloConfig:
    """The content of `data.yaml`.

    `root` is the folder that its paths start from; `key_points` are `kpt_shape`, how many key points a label line has
    and of how many numbers each, (0, 0) where it has none, and None where the YAML leaves it open. `notes` are
    sentences on what was read in another way than it stands there.
    """

    file: Path
    root: Path
    names: tuple[str, ...]
    splits: Mapping[str, tuple[str, ...]]
    key_points: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def find_yaml(place: Path) -> Path | None:
    """The YAML of a dataset: the file itself, else `data.yaml`, `dataset.yaml`, or the only one in the folder."""
    if place.is_file():
        return place
    files = (path for path in place.iterdir() if path.suffix in (".yaml", ".yml") and not path.name.startswith("."))
    found = sorted(path for path in files if path.is_file())
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
    names, notes = _names(document, file)
    splits = _splits(document, file)
    roots = [file.parent / word for word in spellings(str(document.get("path") or ""))]
    root = next(filter(exists, roots), roots[0])
    return YoloConfig(file, root, names, splits, _key_points(document.get("kpt_shape"), file), notes)


def spellings(path: str) -> list[str]:
    """A path as it stands, and with the home folder and Windows's separators written out."""
    home = os.path.expanduser(path)  # noqa: PTH111  (Path's raises for a user that there is not)
    return list(dict.fromkeys([path, home, path.replace("\\", "/")]))


def _names(document: Mapping[Any, Any], file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes in their order, and a note where the YAML only says how many there are."""
    given, count = document.get("names"), document.get("nc")
    if given is None and count is not None:
        made = tuple(f"class_{index}" for index in range(_class_count(count, file)))
        return made, (f"{file.name} names no classes, so they are called {made[0]} and so on",)
    if isinstance(given, dict):
        given = _in_order(given, file)
    if not isinstance(given, list) or not given:
        raise DataError(f"{file}: names is {shortened(given)}; list the classes, as in `names: [car, bus]`")
    wrong = [name for name in given if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise DataError(
            f"{file}: names holds {shortened(wrong[0])}, which YAML does not read as a text; put it in quotes"
        )
    _check_unlike(given, file)
    if count is not None and _class_count(count, file) != len(given):
        raise DataError(f"{file}: nc is {shortened(count)}, but names lists {len(given)} classes; correct one of them")
    return tuple(given), ()


def _in_order(given: Mapping[Any, Any], file: Path) -> list[Any]:
    """Names by their numbers, which may be texts: {"0": car}."""
    places = {str(index): index for index in range(len(given))}
    numbered = {places.get(key.strip(), key) if isinstance(key, str) else key: given[key] for key in given}
    if len(numbered) < len(given) or sorted(numbered, key=str) != sorted(range(len(given)), key=str):
        raise DataError(
            f"{file}: names are numbered {shortened(sorted(given, key=str))}; number them 0, 1, 2, … without gaps"
        )
    return [numbered[index] for index in range(len(given))]


def _check_unlike(names: list[str], file: Path) -> None:
    for index, name in enumerate(names):
        if names.index(name) < index:
            raise DataError(
                f"{file}: names holds {name!r} twice, as {names.index(name)} and {index}; give each class its own name"
            )


def _class_count(given: Any, file: Path) -> int:
    """`nc`, which may be a text: "80"."""
    try:
        count = float(given)
    except (TypeError, ValueError, OverflowError):
        count = 0.0
    if isinstance(given, bool) or not count.is_integer() or not 0 < count <= MAX_CLASSES:
        raise DataError(f"{file}: nc is {shortened(given)}; it must be the number of classes, or be left out")
    return int(count)


def _splits(document: Mapping[Any, Any], file: Path) -> dict[str, tuple[str, ...]]:
    known = {split: document[split] for split in SPLITS if document.get(split)}
    other = {split: document[key] for key, split in OTHER_KEYS.items() if document.get(key) and split not in known}
    if not known and not other:
        raise DataError(f"{file}: names no pictures; add `val:` with their folder")
    return {split: _entries(value, split, file) for split, value in (other | known).items()}


def _entries(value: Any, split: str, file: Path) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise DataError(f"{file}: {split} is {shortened(value)}; it must be a folder of pictures, or a list of folders")
    return tuple(entries)


def _key_points(given: Any, file: Path) -> tuple[int, int] | None:
    if given is None:
        return None
    numbers = given if isinstance(given, list) else []
    if len(numbers) != 2 or any(type(number) is not int for number in numbers) or min(numbers) < 0:
        raise DataError(f"{file}: kpt_shape is {shortened(given)}; it must be as in `kpt_shape: [17, 3]`")
    count, size = numbers
    if count and size not in (2, 3):
        raise DataError(f"{file}: kpt_shape is {shortened(given)}; a key point has 2 numbers, or 3 with its visibility")
    return (count, size) if count else (0, 0)

"""The pictures of a YOLO dataset: folders, lists and patterns that `data.yaml` names.

A picture keeps the path by which it was reached, symbolic links and all: its label file is found by that path.
"""

import os
from collections.abc import Sequence
from glob import glob
from pathlib import Path

from detbench.core.files import exists, is_file, read_text
from detbench.core.images import is_picture_name, left_out, pictures_below
from detbench.datasets.yolo_yaml import OTHER_KEYS, SPLITS, YoloConfig, spellings
from detbench.errors import DataError


def listed_pictures(config: YoloConfig, split: str | None) -> tuple[dict[str, Path], tuple[str, ...]]:
    """The pictures of a split by the name they go by, and notes on files that were left out.

    A name is the path below the split's folder; of several folders or a list, below what they have in common. Raises
    DataError where the split, or a picture of it, is not there.
    """
    chosen = OTHER_KEYS.get(split, split) if split else next(name for name in SPLITS if name in config.splits)
    if chosen not in config.splits:
        raise DataError(f"{config.file}: has no {chosen!r}; it has {', '.join(config.splits)}")
    places = [place for entry in config.splits[chosen] for place in _places(config, entry, chosen)]
    at_places = [_pictures_at(place, config) for place in places]
    found = [path for pictures, _ in at_places for path in pictures]
    if not found:
        raise DataError(f"{config.file}: {chosen} leads to {places[0]}, where there is no picture; correct the path")
    one_folder = len(places) == 1 and places[0].is_dir()
    base = places[0] if one_folder else _common_parent(found)
    others = [path for _, files in at_places for path in files]
    return {path.relative_to(base).as_posix(): path for path in found}, left_out(others)


def label_file(picture: Path) -> Path:
    """Where a picture's boxes are: the last folder `images` of its path is `labels`, the suffix `.txt`."""
    parts = list(picture.parts)
    place = max((place for place, part in enumerate(parts[:-1]) if part == "images"), default=None)
    if place is not None:
        parts[place] = "labels"
    return Path(*parts).with_suffix(".txt")


def _places(config: YoloConfig, entry: str, split: str) -> list[Path]:
    """What an entry of the YAML means: a path from its root, from the YAML's own folder, or as Roboflow writes it, one
    level too high; or all that a pattern such as `images/*/val` fits there.
    """
    tried = [(base, word) for base in (config.root, config.file.parent) for word in spellings(entry)]
    tried += [(config.file.parent, word.removeprefix("../")) for word in spellings(entry)]
    for base, word in tried:
        if exists(base / word):
            return [without_dots(base / word)]
    if "**" in entry:
        raise DataError(f"{config.file}: {split} is {entry!r}; name the folder, it is read with all folders below it")
    for base, word in tried if "*" in entry else ():
        if found := _matches(word, base):
            return [without_dots(base / name) for name in found]
    wanted = config.root / entry
    raise DataError(f"{config.file}: {split} is {entry!r}, but there is no {wanted}; correct `path:` or `{split}:`")


def _matches(pattern: str, base: Path) -> list[str]:
    try:
        return sorted(glob(pattern, root_dir=base))  # noqa: PTH207  (Path's takes no absolute pattern)
    except ValueError:  # letters that no path can have
        return []


def without_dots(path: Path) -> Path:
    """The absolute path without `..`; symbolic links stay, but for those that a `..` starts from."""
    absolute = path.absolute()
    last = max((place for place, part in enumerate(absolute.parts) if part == ".."), default=None)
    if last is None:
        return absolute
    plain = Path(os.path.normpath(absolute))
    if exists(plain) and plain.samefile(absolute):
        return plain
    return Path(*absolute.parts[: last + 1]).resolve().joinpath(*absolute.parts[last + 1 :])


def _pictures_at(place: Path, config: YoloConfig) -> tuple[list[Path], list[Path]]:
    """The pictures that a folder, a list or a single file stands for, and the files that are none."""
    if place.is_dir():
        return pictures_below(place)
    return ([place], []) if is_picture_name(place) else _pictures_of_list(place, config)


def _pictures_of_list(file: Path, config: YoloConfig) -> tuple[list[Path], list[Path]]:
    lines = enumerate(read_text(file).splitlines(), start=1)
    listed = [_listed_file(file, number, line.strip(), config) for number, line in lines if line.strip()]
    return [path for path in listed if is_picture_name(path)], [path for path in listed if not is_picture_name(path)]


def _listed_file(file: Path, number: int, line: str, config: YoloConfig) -> Path:
    """The file that a line of a list names: from the list's folder, from the YAML's root, or from the YAML's folder."""
    bases = (file.parent, config.root, config.file.parent)
    found = [base / word for base in bases for word in spellings(line) if is_file(base / word)]
    if not found and exists(file.parent / line):
        raise DataError(f"{file}: line {number} lists a folder, {line}; was the file a link, copied as its text?")
    if not found:
        raise DataError(f"{file}: line {number} lists {line}, which is not there; correct or remove it")
    chosen = without_dots(found[0])
    other = next((path for path in map(without_dots, found) if not _are_alike(path, chosen)), None)
    if other is not None and not line.startswith("./"):
        raise DataError(
            f"{file}: line {number} lists {line}, which may be {chosen} or {other}; write the path in full, or with ./ "
            "from the list's own folder"
        )
    return chosen


def _are_alike(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same picture with the same label file."""
    return one.samefile(other) and label_file(one).resolve() == label_file(other).resolve()


def _common_parent(files: Sequence[Path]) -> Path:
    first, *_ = files
    return next(parent for parent in first.parents if all(path.is_relative_to(parent) for path in files))

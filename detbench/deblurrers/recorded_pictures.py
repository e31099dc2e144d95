"""Pictures that another program restored, found by the names of the pictures they were made from."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from detbench.core.images import faults_of, picture_from_file, pictures_below, refuse_faults
from detbench.errors import DataError
from detbench.types import Picture

NAMES_SHOWN = 5

Key = Callable[[PurePosixPath], str]
"""What two names must share to mean the same picture."""

NOT_RESTORED = re.compile(
    r"(?:^|[_. -])(?:real|gt|ground[_-]?truth|target|sharp|hq|hr|original"  # the truth
    r"|input|lq|lr|blur(?:red|ry)?|kernel|mask)(?:$|[_. -])",
    re.IGNORECASE,
)
"""Words beside a name for what programs write too, and that no program restored: the input, the truth, the kernel."""


@dataclass(frozen=True, order=True)
class Affix:
    """What a program puts before and behind a picture's name."""

    before: str
    behind: str

    def __str__(self) -> str:
        return f"{self.before}NAME{self.behind}"

    @property
    def has_letters(self) -> bool:
        """False for numbers alone, which may be another picture's: street-1 and street-1-2."""
        return re.search("[a-zA-Z]", self.before + self.behind) is not None


PLAIN = Affix("", "")


class RecordedPictures:
    """A folder of restored pictures.

    Suffixes do not matter. A dataset's names are sought with their folders, else without the last of them (a
    program that was run clip by clip drops `blur/`), else by the file's name alone: the first way that finds every
    picture counts. Programs also put one word before or behind every name, such as `_deblurred` or `_fake_B`: where
    the names alone do not fit, the one word that does is taken, and a note says which. Where two fit, neither is.
    """

    def __init__(self, place: Path) -> None:
        self.folder = place

    def match(self, names: Sequence[str]) -> tuple[Mapping[str, Picture], tuple[str, ...]]:
        """The restored picture of each of a dataset's file names, all of them or none, and notes on how they match.

        Raises DataError where some are missing or damaged, and where several could be meant.
        """
        files, _ = pictures_below(self.folder)
        if not files:
            raise DataError(f"{self.folder}: holds no picture; name the folder that the restored pictures are in")
        affix, paths = self._chosen(names, files)
        read = cache(picture_from_file)
        refuse_faults(faults_of(read, paths.values()))
        note = f"{self.folder.name}: the files {affix} were taken as the restored pictures"
        return {name: read(path) for name, path in paths.items()}, () if affix == PLAIN else (note,)

    def _chosen(self, names: Sequence[str], files: Sequence[Path]) -> tuple[Affix, Mapping[str, Path]]:
        """The one affix, PLAIN among them, with which every name has its file; and these files."""
        affixes = [PLAIN, *sorted(_common_affixes(names, files))]
        fitting = {affix: self._fitting(names, files, affix) for affix in affixes}
        complete = [affix for affix, found in fitting.items() if len(found) == len(names)]
        if PLAIN in complete:
            complete = [affix for affix in complete if affix == PLAIN or affix.has_letters]
        if not complete:
            raise DataError(self._missing(names, files, fitting[PLAIN]))
        if len(complete) > 1:
            raise DataError(
                f"{self.folder}: files {' and '.join(map(str, complete))} are there for every NAME of a picture; move "
                "those that are meant into a folder of their own"
            )
        return complete[0], fitting[complete[0]]

    def _fitting(self, names: Sequence[str], files: Sequence[Path], affix: Affix) -> Mapping[str, Path]:
        """The file of each name by the first way that finds all, else by the one that finds the most."""
        ways: tuple[tuple[Key, Key], ...] = ((_whole, _whole), (_without_last_folder, _whole), (_stem, _stem))
        return max((self._found(names, files, affix, *way) for way in ways), key=len)

    def _found(
        self, names: Sequence[str], files: Sequence[Path], affix: Affix, of_name: Key, of_file: Key
    ) -> dict[str, Path]:
        """The file of each name; names and files aside that share their key with another, and files in the folder of
        another name's clip.
        """
        paths = {name: PurePosixPath(name) for name in names}
        keys = {
            name: of_name(path.with_name(f"{affix.before}{path.stem}{affix.behind}.png"))
            for name, path in paths.items()
        }
        places = [PurePosixPath(path.relative_to(self.folder).as_posix()) for path in files]
        file_keys = [of_file(place) for place in places]
        often = Counter(keys.values()), Counter(file_keys)
        by_key = {key: place for key, place in zip(file_keys, places, strict=True) if often[1][key] == 1}
        folders = {part for path in paths.values() for part in path.parent.parts}
        found = ((name, by_key[key]) for name, key in keys.items() if key in by_key and often[0][key] == 1)
        return {
            name: self.folder / place
            for name, place in found
            if folders.isdisjoint(set(place.parent.parts) - set(paths[name].parent.parts))
        }

    def _missing(self, names: Sequence[str], files: Sequence[Path], found: Mapping[str, Path]) -> str:
        missing = [name for name in names if name not in found]
        more = ", …" if len(missing) > NAMES_SHOWN else ""
        there = ", ".join(path.relative_to(self.folder).as_posix() for path in files[:NAMES_SHOWN])
        return (
            f"{self.folder}: no one restored picture for {len(missing)} of {len(names)} pictures "
            f"({', '.join(missing[:NAMES_SHOWN])}{more}); each needs a file of its name, whatever the suffix, or with "
            f"one word for all before or behind it, such as _deblurred. There are, for example: {there}"
        )


def _common_affixes(names: Sequence[str], files: Sequence[Path]) -> set[Affix]:
    """The affixes with which the first and the last name are among the files."""
    first, last = (PurePosixPath(names[place]).stem for place in (0, -1))
    return {affix for file in files for affix in _affixes(file.stem, first)} & {
        affix for file in files for affix in _affixes(file.stem, last)
    }


def _affixes(stem: str, name: str) -> Iterator[Affix]:
    """What stands around a name in a file's: with a mark in between, so that 11_out is not picture 1."""
    for found in re.finditer(f"(?={re.escape(name)})", stem):
        before, behind = stem[: found.start()], stem[found.start() + len(name) :]
        has_marks = not before[-1:].isalnum() and not behind[:1].isalnum()
        if stem != name and has_marks and not NOT_RESTORED.search(before) and not NOT_RESTORED.search(behind):
            yield Affix(before, behind)


def _whole(name: PurePosixPath) -> str:
    return name.with_suffix("").as_posix()


def _without_last_folder(name: PurePosixPath) -> str:
    return (name.parent.parent / name.stem).as_posix()


def _stem(name: PurePosixPath) -> str:
    return name.stem

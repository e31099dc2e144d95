"""Pictures that another program restored, found by the names of the pictures they were made from."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from detbench.core.images import picture_files, picture_from_file
from detbench.errors import DataError
from detbench.types import Picture

NAMES_SHOWN = 5

Key = Callable[[PurePosixPath], str]
"""What two names must share to mean the same picture."""


class RecordedPictures:
    """A folder of restored pictures.

    Suffixes do not matter. A dataset's names are sought with their folders, else without the last of them (a
    program that was run clip by clip drops `blur/`), else by the file's name alone: the first way that finds every
    picture counts.
    """

    def __init__(self, place: Path) -> None:
        self.folder = place

    def match(self, names: Sequence[str]) -> Mapping[str, Picture]:
        """The restored picture of each of a dataset's file names, all of them or none.

        Raises DataError where some are missing, and where several could be meant.
        """
        files = picture_files(self.folder.rglob("*"))
        if not files:
            raise DataError(f"{self.folder}: holds no picture; name the folder that the restored pictures are in")
        ways: tuple[tuple[Key, Key], ...] = ((_whole, _whole), (_without_last_folder, _whole), (_stem, _stem))
        found = [self._found(names, files, *way) for way in ways]
        complete = next((way for way in found if len(way) == len(names)), None)
        if complete is None:
            raise DataError(self._missing(names, files, max(found, key=len)))
        return {name: picture_from_file(path) for name, path in complete.items()}

    def _found(self, names: Sequence[str], files: Sequence[Path], of_name: Key, of_file: Key) -> dict[str, Path]:
        """The file of each name, names and files aside that share their key with another."""
        keys = {name: of_name(PurePosixPath(name)) for name in names}
        file_keys = [of_file(PurePosixPath(path.relative_to(self.folder).as_posix())) for path in files]
        often = Counter(keys.values()), Counter(file_keys)
        by_key = {key: path for key, path in zip(file_keys, files, strict=True) if often[1][key] == 1}
        return {name: by_key[key] for name, key in keys.items() if key in by_key and often[0][key] == 1}

    def _missing(self, names: Sequence[str], files: Sequence[Path], found: Mapping[str, Path]) -> str:
        missing = [name for name in names if name not in found]
        more = ", …" if len(missing) > NAMES_SHOWN else ""
        there = ", ".join(path.relative_to(self.folder).as_posix() for path in files[:NAMES_SHOWN])
        return (
            f"{self.folder}: no one restored picture for {len(missing)} of {len(names)} pictures "
            f"({', '.join(missing[:NAMES_SHOWN])}{more}); each needs a file of its name, whatever the suffix. "
            f"There are, for example: {there}"
        )


def _whole(name: PurePosixPath) -> str:
    return name.with_suffix("").as_posix()


def _without_last_folder(name: PurePosixPath) -> str:
    return (name.parent.parent / name.stem).as_posix()


def _stem(name: PurePosixPath) -> str:
    return name.stem

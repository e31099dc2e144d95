"""Files that a command's words name, and those that the user declares a backend to read: `depends=PATH`."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from detbench.core.fingerprints import file_sha256
from detbench.errors import UsageError

MOST_FILES = 10_000
"""A folder of more files is data that a program works on, and no part of the program."""


def digest_of(places: Sequence[Path]) -> str:
    """Digest of files' bytes, and of the names and bytes of all files below folders, in the order of `places`.

    Raises UsageError where a folder has more than MOST_FILES files.
    """
    digest = hashlib.sha256()
    for place in places:
        files = _files(place)
        if files is None:
            raise UsageError(f"{place} has more than {MOST_FILES:,} files: name those of them that are read")
        for file in files:
            name = file.relative_to(place).as_posix() if file != place else place.name
            digest.update(f"{name} {file_sha256(file)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def declared(entry: str, paths: Sequence[str]) -> list[Path]:
    """The places that `depends=` names; raises UsageError, naming the backend, where there is none."""
    places = [Path(path).expanduser() for path in paths]
    for place in places:
        if not place.exists():
            raise UsageError(f"{entry}: depends={place} is no file or folder; name what it reads")
    return places


def split_depends(what: str) -> tuple[str, list[str]]:
    """What a word names, and the paths of each `,depends=PATH` behind it."""
    paths: list[str] = []
    while match := re.fullmatch(r"(.*),depends=([^,]*)", what, re.DOTALL):
        what, path = match.groups()
        paths.insert(0, path)
    return what, paths


def declared_sha256(entry: str, paths: Sequence[str]) -> str | None:
    """Digest of what `depends=` names; None where nothing is named. Raises UsageError as `declared` does."""
    return digest_of(declared(entry, paths)) if paths else None


def named_in(words: Sequence[str]) -> list[Path]:
    """The files and folders that the words of a command name, as whole words or behind `=`; of the folder of a Python
    script also all other scripts, which it may import.

    Left out are folders of more than MOST_FILES files, and the working folder and those above it.
    """
    above = {Path.cwd(), *Path.cwd().parents}
    named = [Path(path).expanduser() for word in words for path in _paths(word) if path]
    places = [place for place in named if _exists(place) and place.resolve() not in above]
    folders = [place.parent for place in places if place.suffix == ".py"]
    scripts = [file for folder in folders for file in _files(folder) or () if file.suffix == ".py"]
    return [*dict.fromkeys([*(place for place in places if _files(place) is not None), *scripts])]


def _paths(word: str) -> Iterator[str]:
    """A word as a path, what stands behind each `=` in it, and for a module of `python -m` its file and folder."""
    yield word
    for place in re.finditer("=", word):
        yield word[place.end() :]
    if re.fullmatch(r"\w+(\.\w+)*", word):
        yield from (word.replace(".", os.sep), word.replace(".", os.sep) + ".py")


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):
        return False


def _files(place: Path) -> list[Path] | None:
    """A file alone, or all that are below a folder; None where they are too many."""
    if not place.is_dir():
        return [place]
    files: list[Path] = []
    for folder, _, names in os.walk(place, followlinks=True):
        files += [Path(folder, name) for name in names]
        if len(files) > MOST_FILES:
            return None
    return sorted(filter(Path.is_file, files))

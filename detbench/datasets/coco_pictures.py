"""Where the pictures of an annotation file lie: in the folders that tools put them in, under names that may differ.

A folder counts as that of the pictures where it holds all of them. Names are taken as they are first, then without
leading folders that end in the folder's own name, then with letter case and Unicode's forms of an accent aside.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from filecmp import cmp
from pathlib import Path, PurePosixPath

from detbench.core.files import is_file
from detbench.datasets.coco_records import CocoRecords
from detbench.errors import DataError

Files = Mapping[str, Path]
"""The file of each picture by the `file_name` that the annotations have."""


@dataclass(frozen=True)
class _Reading:
    """`files` gives the file of each name in a folder, none where it does not hold all; `sentence` begins the note of
    names that change.
    """

    files: Callable[[Path, Sequence[str]], Files]
    sentence: str


def with_pictures(
    records: CocoRecords, places: Sequence[Sequence[Path]], source: Path, remedy: str
) -> tuple[CocoRecords, Files]:
    """The records and the file of each picture by its `file_name`, made to begin below the folder of the pictures.

    `places` are groups of folders; of the first group in which there are all pictures, one must hold them, or all that
    do must hold the same. Raises DataError otherwise; `remedy` is its mend where no picture is there.
    """
    names = [image["file_name"] for image in sorted(records.images, key=lambda image: int(image["id"]))]
    folders = [folder for group in places for folder in group]
    for reading in _READINGS:
        for group in places:
            found = {folder: reading.files(folder, names) for folder in _distinct(group)}
            whole = {folder: files for folder, files in found.items() if len(set(files.values())) == len(names)}
            if whole:
                _refuse_ambiguity(whole, source)
                return _renamed(records, next(iter(whole.values())), folders, reading.sentence)
    raise DataError(_missing(folders, names, source, remedy))


def listed(missing: Sequence[str], count: int) -> str:
    """For a message: how many of `count` names, the first few of them, and the verb."""
    more = ", …" if len(missing) > 5 else ""
    verb = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of {count} pictures ({', '.join(missing[:5])}{more}) {verb}"


def _distinct(folders: Iterable[Path]) -> list[Path]:
    """Folders that exist, each once."""
    return [*{folder.resolve(): folder for folder in reversed([*folders]) if folder.is_dir()}.values()][::-1]


def _as_written(folder: Path, names: Sequence[str]) -> Files:
    return _all_or_none({name: folder / name for name in names})


def _below_own_name(folder: Path, names: Sequence[str]) -> Files:
    """Without leading folders that all names share, the last of which is called as the folder is."""
    shared = PurePosixPath(names[0]).parts[:-1]
    depths = [depth for depth, part in enumerate(shared, start=1) if part == folder.resolve().name]
    for depth in depths:
        if all(PurePosixPath(name).parts[:depth] == shared[:depth] for name in names):
            return _all_or_none({name: folder.joinpath(*PurePosixPath(name).parts[depth:]) for name in names})
    return {}


def _all_or_none(files: Files) -> Files:
    return files if all(map(is_file, files.values())) else {}


def _in_other_letters(folder: Path, names: Sequence[str]) -> Files:
    """By the only entries that are called so with letter case and the form of accents aside."""
    entries: dict[Path, dict[str, list[str]]] = {}

    def entry(place: Path, part: str) -> Path | None:
        if place not in entries:
            entries[place] = {}
            for path in place.iterdir() if place.is_dir() else ():
                entries[place].setdefault(_plain(path.name), []).append(path.name)
        found = entries[place].get(_plain(part), [])
        if part in found or len(found) == 1:
            return place / (part if part in found else found[0])
        return None

    files = {}
    for name in names:
        path: Path | None = folder
        for part in PurePosixPath(name).parts:
            path = entry(path, part) if path is not None else None
        if path is None or not is_file(path):
            return {}
        files[name] = path
    return files


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


_WITHOUT_FOLDER = "file names go without the folder of the pictures"
_READINGS = (
    _Reading(_as_written, _WITHOUT_FOLDER),
    _Reading(_below_own_name, _WITHOUT_FOLDER),
    _Reading(_in_other_letters, "pictures go by their names on disk, which differ in letter case or form of accents"),
)


def _refuse_ambiguity(whole: Mapping[Path, Files], source: Path) -> None:
    """Raise DataError where two folders hold all pictures and one of these differs."""
    (first, files), *others = whole.items()
    for folder, same in others:
        differing = next((name for name in files if not cmp(files[name], same[name], shallow=False)), None)
        if differing is not None:
            raise DataError(
                f"{source}: its pictures are in {first} and in {folder}, and {differing} differs between them; "
                "move those away that were not annotated"
            )


def _renamed(records: CocoRecords, files: Files, folders: Sequence[Path], sentence: str) -> tuple[CocoRecords, Files]:
    """The records and files under the names that the files have below the deepest of `folders` that holds them all."""
    around = [folder for folder in folders if all(path.is_relative_to(folder) for path in files.values())]
    root = max(around, key=lambda folder: len(folder.parts))
    names = {name: path.relative_to(root).as_posix() for name, path in files.items()}
    other = [name for name, new in names.items() if new != name]
    notes = [f"{sentence}: {names[other[0]]} for {other[0]} ({len(other)} of {len(names)})"] if other else []
    images = [{**image, "file_name": names[image["file_name"]]} for image in records.images]
    renamed = replace(records, images=images, notes=(*records.notes, *notes))
    return renamed, {names[name]: path for name, path in files.items()}


def _missing(folders: Sequence[Path], names: Sequence[str], source: Path, remedy: str) -> str:
    """The message: what the folder lacks that holds most of the pictures."""
    lacking = {folder: [name for name in names if not is_file(folder / name)] for folder in folders}
    best = min(folders, key=lambda folder: len(lacking[folder]))
    if len(lacking[best]) == len(names):
        return f"{source}: {remedy}"
    return f"{best}: {listed(lacking[best], len(names))} missing; fetch the dataset again"

"""What there is to blur in a folder: annotated pictures, plain pictures, or the frames of a fast camera."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from detbench.core.images import PICTURE_SUFFIXES, left_out, picture_files, pictures_below
from detbench.errors import DataError


@dataclass(frozen=True)
class SourcePicture:
    """One picture to blur: `frames` is that picture alone, or an odd window of frames around it.

    `key` is what its random numbers come from: its id where it is annotated, else its `name`, the file name relative
    to the pictures' folder, with forward slashes.
    """

    id: int
    key: int | str
    name: str
    frames: tuple[Path, ...]

    @property
    def sharp(self) -> Path:
        """The middle frame, which the others blur."""
        return self.frames[len(self.frames) // 2]


def find_pictures(folder: Path, window: int) -> list[SourcePicture]:
    """List the pictures of a source folder, each with its window of frames (1 for recipes that take one picture).

    With an annotations.json (COCO) they are its images, found under images/, with neighbours from the same folder.
    Otherwise they are the files below the folder: each one, or the middle of each window of consecutive frames of
    a folder, windows side by side, the rest left out. Numbers in names count as numbers: frame 2 comes before 10.

    Raises DataError where there is nothing to blur, where the annotations are wrong, or where frames are too few.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name one that holds pictures")
    annotations = folder / "annotations.json"
    if annotations.is_file():
        pictures = _annotated_pictures(annotations, folder / "images", window)
    else:
        pictures = _plain_pictures(folder, window)
    _check_twins(folder, pictures)
    return pictures


def notes_on(folder: Path) -> tuple[str, ...]:
    """What a user is to know of files that `find_pictures` left out of a folder of plain pictures."""
    return () if (folder / "annotations.json").is_file() else left_out(pictures_below(folder)[1])


def blurred_name(name: str) -> str:
    """Relative file name of a picture's blurred twin: the same, as PNG."""
    return str(PurePosixPath(name).with_suffix(".png"))


def _annotated_pictures(annotations: Path, root: Path, window: int) -> list[SourcePicture]:
    images = _coco_images(annotations)
    folders: dict[Path, list[Path]] = {}
    pictures = []
    for identity, name in images:
        path = root / name
        if window > 1 and path.parent not in folders:
            folders[path.parent] = picture_files(path.parent.glob("*"))
        frames = (path,) if window == 1 else _window_around(path, folders[path.parent], window)
        pictures.append(SourcePicture(identity, identity, name, frames))
    return pictures


def _plain_pictures(folder: Path, window: int) -> list[SourcePicture]:
    heaps: dict[Path, list[Path]] = {}
    for path in pictures_below(folder)[0]:
        heaps.setdefault(path.parent, []).append(path)
    if not heaps:
        raise DataError(f"{folder} holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))}); name another folder")
    windows = [frames for heap in heaps.values() for frames in _windows(heap, window)]
    names = [frames[window // 2].relative_to(folder).as_posix() for frames in windows]
    return [
        SourcePicture(index, name, name, frames)
        for index, (name, frames) in enumerate(zip(names, windows, strict=True), start=1)
    ]


def _windows(heap: Sequence[Path], window: int) -> list[tuple[Path, ...]]:
    """Cut the frames of one folder into windows side by side."""
    if len(heap) < window:
        raise DataError(
            f"{heap[0].parent} holds {len(heap)} frames, fewer than the window of {window}; "
            "add frames, take a smaller window, or leave the folder out"
        )
    return [tuple(heap[start : start + window]) for start in range(0, len(heap) - window + 1, window)]


def _window_around(path: Path, heap: Sequence[Path], window: int) -> tuple[Path, ...]:
    """Frames of a folder with `path` in their middle."""
    if path not in heap:
        raise DataError(f"{path}: no such picture")
    first = heap.index(path) - window // 2
    if first < 0 or first + window > len(heap):
        raise DataError(
            f"{path} has too few neighbours for a window of {window} frames around it; "
            f"add {window // 2} frames before and after it, or take its annotation out"
        )
    return tuple(heap[first : first + window])


def _coco_images(annotations: Path) -> list[tuple[int, str]]:
    """Id and file name of each image that a COCO file lists; ids are unique, names stay within the folder."""
    try:
        images = [(image["id"], image["file_name"]) for image in json.loads(annotations.read_bytes())["images"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f'{annotations} is not COCO: it needs a list "images" with "id" and "file_name" each ({error!r})'
        ) from error
    if not images:
        raise DataError(f"{annotations} lists no images; name a dataset that has some")
    for identity, name in images:
        _check_image(annotations, identity, name)
    repeated = [identity for identity, count in Counter(identity for identity, _ in images).items() if count > 1]
    if repeated:
        raise DataError(f"{annotations}: image id {repeated[0]} is used twice; give each image its own id")
    return images


def _check_image(annotations: Path, identity: Any, name: Any) -> None:
    if type(identity) is not int:
        raise DataError(f"{annotations}: image id {identity!r} is not a whole number; export the annotations again")
    if not isinstance(name, str) or not name or "\0" in name:
        raise DataError(f"{annotations}: image {identity} has the file name {name!r}; give it the name of a file")
    leaves = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor or ".." in re.split(r"[/\\]", name)
    if leaves:
        raise DataError(f"{annotations}: image {identity} is {name!r}, outside images/; use a name relative to it")


def _check_twins(folder: Path, pictures: Sequence[SourcePicture]) -> None:
    """Two pictures whose blurred twins would be one file cannot both be written."""
    taken: dict[str, str] = {}
    for picture in pictures:
        twin = blurred_name(picture.name)
        if twin in taken:
            raise DataError(f"{folder}: {taken[twin]} and {picture.name} would both be blurred to {twin}; rename one")
        taken[twin] = picture.name

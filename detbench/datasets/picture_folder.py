"""A plain folder of pictures as a dataset: no boxes, no sharp twins."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from detbench.core.images import faults_of, left_out, picture_from_file, pictures_below
from detbench.datasets.pairs import no_boxes
from detbench.errors import DataError
from detbench.types import Picture, Sample


class PictureFolder:
    """The pictures below a folder: `classes` is empty. Ids count from 1 in order of name, numbers by their value."""

    classes: Mapping[int, str] = {}

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files, others = pictures_below(folder)
        if not self._files:
            raise DataError(f"{folder}: no pictures; name a folder that has some")
        self.name, self.notes = folder.resolve().name, left_out(others)
        self._pictures: dict[Path, Picture] = {}

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Sample]:
        for number, file in enumerate(self._files, start=1):
            name = file.relative_to(self._folder).as_posix()
            yield Sample(number, name, sharp=None, blurred=self._picture(file), truth=no_boxes())

    @cached_property
    def fingerprint(self) -> str:
        """Digest of every picture's bytes, in the order of their names."""
        lines = (f"\n{sample.file_name} {sample.blurred.sha256}" for sample in self)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def faults(self, places: range) -> Iterator[list[str]]:
        """For each of these places of the dataset's order, counted from 0: what is wrong with its picture."""
        for place in places:
            yield faults_of(self._picture, [self._files[place]])

    def _picture(self, path: Path) -> Picture:
        if path not in self._pictures:
            self._pictures[path] = picture_from_file(path)
        return self._pictures[path]

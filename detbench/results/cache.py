"""The content-addressed cache: finished work under the digest of all that it depends on.

Resuming, adding a deblurrer and repeating a run are all the same thing here: a hit. An entry is written whole or not
at all, so a run may be killed at any moment; one that is damaged counts as missing and is made again.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from detbench.core.images import check_writable, encode_png, image_sha256, read_image, write_atomically
from detbench.errors import DataError, OutputError
from detbench.types import Image, Picture

Record = dict[str, Any]

FORMAT = 1
"""Goes up when a record's keys change, so that another version's records are misses and not misread."""


_PICTURES = "pictures"
TAG_NAME = "CACHEDIR.TAG"
TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder is a cache of detbench: programs that make backups leave it out. See https://bford.info/cachedir/\n"
)
"""Marks a folder as a cache, by the specification that backup programs go by."""


@dataclass(frozen=True)
class KeptFile:
    """A file of the cache: a picture or a record, its size, and when it was written (seconds since 1970)."""

    path: Path
    is_picture: bool
    size_bytes: int
    written_s: float


def canonical_json(value: Any) -> str:
    """One text for equal values: sorted keys, no spaces, and no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of a JSON-able value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


class Cache:
    """Records (JSON) by key and pictures (PNG) by content, in one folder that any number of runs may share.

    With `fresh`, all records that were there before are misses: everything is computed again, and kept.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.folder, self.fresh = folder, fresh
        self._own: set[Path] = set()

    def check_writable(self) -> None:
        """Raise OutputError, which says how to name another folder, where the cache cannot be written."""
        with self._named():
            check_writable(self.folder)
            if not (self.folder / TAG_NAME).exists():
                write_atomically(self.folder / TAG_NAME, TAG)

    def is_marked(self) -> bool:
        """Whether the folder has the tag of detbench's cache, which every run leaves there."""
        try:
            return (self.folder / TAG_NAME).read_text(encoding="utf-8") == TAG
        except (OSError, ValueError):
            return False

    def files(self) -> Iterator[KeptFile]:
        """Every record and picture, by the names that they are kept under; nothing else that may lie in the folder."""
        for path in self.folder.glob("*/[0-9a-f][0-9a-f]/*"):
            name = rf"{path.parent.name}[0-9a-f]{{62}}\.{'png' if path.parts[-3] == _PICTURES else 'json'}"
            if re.fullmatch(name, path.name) and not _is_linked(path, self.folder):
                with contextlib.suppress(FileNotFoundError):  # another command may take it away
                    status = path.stat()
                    yield KeptFile(path, path.suffix == ".png", status.st_size, status.st_mtime)

    def get(self, stage: str, depends_on: Mapping[str, Any]) -> Record | None:
        """The record of one finished step, or None; `depends_on` is all that its result depends on."""
        path = self._record_path(stage, depends_on)
        if self.fresh and path not in self._own:
            return None
        try:
            record = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return record if isinstance(record, dict) else None

    def put(self, stage: str, depends_on: Mapping[str, Any], record: Record) -> Record:
        """Keep a record and return it as a later `get` will, so that first and repeated runs compute alike."""
        text, path = canonical_json(record), self._record_path(stage, depends_on)
        with self._named():
            write_atomically(path, text)
        if self.fresh:
            self._own.add(path)
        return dict(json.loads(text))

    def kept(self, stage: str, depends_on: Mapping[str, Any], compute: Callable[[], Record]) -> Record:
        """The record that was put under `depends_on`, or the one that is computed now, which is put there."""
        record = self.get(stage, depends_on)
        return self.put(stage, depends_on, compute()) if record is None else record

    def keep_picture(self, image: Image) -> Picture:
        """Store pixels once, whoever made them, and return the Picture that reads them back."""
        sha256 = image_sha256(image)
        path = self._picture_path(sha256)
        if not path.exists():
            with self._named():
                write_atomically(path, encode_png(image))
        return Picture(sha256, image.shape[1], image.shape[0], partial(self._read_kept, sha256))

    def picture(self, sha256: str, width: int, height: int) -> Picture | None:
        """A stored picture by its digest, or None where it is gone."""
        is_here = self._picture_path(sha256).exists()
        return Picture(sha256, width, height, partial(self._read_kept, sha256)) if is_here else None

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Say of what cannot be written that it is the cache, and how to name another."""
        try:
            yield
        except OutputError as error:
            raise OutputError(
                f"the cache {self.folder}: {error}, or name another cache with DETBENCH_CACHE=FOLDER"
            ) from error

    def _read_kept(self, sha256: str) -> Image:
        path = self._picture_path(sha256)
        with contextlib.suppress(DataError):
            image = read_image(path)
            if image_sha256(image) == sha256:
                return image
        path.unlink(missing_ok=True)
        raise DataError(f"{path}: a cached picture was damaged and is now removed; repeat the command")

    def _record_path(self, stage: str, depends_on: Mapping[str, Any]) -> Path:
        key = digest([FORMAT, depends_on])
        return self.folder.joinpath(stage, key[:2], f"{key}.json")

    def _picture_path(self, sha256: str) -> Path:
        return self.folder / _PICTURES / sha256[:2] / f"{sha256}.png"


def _is_linked(path: Path, folder: Path) -> bool:
    """Whether a file, or a folder on the way to it from the cache's, is a link, which leads elsewhere."""
    return any(each.is_symlink() for each in (path, *path.parents[: len(path.relative_to(folder).parts) - 1]))

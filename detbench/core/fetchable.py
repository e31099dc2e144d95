"""The registry of what can be fetched, `fetchable.toml`, and where each thing of it is."""

import contextlib
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from detbench.core.fetching import fetched, is_whole
from detbench.core.images import write_atomically
from detbench.core.paths import CARD_NAME, cache_folder, shipped
from detbench.core.published import Published
from detbench.errors import DataError, UsageError, did_you_mean

WEIGHTS_NAME = "weights.safetensors"


@dataclass(frozen=True)
class RegisteredFile:
    """A file of an entry. `unpack` names the beginnings of those members of an archive that are wanted."""

    url: str
    sha256: str
    size_bytes: int | None = None
    unpack: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fetchable:
    """One entry. Without `files` it is fetched by hand, as `by_hand` says; `then` holds commands to go on with, in
    which `{folder}` stands for its place. What is `superseded` is in no wheel and no checkout.
    """

    name: str
    kind: Literal["weights", "checkpoint", "dataset"]
    licence: str
    files: tuple[RegisteredFile, ...] = ()
    by_hand: str = ""
    then: tuple[str, ...] = ()
    superseded: bool = False

    @property
    def size_bytes(self) -> int | None:
        """Of all its files; None where one is not known."""
        sizes = [file.size_bytes for file in self.files]
        return None if not sizes or None in sizes else sum(size or 0 for size in sizes)

    @property
    def published(self) -> tuple[Published, ...]:
        """Its files as they are fetched."""
        return tuple(Published(file.url, file.sha256, file.size_bytes) for file in self.files)


@cache
def registry() -> Mapping[str, Fetchable]:
    """Every entry by name, in the file's order."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {entry["name"]: _entry(entry) for entry in tomllib.loads(text)["entry"]}


def _entry(table: Mapping[str, Any]) -> Fetchable:
    """An entry of the file, its lists as tuples; no msgspec, for a packed training goes without it."""
    files = [RegisteredFile(**_tuples(file)) for file in table.get("files", ())]
    return Fetchable(**_tuples({**table, "files": files}))


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def find_fetchable(name: str) -> Fetchable:
    """The entry called `name`; raises UsageError with the nearest name otherwise."""
    if name not in registry():
        raise UsageError(
            f"nothing named {name!r} can be fetched.{did_you_mean(name, registry())} `detbench fetch --list` shows all"
        )
    return registry()[name]


def kept_at(entry: Fetchable) -> Path:
    """Where it lies in the cache, or would."""
    if entry.kind == "dataset":
        return cache_folder() / "datasets" / entry.name
    folder = cache_folder() / "weights"
    return folder / entry.name if entry.kind == "checkpoint" else folder / entry.name / WEIGHTS_NAME


def located(entry: Fetchable) -> Path | None:
    """Where it is: in the checkout or the wheel, else in the cache; None where it has to be fetched."""
    ours = shipped("models") / entry.name / WEIGHTS_NAME
    if entry.kind == "weights" and ours.is_file():
        return ours
    place = kept_at(entry)
    is_there = place.is_dir() if entry.kind == "dataset" else is_whole(entry.published[0], place)
    return place if is_there else None


def fetch(entry: Fetchable) -> Path:
    """Where it is, fetched first where it is nowhere.

    Raises WeightsError or DataError, with all that is needed to do it by hand, where that fails.
    """
    place = located(entry)
    if place is not None:
        return place
    if not entry.files:
        raise DataError(f"{entry.name} is fetched by hand: {entry.by_hand.format(folder=kept_at(entry))}")
    if entry.kind != "dataset":
        return fetched(entry.published[0], kept_at(entry))
    folder = kept_at(entry)
    archives = [fetched(each, folder.parent / each.name, DataError) for each in entry.published]
    _unpack(entry, archives, folder)
    return folder


def model_weights(folder: Path) -> Path:
    """The weights of a model that ships in `folder`: there, else in the cache, fetched on first use, with the card of
    `folder` beside them.

    A file that is not there where they neither ship nor are registered. Raises WeightsError where fetching fails.
    """
    ours = folder / WEIGHTS_NAME
    entry = registry().get(folder.name)
    if ours.is_file() or entry is None or entry.kind != "weights":
        return ours
    kept = fetched(entry.published[0], kept_at(entry))
    with contextlib.suppress(FileNotFoundError):
        _copy_card(folder / CARD_NAME, kept.with_name(CARD_NAME))
    return kept


def superseded_weights(name: str) -> bool:
    """Whether a name is that of superseded weights, called NETWORK-TRAINING."""
    return name in registry() and registry()[name].superseded


def _copy_card(card: Path, place: Path) -> None:
    content = card.read_bytes()
    if not place.is_file() or place.read_bytes() != content:
        write_atomically(place, content)


def _unpack(entry: Fetchable, archives: list[Path], folder: Path) -> None:
    """All wanted members into the folder, whole or not at all; the archives go."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{entry.name}.") as temporary:
        whole = Path(temporary) / entry.name
        for file, archive in zip(entry.files, archives, strict=True):
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(whole, [name for name in packed.namelist() if name.startswith(file.unpack or "")])
        shutil.move(whole, folder)
    for archive in archives:
        archive.unlink()

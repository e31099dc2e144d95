"""Folders of training pictures, and how they are mixed.

images/ + blurred/             pairs, as detbench's own datasets have them (`streets`)
…/sharp/ + …/blur_gamma/       pairs, one folder per clip, as GoPro has them; else …/blur/
anything else                  sharp pictures, which are blurred on the fly
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from detbench.blur.sources import find_pictures
from detbench.errors import DataError, UsageError
from detbench.images import PICTURE_SUFFIXES

HELD_OUT = 20
"""One picture in so many is never trained on: the last by name, so that pictures of one place share neither side."""


@dataclass(frozen=True)
class TrainingPicture:
    """A sharp picture and its blurred twin, or None where it is blurred on the fly."""

    sharp: Path
    blurred: Path | None


@dataclass(frozen=True)
class Source:
    """The pictures of one folder, and how often they are drawn in proportion to other sources'."""

    name: str
    kind: str
    pictures: tuple[TrainingPicture, ...]
    weight: float


def find_sources(folders: Sequence[Path], mix: Sequence[float] | None, fraction: Fraction) -> tuple[Source, ...]:
    """Each folder as a source, thinned to `fraction` of its pictures; `mix` gives their weights.

    Without `mix` every picture is drawn as often as every other. Raises UsageError for a mix that does not fit the
    folders and a fraction outside 0..1, DataError where a folder holds too few pictures.
    """
    if not folders:
        raise UsageError("no pictures to train on: name a folder")
    if not 0 < fraction <= 1:
        raise UsageError(f"fraction is {fraction}, but must be above 0 and at most 1, such as 1/6")
    if mix is not None and (len(mix) != len(folders) or min(mix) <= 0):
        raise UsageError(f"mix is {':'.join(f'{weight:g}' for weight in mix)}; give each folder a weight above 0")
    sources = [_thinned(find_source(folder), fraction, folder) for folder in folders]
    weights = mix or [len(source.pictures) for source in sources]
    return tuple(replace(source, weight=float(weight)) for source, weight in zip(sources, weights, strict=True))


def find_source(folder: Path) -> Source:
    """The pictures of a folder in order of name, laid out as above; raises DataError where there are none."""
    name = folder.resolve().name
    if (folder / "images").is_dir() and (folder / "blurred").is_dir():
        return Source(name, "pairs", tuple(_twins(folder / "images", folder / "blurred")), 1.0)
    clips = sorted(sharp.parent for sharp in folder.rglob("sharp") if sharp.is_dir())
    if clips:
        return Source(name, "pairs", tuple(pair for clip in clips for pair in _clip(clip)), 1.0)
    sharp = (TrainingPicture(picture.sharp, None) for picture in find_pictures(folder, 1))
    return Source(name, "sharp", tuple(sharp), 1.0)


def split(source: Source) -> tuple[Source, Source]:
    """The pictures to train on, and those held out."""
    held_out = max(1, len(source.pictures) // HELD_OUT)
    return (
        replace(source, pictures=source.pictures[:-held_out]),
        replace(source, pictures=source.pictures[-held_out:]),
    )


def _thinned(source: Source, fraction: Fraction, folder: Path) -> Source:
    """A share of the pictures, evenly over their order."""
    count = round(len(source.pictures) * fraction)
    if count < 2:
        raise DataError(f"{folder}: {count} pictures to train on and to hold out; 2 are the least")
    chosen = tuple(source.pictures[place * len(source.pictures) // count] for place in range(count))
    return replace(source, pictures=chosen)


def _clip(clip: Path) -> list[TrainingPicture]:
    """The pairs of one clip; blur averaged in linear light goes before the plain mean of stored values."""
    for name in ("blur_gamma", "blur"):
        if (clip / name).is_dir():
            return _twins(clip / "sharp", clip / name)
    raise DataError(f"{clip}: has sharp/ but neither blur_gamma/ nor blur/ beside it")


def _twins(sharp: Path, blurred: Path) -> list[TrainingPicture]:
    """Each sharp picture with the blurred one of the same relative name, whatever its suffix."""
    files = {path.relative_to(blurred).with_suffix(""): path for path in blurred.rglob("*") if _is_picture(path)}
    pairs = []
    for picture in find_pictures(sharp, 1):
        twin = files.get(Path(picture.name).with_suffix(""))
        if twin is None:
            raise DataError(
                f"{picture.sharp}: no blurred twin of that name in {blurred}; add it or take the sharp away"
            )
        pairs.append(TrainingPicture(picture.sharp, twin))
    return pairs


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES

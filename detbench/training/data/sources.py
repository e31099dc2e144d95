"""Folders of training pictures, and how they are mixed.

Pairs, as `datasets/pair_layouts.py` finds them, are taken as they are; anything else is sharp pictures, which are
blurred on the fly.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from detbench.blur.source_pictures import find_pictures
from detbench.datasets.coco_layouts import ANNOTATIONS
from detbench.datasets.pair_layouts import find_pairs
from detbench.errors import DataError, UsageError

HELD_OUT_ONE_IN = 10
"""One place in so many is never trained on: the last by name. Pictures of one place are all on one side."""

_OF_ONE_PLACE = re.compile(r"(.+-\d+)-\d+")
"""Names such as train-017-3, the third picture of street 17; any other name is a place of its own."""


@dataclass(frozen=True)
class TrainingPicture:
    """A sharp picture and its blurred twin, or None where it is blurred on the fly."""

    sharp: Path
    blurred: Path | None


@dataclass(frozen=True)
class Source:
    """The pictures of one folder, and how often they are drawn in proportion to other sources'.

    `annotations` is the file of the true boxes in COCO's format, where a folder of pairs has one.
    """

    name: str
    kind: str
    pictures: tuple[TrainingPicture, ...]
    weight: float
    annotations: Path | None = None


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
    names = _apart([source.name for source in sources])
    each = zip(sources, names, weights, strict=True)
    return tuple(replace(source, name=name, weight=float(weight)) for source, name, weight in each)


def find_source(folder: Path) -> Source:
    """The pictures of a folder in order of name, of pairs where it has some; raises DataError where there are none."""
    name = folder.resolve().name
    # A dataset's own pictures come before pairs that lie deeper, such as the streets' pairs/.
    is_dataset = (folder / "images").is_dir() and not (folder / "blurred").is_dir()
    pairs = () if is_dataset else find_pairs(folder).pairs
    if pairs:
        pictures = tuple(TrainingPicture(pair.sharp, pair.blurred) for pair in pairs)
        annotations = folder / ANNOTATIONS
        return Source(name, "pairs", pictures, 1.0, annotations if annotations.is_file() else None)
    sharp = (TrainingPicture(picture.sharp, None) for picture in find_pictures(folder, 1))
    return Source(name, "sharp", tuple(sharp), 1.0)


def split(source: Source) -> tuple[Source, Source]:
    """The pictures to train on, and those held out; where all are of one place, it is parted."""
    places = [place_of(picture) for picture in source.pictures]
    if len(set(places)) == 1:
        places = [picture.sharp for picture in source.pictures]
    distinct = list(dict.fromkeys(places))
    held_out = set(distinct[-max(1, len(distinct) // HELD_OUT_ONE_IN) :])
    each = list(zip(source.pictures, places, strict=True))
    return (
        replace(source, pictures=tuple(picture for picture, place in each if place not in held_out)),
        replace(source, pictures=tuple(picture for picture, place in each if place in held_out)),
    )


def place_of(picture: TrainingPicture) -> Path:
    """What pictures of one place have in common: the path without the picture's number, else the picture's own."""
    named = _OF_ONE_PLACE.fullmatch(picture.sharp.stem)
    return picture.sharp.with_name(named[1]) if named else picture.sharp


def _apart(names: Sequence[str]) -> list[str]:
    """Names of which none comes twice: pairs, pairs-2, …"""
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return [name if count == 1 else f"{name}-{count}" for name, count in zip(names, counts, strict=True)]


def _thinned(source: Source, fraction: Fraction, folder: Path) -> Source:
    """A share of the pictures, evenly over their order."""
    count = round(len(source.pictures) * fraction)
    if count < 2:
        raise DataError(f"{folder}: {count} pictures to train on and to hold out; 2 are the least")
    chosen = tuple(source.pictures[place * len(source.pictures) // count] for place in range(count))
    return replace(source, pictures=chosen)

"""The content of `over_time.json`, as values: what a video's frames say in their order; evaluation/score/over_time.py
computes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from detbench.errors import DataError

_Share = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=0, le=10**12)]
_Amount = Annotated[float, Meta(ge=0, le=1e12)]


@dataclass(frozen=True)
class ArmOverTime:
    """One arm over a video's frames; None where a number is undefined.

    `flicker_levels` is the mean flicker of successive frames in grey levels, `flicker_ratio` that over the reference's.
    Of `dropout_chances`, objects found in the first and last of three frames, `dropouts` were lost in the middle one.
    `late_share` of the frames take longer than the time to the next, `dropped_share` arrive while the deblurrer is
    busy, and `map_live` is the mAP where the boxes of the last restored frame stand for those.
    By frame, in the order of `OverTime.frames`: `found` is the share of its true boxes that are found, `restore_ms` the
    time to restore it, `flicker` that from the frame before, `dropped` whether it is dropped.
    """

    flicker_levels: _Amount | None
    flicker_ratio: _Amount | None
    dropouts: _Count
    dropout_chances: _Count
    late_share: _Share | None
    dropped_share: _Share | None
    map_live: _Share | None
    found: tuple[_Share | None, ...]
    restore_ms: tuple[_Amount | None, ...]
    flicker: tuple[_Amount | None, ...]
    dropped: tuple[bool, ...]


@dataclass(frozen=True)
class OverTime:
    """A video run's frames in the order of time. `frames` are picture ids, `clip_starts` the places among them where a
    clip begins; `fps` is None where the rate is unknown; `flicker_reference` is the arm that motion was measured in.
    """

    fps: Annotated[float, Meta(gt=0)] | None
    frames: tuple[int, ...]
    clip_starts: tuple[_Count, ...]
    flicker_reference: str
    arms: Mapping[str, ArmOverTime]


def over_time_from_json(value: Any, where: str) -> OverTime:
    """The content of `over_time.json`; raises DataError naming `where` for anything else."""
    try:
        found = msgspec.convert(value, OverTime)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError(f"{where}: damaged ({error}); run `detbench run` again") from error
    for arm in found.arms.values():
        if {len(column) for column in (arm.found, arm.restore_ms, arm.flicker, arm.dropped)} != {len(found.frames)}:
            raise DataError(f"{where}: damaged (columns differ in length); run `detbench run` again")
    return found

"""What `analysis.json` may hold, as types; evaluation/score/analysis.py writes it and says what each part is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from detbench.errors import DataError

_Share = Annotated[float, Meta(ge=0, le=1)]
_Change = Annotated[float, Meta(ge=-1, le=1)]
_Count = Annotated[int, Meta(ge=0, le=10**12)]
_Px = Annotated[float, Meta(ge=0, le=1e6)]


@dataclass(frozen=True)
class _Map:
    value: _Share | None
    low: _Share | None
    high: _Share | None
    n: _Count


@dataclass(frozen=True)
class _Error:
    count: _Count
    cost: _Change | None


@dataclass(frozen=True)
class _Class:
    boxes: _Count
    map: _Map


@dataclass(frozen=True)
class _BlurBin:
    from_px: _Px
    to_px: _Px | None
    pictures: _Count
    map: _Map


@dataclass(frozen=True)
class _SweepPoint:
    confidence: _Share
    precision: _Share | None
    recall: _Share | None
    f1: _Share | None


@dataclass(frozen=True)
class _Arm:
    errors: dict[str, _Error]
    classes: dict[str, _Class]
    blur: list[_BlurBin]
    precision_recall: Annotated[list[_Share], Meta(min_length=101, max_length=101)] | None
    confidence_sweep: list[_SweepPoint]


def checked_analysis(value: Any, arms: Collection[str], where: str) -> Mapping[str, Mapping[str, Any]]:
    """The value as it came, by arm, where a run of these arms may have written it; else DataError naming `where`."""
    try:
        found = msgspec.convert(value, dict[str, _Arm])
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError(f"{where}: not as `detbench run` wrote it ({error}); run it again") from error
    if set(found) != set(arms):
        raise DataError(f"{where}: is about other arms than result.json; run `detbench run` again")
    analysis: Mapping[str, Mapping[str, Any]] = value
    return analysis

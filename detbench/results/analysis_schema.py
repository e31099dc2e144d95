"""The content of `analysis.json`, as values; evaluation/score/analysis.py writes it and describes each part."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from detbench.errors import DataError
from detbench.types import Estimate

_Share = Annotated[float, Meta(ge=0, le=1)]
_Change = Annotated[float, Meta(ge=-1, le=1)]
_Count = Annotated[int, Meta(ge=0, le=10**12)]
_Px = Annotated[float, Meta(ge=0, le=1e6)]
_Ratio = Annotated[float, Meta(ge=0, le=1e6)]


@dataclass(frozen=True)
class ShareEstimate(Estimate):
    """A number in 0..1, such as mAP, with its interval."""

    value: _Share | None
    n: _Count
    low: _Share | None = None
    high: _Share | None = None


@dataclass(frozen=True)
class ErrorCost:
    """Errors of one kind: how many, and the mAP50 that they cost."""

    count: _Count
    cost: _Change | None


@dataclass(frozen=True)
class ClassScore:
    """One class: its true boxes, and its mAP."""

    boxes: _Count
    map: ShareEstimate


@dataclass(frozen=True)
class BlurBin:
    """The pictures with blur of `from_px` to below `to_px`; `to_px` is None in the last bin."""

    from_px: _Px
    to_px: _Px | None
    pictures: _Count
    map: ShareEstimate


@dataclass(frozen=True)
class RelativeBlurBin:
    """The true boxes whose blur is `from_ratio` to below `to_ratio` of their size, how many `pictures` hold them, and
    how many of them are found; `to_ratio` is None in the last bin.
    """

    from_ratio: _Ratio
    to_ratio: _Ratio | None
    objects: _Count
    pictures: _Count
    recall: ShareEstimate


@dataclass(frozen=True)
class SweepPoint:
    """Precision, recall and F1 over the detections of at least one confidence."""

    confidence: _Share
    precision: _Share | None
    recall: _Share | None
    f1: _Share | None


@dataclass(frozen=True)
class CalibrationBin:
    """Found boxes with confidences in a tenth of 0..1: their mean confidence, and the share of true ones."""

    boxes: _Count
    mean_confidence: _Share | None
    true_share: _Share | None


@dataclass(frozen=True)
class OperatingPoint:
    """An arm at the confidence where its F1 is highest, its recall at blurred's precision, and its calibration."""

    best_confidence: _Share | None
    f1: ShareEstimate
    recall_at_blurred_precision: _Share | None
    calibration_error: _Share | None
    calibration: Annotated[list[CalibrationBin], Meta(min_length=10, max_length=10)]


@dataclass(frozen=True)
class ArmAnalysis:
    """One arm's part of `analysis.json`; `precision_recall` is the precision at recalls 0, .01, …, 1. A folder that was
    written before there were operating points, or blur relative to size, has none.
    """

    errors: dict[str, ErrorCost]
    classes: dict[str, ClassScore]
    blur: list[BlurBin]
    precision_recall: Annotated[list[_Share], Meta(min_length=101, max_length=101)] | None
    confidence_sweep: list[SweepPoint]
    operating_point: OperatingPoint | None = None
    relative_blur: list[RelativeBlurBin] = field(default_factory=list)


def analysis_from_json(value: Any, arms: Collection[str], where: str) -> Mapping[str, ArmAnalysis]:
    """The analysis by arm; raises DataError naming `where` unless a run of these arms may have written it."""
    try:
        found = msgspec.convert(value, dict[str, ArmAnalysis])
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError(f"{where}: not as `detbench run` wrote it ({error}); run it again") from error
    if set(found) != set(arms):
        raise DataError(f"{where}: is about other arms than result.json; run `detbench run` again")
    return found

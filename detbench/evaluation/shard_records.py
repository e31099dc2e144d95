"""What was measured of one picture as a line of JSON, and back: what a shard hands over."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np

from detbench.core.arm import Arm
from detbench.errors import DataError
from detbench.evaluation.measure.blur_estimates import FoundBlur
from detbench.evaluation.measure.measured import ArmPicture, PackedDetections, PackedQuality
from detbench.evaluation.measure.steps import Restored
from detbench.results.cache import Record
from detbench.types import Blur, Boxes, Detections, GroundTruth, Image, Light, Parameter, Picture, Sample

_Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Size = Annotated[int, msgspec.Meta(ge=1, le=2**20)]
_PictureKey = tuple[_Sha256, _Size, _Size]
_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Found:
    """Detections, column by column."""

    boxes: list[_Box]
    scores: list[float]
    labels: list[_Count]


@dataclass(frozen=True)
class _TrueBoxes:
    """GroundTruth, column by column."""

    boxes: list[_Box]
    labels: list[_Count]
    crowd: list[bool]
    areas: list[float]
    ids: list[_Count]


@dataclass(frozen=True)
class _View:
    """A picture that some arms delivered, what was found in it, and what the metrics of single pictures say of it."""

    picture: _PictureKey
    found: _Found
    quality: dict[str, float | None]
    detect_ms: float | None = None


@dataclass(frozen=True)
class _FoundBlur:
    """A FoundBlur, its pictures by their keys."""

    light: Light | None
    cells: _Count | None
    similarity: Annotated[float, msgspec.Meta(ge=0, le=1)] | None
    found_kernel: _PictureKey | None
    true_kernel: _PictureKey | None


@dataclass(frozen=True)
class _Figures:
    """A Restored without its picture."""

    restore_ms: float | None
    told_kernel: bool
    tile_pixels: int | None
    blur: _FoundBlur | None
    peak_mib: float | None = None


@dataclass(frozen=True)
class _Line:
    """One line: the sample, each view once, and which arm had which."""

    id: _Count
    file_name: str
    sharp: _PictureKey | None
    blurred: _PictureKey
    truth: _TrueBoxes
    blur: tuple[str, dict[str, Parameter], int | float | None] | None
    views: dict[_Sha256, _View]
    arms: list[tuple[str, _Sha256, _Figures | None]]


def picture_line(sample: Sample, rows: Sequence[ArmPicture]) -> bytes:
    """A sample and its row in every arm. What was found in a picture stands once, whatever arms delivered it; kernels
    are left out, the true one and those found: nothing that follows asks for more than their pictures.
    """
    blur = sample.blur
    record = {
        "id": sample.id,
        "file_name": sample.file_name,
        "sharp": _optional_key(sample.sharp),
        "blurred": _picture_key(sample.blurred),
        "truth": _lists(sample.truth),
        "blur": None if blur is None else (blur.kind, dict(blur.parameters), blur.severity_px),
        "views": {row.picture.sha256: _view_record(row) for row in rows},
        "arms": [(row.arm.name, row.picture.sha256, _figures(row.restored)) for row in rows],
    }
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def read_picture_line(line: bytes) -> tuple[Sample, list[ArmPicture]]:
    """The inverse of `picture_line`, its pictures known by digest and size alone; raises ValueError or KeyError for
    anything else.
    """
    read = msgspec.json.decode(line, type=_Line)
    truth = GroundTruth(
        _boxes(read.truth.boxes),
        np.array(read.truth.labels, np.int64),
        np.array(read.truth.crowd, np.bool_),
        np.array(read.truth.areas, np.float64),
        np.array(read.truth.ids, np.int64),
    )
    read.file_name.encode()  # a name that no file can hold is a ValueError
    sharp = _optional_picture(read.sharp)
    blur = None if read.blur is None else Blur(*read.blur)
    sample = Sample(read.id, read.file_name, sharp, _picture(read.blurred), truth, blur)
    views = {
        sha256: (
            _picture(view.picture),
            PackedDetections.of(_detections(view.found)),
            PackedQuality(view.quality),
            view.detect_ms,
        )
        for sha256, view in read.views.items()
    }
    rows = []
    for name, sha256, figures in read.arms:
        picture, found, quality, detect_ms = views[sha256]
        restored = None if figures is None else _restored(picture, figures)
        rows.append(ArmPicture(Arm.named(name), sample, picture, found, quality, restored, detect_ms))
    return sample, rows


def _view_record(row: ArmPicture) -> Record:
    return {
        "picture": _picture_key(row.picture),
        "found": _lists(row.found),
        "quality": dict(row.quality),
        "detect_ms": row.detect_ms,
    }


def _figures(restored: Restored | None) -> Record | None:
    if restored is None:
        return None
    figures = {key: value for key, value in vars(restored).items() if key != "picture"}
    blur = restored.blur
    if blur is not None:
        pictures = {"found_kernel": _optional_key(blur.found_kernel), "true_kernel": _optional_key(blur.true_kernel)}
        figures["blur"] = {**vars(blur), **pictures}
    return figures


def _restored(picture: Picture, figures: _Figures) -> Restored:
    found = figures.blur
    blur = None
    if found is not None:
        pictures = _optional_picture(found.found_kernel), _optional_picture(found.true_kernel)
        blur = FoundBlur(found.light, found.cells, found.similarity, *pictures)
    return Restored(picture, figures.restore_ms, figures.told_kernel, figures.tile_pixels, blur, figures.peak_mib)


def _optional_key(picture: Picture | None) -> _PictureKey | None:
    return None if picture is None else _picture_key(picture)


def _optional_picture(key: _PictureKey | None) -> Picture | None:
    return None if key is None else _picture(key)


def _picture_key(picture: Picture) -> _PictureKey:
    return picture.sha256, picture.width, picture.height


def _picture(key: _PictureKey) -> Picture:
    def load() -> Image:
        raise DataError(f"picture {key[0][:16]} is not among those that its shard kept; measure that shard again")

    return Picture(*key, load)


def _lists(columns: GroundTruth | Detections) -> dict[str, Any]:
    return {name: column.tolist() for name, column in vars(columns).items()}


def _detections(found: _Found) -> Detections:
    return Detections(_boxes(found.boxes), np.array(found.scores, np.float64), np.array(found.labels, np.int64))


def _boxes(boxes: list[_Box]) -> Boxes:
    return np.array(boxes, np.float64).reshape(-1, 4)

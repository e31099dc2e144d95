"""What was measured of one picture as a JSON value, and back: the lines that a shard hands over."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.errors import DataError
from detbench.results.cache import Record
from detbench.runner.rows import ArmPicture
from detbench.runner.stages import Quality, Restored
from detbench.types import Blur, Detections, GroundTruth, Image, Picture, Sample

_DTYPES: Mapping[str, type[np.generic]] = {
    "boxes": np.float64,
    "scores": np.float64,
    "labels": np.int64,
    "crowd": np.bool_,
    "areas": np.float64,
    "ids": np.int64,
}


def picture_record(sample: Sample, rows: Sequence[ArmPicture]) -> Record:
    """A sample and its row in every arm. What was found in a picture stands once, whatever arms delivered it; of a
    blur, the kernel is left out: nothing that follows asks for it.
    """
    blur = sample.blur
    return {
        "id": sample.id,
        "file_name": sample.file_name,
        "sharp": None if sample.sharp is None else _picture_record(sample.sharp),
        "blurred": _picture_record(sample.blurred),
        "truth": _lists(sample.truth),
        "blur": None if blur is None else [blur.kind, dict(blur.parameters), blur.severity_px],
        "views": {row.picture.sha256: _view_record(row) for row in rows},
        "arms": [[row.arm, row.picture.sha256, _restored_record(row.restored)] for row in rows],
    }


def picture_from_record(record: Record) -> tuple[Sample, list[ArmPicture]]:
    """The inverse of `picture_record`, its pictures known by digest and size alone; raises KeyError, TypeError or
    ValueError for anything else.
    """
    blur = record["blur"]
    sample = Sample(
        int(record["id"]),
        str(record["file_name"]),
        None if record["sharp"] is None else _picture(record["sharp"]),
        _picture(record["blurred"]),
        GroundTruth(**_columns(record["truth"])),
        None if blur is None else Blur(*blur),
    )
    views = {sha256: _view(view) for sha256, view in record["views"].items()}
    return sample, [
        ArmPicture(arm, sample, views[sha256][0], *views[sha256][1:], _restored(views[sha256][0], restored))
        for arm, sha256, restored in record["arms"]
    ]


def _view_record(row: ArmPicture) -> Record:
    return {
        "picture": _picture_record(row.picture),
        "found": _lists(row.found),
        "quality": None if row.quality is None else asdict(row.quality),
    }


def _view(record: Record) -> tuple[Picture, Detections, Quality | None]:
    quality = record["quality"]
    found = Detections(**_columns(record["found"]))
    return _picture(record["picture"]), found, None if quality is None else Quality(**quality)


def _restored_record(restored: Restored | None) -> Record | None:
    """All but the picture."""
    return None if restored is None else {key: value for key, value in vars(restored).items() if key != "picture"}


def _restored(picture: Picture, record: Record | None) -> Restored | None:
    return None if record is None else Restored(picture, **record)


def _picture_record(picture: Picture) -> list[Any]:
    return [picture.sha256, picture.width, picture.height]


def _picture(record: Sequence[Any]) -> Picture:
    sha256, width, height = record
    if not isinstance(sha256, str) or len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError(f"a picture's SHA-256 has 64 hexadecimal digits, not {sha256!r}")

    def load() -> Image:
        raise DataError(f"picture {sha256[:16]} is not among those that its shard kept; measure that shard again")

    return Picture(sha256, int(width), int(height), load)


def _lists(columns: GroundTruth | Detections) -> dict[str, Any]:
    return {name: column.tolist() for name, column in vars(columns).items()}


def _columns(record: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    columns = {name: np.array(values, _DTYPES[name]) for name, values in record.items()}
    return {**columns, "boxes": columns["boxes"].reshape(-1, 4)}

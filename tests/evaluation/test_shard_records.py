"""A picture's measurements as a line of JSON, and back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detbench.core.arm import Arm
from detbench.errors import DataError
from detbench.evaluation.measure.blur_estimates import FoundBlur
from detbench.evaluation.measure.measured import ArmPicture, Measurements
from detbench.evaluation.measure.steps import Restored
from detbench.evaluation.shard_records import picture_line, read_picture_line
from detbench.types import Blur, Kernel, Picture, Sample

FINDS = {"sharp": (21, 22), "blurred": (), "net": (22,), "sharp+net": (21,)}
MakeMeasured = Callable[..., Measurements]


def first_rows(measured: Measurements) -> tuple[Sample, list[ArmPicture]]:
    """The first picture and its rows."""
    return measured.samples[0], [rows[0] for rows in measured.rows.values()]


def test_a_picture_comes_back(make_measured: MakeMeasured) -> None:
    """Truth, detections to the last bit, quality with its None, arms in their order, time and blur but its kernel."""
    quality = {"net": ({"psnr_db": None, "ssim": 1 / 3}, {})}
    sample, rows = first_rows(make_measured(FINDS, score=1 / 7, quality=quality, restore_ms={"net": (0.1 + 0.2, 1)}))
    sample = replace(sample, blur=Blur("trajectory", {"seed": 3}, 6.5, Kernel.none("linear")))
    again, rows_again = read_picture_line(picture_line(sample, rows))
    assert (again.id, again.file_name) == (9, "9.png")
    assert (again.sharp, again.blurred) == (sample.sharp, sample.blurred)
    assert again.blur is not None
    assert (again.blur.kind, again.blur.parameters, again.blur.severity_px) == ("trajectory", {"seed": 3}, 6.5)
    assert again.blur.kernel is None
    for name, column in vars(sample.truth).items():
        assert np.array_equal(getattr(again.truth, name), column)
        assert getattr(again.truth, name).dtype == column.dtype
    assert [row.arm.name for row in rows_again] == list(FINDS)
    for row, row_again in zip(rows, rows_again, strict=True):
        assert row_again.picture == row.picture
        assert row_again.quality == row.quality
        assert row_again.restored == row.restored
        for name, column in vars(row.found).items():
            assert np.array_equal(getattr(row_again.found, name), column)


def test_a_found_blur_comes_back(make_measured: MakeMeasured) -> None:
    """What a deblurrer found is there with the digests of its kernels' pictures, and so are its tiles."""
    sample, rows = first_rows(make_measured(FINDS))
    kernel = Picture("a" * 64, 33, 33, lambda: np.zeros((33, 33, 3), np.uint8))
    blur = FoundBlur("gamma", 4, 0.75, kernel, None)
    row = replace(rows[2], restored=Restored(rows[2].picture, 5.0, True, 250_000, blur, 210.5), detect_ms=3.5)
    (again,) = read_picture_line(picture_line(sample, [row]))[1]
    assert (again.restored, again.detect_ms) == (row.restored, 3.5)
    assert [picture.sha256 for picture in again.pictures] == [row.picture.sha256, "a" * 64]


def test_a_view_stands_once(make_measured: MakeMeasured) -> None:
    """Arms that delivered one picture share what was found in it, in the line and when it is read."""
    sample, rows = first_rows(make_measured(FINDS))
    same = replace(rows[1], arm=Arm("blurred", "identity"), restored=Restored(sample.blurred, 1.0, False))
    line = picture_line(sample, [*rows, same])
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert (len(json.loads(line)["views"]), len(json.loads(line)["arms"])) == (4, 5)
    read = read_picture_line(line)[1]
    assert read[4].packed is read[1].packed


def test_pixels_are_not_in_the_line(make_measured: MakeMeasured) -> None:
    """A picture that was read is known by its digest; its pixels are a message that says what to do."""
    read, _ = read_picture_line(picture_line(*first_rows(make_measured(FINDS))))
    with pytest.raises(DataError, match="is not among those that its shard kept; measure that shard again"):
        read.blurred.load()


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(id=-1),
        lambda record: record["truth"]["labels"].pop(),
        lambda record: record["truth"]["boxes"][0].pop(),
        lambda record: record.update(blurred=["../up", 100, 80]),
        lambda record: record.update(blurred=["0" * 64, 0, 80]),
        lambda record: record.update(file_name="\ud800"),
        lambda record: record["views"].clear(),
        lambda record: record["arms"][0].__setitem__(1, "f" * 64),
        lambda record: record.pop("truth"),
    ],
)
def test_what_no_shard_writes_is_refused(make_measured: MakeMeasured, change: Callable[[Any], object]) -> None:
    """Columns of unequal length, numbers out of range, a digest that is a path or of no view: all are refused."""
    record = json.loads(picture_line(*first_rows(make_measured(FINDS))))
    change(record)
    with pytest.raises((ValueError, KeyError)):
        read_picture_line(json.dumps(record).encode())

"""Found boxes in fewer bytes give back every bit."""

import numpy as np
import pytest

from detbench.evaluation.measure.measured import PackedDetections, PackedQuality
from detbench.types import Detections

RNG = np.random.default_rng(0)
SINGLE = RNG.uniform(0, 2000, (50, 4)).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize(
    ("boxes", "labels", "bytes_per_box"),
    [
        (SINGLE, np.arange(50), 22),
        (SINGLE + 1e-9, np.arange(50), 38),
        (SINGLE * 1e300, np.arange(50), 38),
        (SINGLE, np.arange(50) + 40_000, 28),
        (SINGLE, np.arange(50) + 2**50, 28),
    ],
)
def test_nothing_is_lost(boxes: np.ndarray, labels: np.ndarray, bytes_per_box: int) -> None:
    """Columns that a smaller type holds exactly take it, others stay as they are."""
    found = Detections(boxes, np.full(50, 0.5), labels.astype(np.int64))
    packed = PackedDetections.of(found)
    assert len(packed.content) == 50 * bytes_per_box
    for name, column in vars(packed.unpacked()).items():
        assert column.dtype == getattr(found, name).dtype
        assert column.tobytes() == getattr(found, name).tobytes()


def test_no_boxes_are_packed_too() -> None:
    """A picture without detections gives back columns of length 0."""
    packed = PackedDetections.of(Detections(np.empty((0, 4)), np.empty(0), np.empty(0, np.int64)))
    assert (packed.content, packed.unpacked().boxes.shape, len(packed.unpacked())) == (b"", (0, 4), 0)


def test_packed_quality_is_the_mapping() -> None:
    """Keys keep their order, numbers their bits, and what is undefined is None; two of one set of keys share it."""
    quality = {"ssim": 1 / 3, "psnr_db": None, "rings": 0.0}
    packed = PackedQuality(quality)
    assert list(packed.items()) == list(quality.items())
    assert (packed.get("lpips"), "lpips" in packed, len(packed)) == (None, False, 3)
    assert PackedQuality(dict(quality))._keys is packed._keys

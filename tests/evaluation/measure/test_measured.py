"""Found boxes in fewer bytes give back every bit."""

import numpy as np
import pytest

from detbench.evaluation.measure.measured import PackedDetections
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
    assert sum(column.nbytes for column in vars(packed).values()) == 50 * bytes_per_box
    for name, column in vars(packed.unpacked()).items():
        assert column.dtype == getattr(found, name).dtype
        assert column.tobytes() == getattr(found, name).tobytes()

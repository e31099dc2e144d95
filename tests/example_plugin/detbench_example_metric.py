"""A metric for detbench in one file: the difference in mean brightness to the sharp picture."""

import numpy as np
from numpy.typing import NDArray

from detbench.types import MetricSpec

BRIGHTNESS_ERROR = MetricSpec(
    key="brightness_error",
    title="Brightness error",
    unit="levels",
    better="lower",
    definition="absolute difference of the mean of all values, 0..255, to that of the sharp picture",
    style="number",
    decimals=2,
    function="detbench_example_metric:brightness_error",
)


def brightness_error(restored: NDArray[np.uint8], sharp: NDArray[np.uint8]) -> float:
    """RGB, shape (H, W, 3), 0..255, both of one size; 0 where the means are the same."""
    return abs(float(restored.mean()) - float(sharp.mean()))

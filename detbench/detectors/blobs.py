"""Finds plain discs and squares by their colour: the detector that needs no weights.

It proves an installation and drives the tests: on pictures of saturated shapes before a duller background it finds
nearly everything, and it fails under blur for the reasons that a trained detector does: colours of small things thin
out into their background, and edges spread.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.types import Detections, Image

_HUES = {"red disc": 0, "yellow square": 30, "green disc": 60, "blue square": 120}
"""OpenCV's 8-bit hue, degrees / 2, of each class."""


@dataclass(frozen=True)
class Blobs:
    """Connected regions of one hue, each as its bounding box.

    A pixel belongs to a class where its hue lies within `hue_tolerance` degrees, and its HSV saturation and value
    reach `min_saturation` and `min_value` (0..1). Regions smaller than `min_area_px` are noise.
    A score is the region's mean saturation times how well its share of the box fits the shape: π/4 for a disc,
    1 for a square.
    """

    classes: ClassVar[tuple[str, ...]] = tuple(_HUES)
    hue_tolerance: float = 24.0
    min_saturation: float = 0.6
    min_value: float = 0.3
    min_area_px: int = 20

    def __call__(self, image: Image, /) -> Detections:
        """Find every region in a picture, shape (H, W, 3); boxes bound whole pixels."""
        hsv = np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV), np.uint8)
        hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
        vivid = (saturation >= 255 * self.min_saturation) & (value >= 255 * self.min_value)
        rows = [
            (*box, score, label)
            for label, (name, centre) in enumerate(_HUES.items())
            for box, score in self._regions(vivid & self._near(hue, centre), saturation, name)
        ]
        table = np.array(rows, np.float64).reshape(-1, 6)
        return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))

    def _near(self, hue: NDArray[np.uint8], centre: int) -> NDArray[np.bool_]:
        """Where a hue lies near `centre` on the colour circle, which closes at 180."""
        near: NDArray[np.bool_] = np.abs((hue.astype(np.int16) - centre + 90) % 180 - 90) <= self.hue_tolerance / 2
        return near

    def _regions(
        self, mask: NDArray[np.bool_], saturation: NDArray[np.uint8], name: str
    ) -> Iterator[tuple[list[int], float]]:
        """Box and score of each region of `mask`; both arrays have shape (H, W)."""
        count, regions, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        total = np.bincount(regions.ravel(), saturation.ravel(), minlength=count)
        expected_fill = np.pi / 4 if name.endswith("disc") else 1.0
        for (left, top, width, height, area), summed in zip(stats[1:].tolist(), total[1:], strict=True):
            if area >= self.min_area_px:
                fill = area / (width * height)
                fit = min(fill, expected_fill) / max(fill, expected_fill)
                yield [left, top, left + width, top + height], float(summed / area / 255 * fit)

"""What a graph from another tool needs around it: its range of values, its sizes, tiles, and checks of its output."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.core.images import pad_to_multiple
from detbench.deblurrers.tiling import OVERLAP, FloatImage, blend_tiles, restore_tiled
from detbench.errors import BackendError
from detbench.types import Image

SMALLEST_SIDE = 8
"""Sides are at least as long: graphs that halve and reflect their picture cannot take less."""

Run = Callable[[NDArray[np.float32]], NDArray[np.floating]]
"""Through the graph: shape (1, 3, H, W) in and out, values in the graph's own range."""


@dataclass(frozen=True)
class ValueRange:
    """The values of black and white in a graph's input and output."""

    black: float
    white: float

    @classmethod
    def parse(cls, text: str) -> "ValueRange":
        """From `0..1`, `-1..1` or `0..255`."""
        black, white = text.split("..")
        return cls(float(black), float(white))

    def of_image(self, image: Image) -> NDArray[np.float32]:
        """A picture, shape (H, W, 3), as the graph takes it, shape (1, 3, H, W)."""
        shares = image.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return np.ascontiguousarray(shares * (self.white - self.black) + self.black, dtype=np.float32)

    def to_shares(self, values: NDArray[np.floating]) -> FloatImage:
        """What the graph gave, shape (1, 3, H, W), as shares of white, shape (H, W, 3)."""
        shares = (values[0].astype(np.float32) - self.black) / (self.white - self.black)
        return np.asarray(shares.transpose(1, 2, 0), dtype=np.float32)


def restore_by_graph(
    image: Image,
    run: Run,
    value_range: ValueRange,
    *,
    multiple: int,
    fixed_size: tuple[int, int] | None,
    max_pixels: int,
    name: str,
) -> Image:
    """A picture of any size, shape (H, W, 3), through a graph.

    A graph of a `fixed_size` (height, width) sees the picture in tiles of that size; another sees it whole, extended
    by reflection to a `multiple`, and pictures of more than `max_pixels` in tiles. Raises BackendError where the graph
    changes the size or gives numbers that are not finite.
    """

    def restore(tile: Image) -> FloatImage:
        given = value_range.of_image(tile)
        made = run(given)
        if made.shape != given.shape:
            raise BackendError(f"{name}: gave shape {made.shape} for {given.shape}; a deblurrer keeps the size")
        if not np.isfinite(made).all():
            raise BackendError(f"{name}: gave numbers that are not finite; is its range right (range=-1..1)?")
        return value_range.to_shares(made)

    height, width = image.shape[:2]
    if fixed_size is None:
        padded = pad_to_multiple(image, SMALLEST_SIDE) if min(height, width) < SMALLEST_SIDE else image
        shares = restore_tiled(padded, restore, max_pixels, OVERLAP, multiple)
    else:
        missing = [max(side - own, 0) for side, own in zip(fixed_size, (height, width), strict=True)]
        padded = np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="reflect")
        shares = blend_tiles(padded, restore, fixed_size, min(OVERLAP, (min(fixed_size) - 1) // 2))
    levels: FloatImage = np.rint(shares[:height, :width].clip(0, 1) * 255)
    return levels.astype(np.uint8)

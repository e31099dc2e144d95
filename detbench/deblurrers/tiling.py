"""Large pictures through a function that takes small ones: overlapping tiles, blended; nothing is resized."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detbench.core.images import pad_to_multiple
from detbench.deblurrers.memory_errors import memory_errors
from detbench.types import Image

FloatImage = NDArray[np.float32]

MAX_PIXELS = 2 * 1024 * 1024
"""Pictures of more pixels are restored in tiles by networks. It takes full HD (1920x1088) whole.

64 feature maps of such a picture, which the built-in networks have, are 0.5 GiB in single precision, and a few are held
at a time.
"""

OVERLAP = 128
"""Pixels that neighbouring tiles share; the 32 outermost of a tile, nearest to its made-up border, are dropped."""


def restore_tiled(
    image: Image, restore: Callable[[Image], FloatImage], max_pixels: int, overlap: int, multiple: int
) -> FloatImage:
    """Run `restore`, which keeps the size, over a picture in tiles of at most `max_pixels`: (H, W, C) to (H, W, 3).

    The picture is extended by reflection to `multiple`, so `restore` only sees sides that divide by it, and cropped
    again. Where that fits into `max_pixels` it is called once. Tiles share at least `overlap` pixels (a multiple of
    `multiple`); the outer quarter of a tile's share is dropped and the middle half fades linearly into the
    neighbour. A function whose receptive field reaches at most `overlap` / 4 from a pixel gives the
    same as without tiles. `max_pixels` must leave room for tiles of more than two overlaps a side.
    """
    padded = pad_to_multiple(image, multiple)
    rows, columns = _tile_sides(padded.shape[0], padded.shape[1], max_pixels, multiple)
    return blend_tiles(padded, restore, (rows, columns), overlap)[: image.shape[0], : image.shape[1]]


def blend_tiles(
    image: Image, restore: Callable[[Image], FloatImage], sides: tuple[int, int], overlap: int
) -> FloatImage:
    """Run `restore` over a picture, (H, W, C), in tiles of just these sides (rows, columns), blended as above.

    The picture is at least as large as a tile; where it is one, `restore` is called once. Raises MemoryError where a
    tile is more than the memory of the library that restores it.
    """
    rows, columns = sides
    if (rows, columns) == image.shape[:2]:
        with memory_errors():
            return restore(image)
    blended = np.zeros((*image.shape[:2], 3), dtype=np.float32)
    total = np.zeros((*image.shape[:2], 1), dtype=np.float32)
    for top in _starts(image.shape[0], rows, overlap):
        for left in _starts(image.shape[1], columns, overlap):
            place = np.s_[top : top + rows, left : left + columns]
            down = _fade(top, rows, image.shape[0], overlap)
            across = _fade(left, columns, image.shape[1], overlap)
            weights = (down[:, None] * across)[..., None]
            with memory_errors():
                blended[place] += weights * restore(image[place])
            total[place] += weights
    blended /= total
    return blended


def _tile_sides(height: int, width: int, max_pixels: int, multiple: int) -> tuple[int, int]:
    """Take the whole picture where it fits, else squares, longer along one side where the other is short."""
    if height * width <= max_pixels:
        return height, width
    square = int(max_pixels**0.5)
    rows = min(height, max_pixels // min(width, square))
    columns = min(width, max_pixels // rows)
    return rows // multiple * multiple, columns // multiple * multiple


def _starts(length: int, side: int, overlap: int) -> list[int]:
    if side < length and side <= 2 * overlap:
        raise ValueError(f"tiles of {side} px cannot overlap by {overlap} px on both sides")
    return [*range(0, length - side, side - overlap), length - side]


def _fade(start: int, side: int, length: int, overlap: int) -> FloatImage:
    """Weight of each row or column of a tile: 1 within, falling to 0 where it meets a neighbour."""
    ramp = np.clip((np.arange(side) + 0.5 - overlap / 4) / (overlap / 2), 0, 1)
    weights = np.ones(side)
    if start > 0:
        weights = weights * ramp
    if start + side < length:
        weights = weights * ramp[::-1]
    return weights.astype(np.float32)

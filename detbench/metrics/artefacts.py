"""What a deblurrer adds that its input does not have: ringing, another colour, seams, clipped values, a grid.

Each takes the restored picture and the blurred one that it was made from, both (H, W, 3), 0..255, and is exactly 0
where these are equal. Luminance is BT.601's.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.metrics.checkerboard import peak_db, tiles_of
from detbench.types import Image

Values = NDArray[np.float32]

_AROUND_PX = 12
"""How far from an edge ringing is looked for, and how far the input's own range reaches."""
_SLOW_PX = 33
"""What varies more slowly is brightness, no ringing."""
_EDGE_SHARE = 0.05
"""The steepest pixels of the input are its edges."""
_LEAST_SLOPE = 4.0
"""Of an edge, in levels per pixel."""
_CELLS = (4, 3)
"""Colours are compared between so many columns and rows: means that blur hardly moves."""
_LEAST_PERIOD_PX, _FEWEST_SEAMS = 8, 3
_BESIDE_SEAM_PX = (2, 3, 4, 5, 6)
_STANDS_OUT = 1.5
"""A seam is a jump so many times as large as the largest beside it."""
_MOST_TILES = 32
_MOST_DB = 60.0
"""A grid alone has no surroundings but rounding."""


def ringing(image: Image, blurred: Image) -> float:
    """Mean overshoot around edges, in levels: how far the restored luminance leaves the range of the input's.

    Over the pixels within 12 px of the input's edges, the mean of max(0, R − max B, min B − R), where max B and min B
    are over the input's pixels within 12 px. R is the input plus the change without what varies over more than 33 px
    (brightness) and without periods of 2 and 4 px (a grid). Edges are the steepest 5 % of the pixels, from 4 levels per
    pixel on. 0 where there is no edge. Both pictures are halved first.

    The overshoot is that of Marziliano et al. 2004, "Perceptual blur and ringing metrics: application to JPEG2000"
    (doi 10.1016/j.image.2003.08.003), taken over both directions. A sharp picture also leaves the range of its strongly
    blurred twin, where thin lines had been smeared.
    """
    theirs = _halved(blurred)
    around, slow = np.ones((_AROUND_PX + 1,) * 2, np.uint8), (_SLOW_PX // 2 + 1,) * 2
    near = cv2.dilate(_edges(theirs), around) > 0
    if not near.any():
        return 0.0
    change = _halved(image) - theirs
    restored = theirs + cv2.blur(change, (2, 2)) - cv2.blur(change, slow)
    over = np.maximum(restored - cv2.dilate(theirs, around), cv2.erode(theirs, around) - restored)
    return float(np.maximum(over[near], 0).mean())


def _halved(image: Image) -> Values:
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    height, width = (max(1, side // 2) for side in luminance.shape)
    return np.asarray(cv2.resize(luminance, (width, height), interpolation=cv2.INTER_AREA))


def _edges(halved: Values) -> NDArray[np.uint8]:
    slope = cv2.magnitude(*(cv2.Sobel(halved, cv2.CV_32F, *way, scale=1 / 16) for way in ((1, 0), (0, 1))))
    return (slope >= max(_LEAST_SLOPE, float(np.quantile(slope[::2, ::2], 1 - _EDGE_SHARE)))).astype(np.uint8)


def colour_shift(image: Image, blurred: Image) -> float:
    """Mean distance of the two pictures' colours in a and b of CIELAB, over 4 × 3 parts of the picture.

    A difference of 2.3 is just noticeable (Mahy et al. 1994, doi 10.1002/col.5080190205). Brightness, L, is left out.
    """
    ours, theirs = (_colours(each) for each in (image, blurred))
    return float(np.linalg.norm(ours - theirs, axis=-1).mean())


def _colours(image: Image) -> Values:
    """a and b of the means of the picture's parts, (rows, columns, 2)."""
    parts = cv2.resize(image, _CELLS, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(parts, cv2.COLOR_RGB2LAB)[..., 1:])


def seams(image: Image, blurred: Image) -> float:
    """The jump at the edges of tiles, in levels: what the deblurrer changed is different on the two sides.

    For each pair of neighbouring columns the mean jump of the change; a pair counts by what its jump has more than 1.5
    times the largest of those 2 to 6 px beside it. The value is that of the least of at least 3 such pairs in equal
    distances of 8 px or more, over the whole width; the same for rows, and the larger of both. So seams are only seen
    in pictures of at least 3 tiles in a row or column.
    """
    ours, theirs = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float32) for each in (image, blurred))
    change = ours - theirs
    return max(_regular_jump(change), _regular_jump(np.ascontiguousarray(change.T)))


def _regular_jump(change: Values) -> float:
    jumps = np.abs(np.diff(change, axis=1)).mean(axis=0)
    beside = np.max([np.roll(jumps, side * step) for step in _BESIDE_SEAM_PX for side in (1, -1)], axis=0)
    excess = np.maximum(jumps - _STANDS_OUT * beside, 0)
    if np.count_nonzero(excess) < _FEWEST_SEAMS:
        return 0.0
    periods = range(_LEAST_PERIOD_PX, len(excess) // _FEWEST_SEAMS + 1)
    return max((_least_of_period(excess, period) for period in periods), default=0.0)


def _least_of_period(excess: Values, period: int) -> float:
    rows = len(excess) // period
    return float(excess[: rows * period].reshape(rows, period).min(axis=0).max())


def clipped(image: Image, blurred: Image) -> float:
    """Share of the pixels that have a channel at 0 or 255 and had none there in the input."""
    ours, theirs = (_at_an_end(each) for each in (image, blurred))
    return float((ours & ~theirs).mean())


def _at_an_end(image: Image) -> NDArray[np.bool_]:
    at_an_end = image + np.uint8(1) < 2  # 255 + 1 is 0
    return np.asarray(at_an_end[..., 0] | at_an_end[..., 1] | at_an_end[..., 2])


def grid_db(image: Image, blurred: Image) -> float | None:
    """How far the change's spectrum rises at periods of 2 and 4 px above its surroundings, in dB; 0 is no grid.

    `checkerboard_db` of luminance, in at most 32 tiles of 64×64, evenly spread, and at most 60. It says how regular a
    grid is, not how strong. None below 64 pixels of side.
    """
    ours, theirs = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float32) for each in (image, blurred))
    tiles = tiles_of((ours - theirs)[..., None])
    if not len(tiles):
        return None
    peak = peak_db(tiles[:: math.ceil(len(tiles) / _MOST_TILES)]) or 0.0
    return min(max(0.0, peak), _MOST_DB)

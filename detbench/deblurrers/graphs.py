"""What a graph from another tool needs around it: its range of values, its sizes, tiles, and checks of its output."""

from collections.abc import Callable, Sequence
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


OVERSHOOT, MOST_BEYOND = 0.25, 0.1
"""Sharpening overshoots black and white. Beyond a quarter of the range it does so in a few values, less than this
share; a graph of another range does so in most.
"""

FAR, MOST_FAR = 8.0, 0.001
"""No overshoot is eight times the range, but for this share of values: in a dark picture, few show another range."""


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
        return np.ascontiguousarray(self.of_shares(shares), dtype=np.float32)

    def of_shares(self, shares: NDArray[np.floating]) -> NDArray[np.floating]:
        """Shares of white as the graph's values."""
        return shares * (self.white - self.black) + self.black

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
    changes the size, or gives numbers that are not finite or not of its range.
    """

    def restore(tile: Image) -> FloatImage:
        given = value_range.of_image(tile)
        made = run(given)
        if made.shape != given.shape:
            raise BackendError(f"{name}: gave shape {made.shape} for {given.shape}; a deblurrer keeps the size")
        _check_type(made, name)
        return value_range.to_shares(made)

    height, width = image.shape[:2]
    if fixed_size is None:
        padded = pad_to_multiple(image, SMALLEST_SIDE) if min(height, width) < SMALLEST_SIDE else image
        shares = restore_tiled(padded, restore, max_pixels, OVERLAP, multiple)
    else:
        missing = [max(side - own, 0) for side, own in zip(fixed_size, (height, width), strict=True)]
        padded = np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="reflect")
        shares = blend_tiles(padded, restore, fixed_size, min(OVERLAP, (min(fixed_size) - 1) // 2))
    shares = shares[:height, :width]
    _check_range(shares, image, value_range, name)
    levels: FloatImage = np.rint(shares.clip(0, 1) * 255)
    return levels.astype(np.uint8)


def choose_output(output: str | None, names: Sequence[str], name: str) -> int:
    """The index of the output that `output` names, by name or by index; of a graph with one output, that one.

    Raises BackendError where there are several and none is named, or none of that name.
    """
    if output is None and len(names) == 1:
        return 0
    if output is not None and output in names:
        return list(names).index(output)
    if output is not None and output.isdecimal() and int(output) < len(names):
        return int(output)
    wrong = f"has {len(names)} outputs" if output is None else f"has no output {output!r}"
    raise BackendError(
        f"{name}: {wrong}: it gives {', '.join(names)}; say which is the restored picture, by name or by place from 0 "
        "on: ,output=NAME"
    )


def _check_type(made: NDArray[np.generic], name: str) -> None:
    if made.dtype.kind != "f":
        raise BackendError(f"{name}: gave {made.dtype} values; export it with a float output on the scale of its input")
    if not np.isfinite(made).all():
        raise BackendError(f"{name}: gave numbers that are not finite; is its range right (range=-1..1)?")


def _check_range(restored: FloatImage, image: Image, value_range: ValueRange, name: str) -> None:
    """Raise BackendError where a picture, in unclipped shares of white, shows that the graph's output has another range
    than its input: it lies far outside, or all in the lighter half or in the blackest two levels where the picture
    itself does not. Both have shape (H, W, 3).
    """
    given = image / np.float32(255)
    beyond = np.maximum(-restored, restored - 1)
    is_outside = (beyond > OVERSHOOT).mean() > MOST_BEYOND or (beyond > FAR).mean() > MOST_FAR
    is_light = (restored < 0.45).mean() < MOST_FAR and (given < OVERSHOOT).mean() > MOST_BEYOND
    is_black = (restored > 2 / 255).mean() < MOST_FAR and (given > OVERSHOOT).mean() > MOST_BEYOND
    if is_outside or is_light or is_black:
        took, gave = (_spread(value_range.of_shares(shares)) for shares in (given, restored))
        raise BackendError(
            f"{name}: gave {gave} for a picture of {took}: its output is not of the range "
            f"{value_range.black:g}..{value_range.white:g}; name another (range=0..1, -1..1 or 0..255), or export the "
            "graph with its output on the scale of its input"
        )


def _spread(values: NDArray[np.floating]) -> str:
    return f"values {values.min():.4g}..{values.max():.4g} (mean {values.mean():.4g})"

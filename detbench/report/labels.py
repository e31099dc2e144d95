"""Where names stand beside their points, so that no name covers another, a point, or the edge of the plot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

_POINT_PT = 5.0
"""Half the side of the square that a point takes."""
_DISTANCES_PT = (8.0, 18.0, 28.0)
"""Farther away nobody would see which point is meant."""
_DIRECTIONS = ((1, 0.5), (1, -0.5), (-1, 0.5), (-1, -0.5), (0, 1), (0, -1), (1, 1.5), (-1, 1.5), (1, -1.5), (-1, -1.5))


@dataclass(frozen=True)
class Box:
    """A rectangle in points; y goes upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def is_within(self, width: float, height: float) -> bool:
        """Whether the box lies between (0, 0) and (width, height)."""
        return self.left >= 0 and self.bottom >= 0 and self.right <= width and self.top <= height

    def is_beside(self, x: float, y: float) -> bool:
        """Whether the box is so near to a point that no line has to join them."""
        across, up = max(self.left - x, x - self.right, 0), max(self.bottom - y, y - self.top, 0)
        return across <= _DISTANCES_PT[1] and up <= _DISTANCES_PT[0]


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    room: tuple[float, float],
    taken: Sequence[Box] = (),
) -> list[Box | None]:
    """A box of each size near its point, the nearest that is free; None where none is.

    Points are (x, y), sizes (width, height) of the boxes and of the room from (0, 0) on, all in points. No box covers
    another, one of those `taken`, a point, or the room's edge.
    """
    full = [*taken, *(Box(x - _POINT_PT, y - _POINT_PT, x + _POINT_PT, y + _POINT_PT) for x, y in points)]
    placed: list[Box | None] = []
    for point, size in zip(points, sizes, strict=True):
        free = (box for box in _candidates(point, size) if box.is_within(*room) and not any(map(box.overlaps, full)))
        placed.append(next(free, None))
        full += [box for box in placed[-1:] if box is not None]
    return placed


def _candidates(point: tuple[float, float], size: tuple[float, float]) -> Iterator[Box]:
    """Boxes around a point, the nearest first."""
    (x, y), (width, height) = point, size
    for distance, (across, up) in product(_DISTANCES_PT, _DIRECTIONS):
        left = x + across * distance - (0.5 - 0.5 * across) * width
        bottom = y + up * distance - (0.5 - 0.5 * max(-1, min(1, up))) * height
        yield Box(left, bottom, left + width, bottom + height)

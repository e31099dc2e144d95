"""The lines of YOLO's label files: a class, and then numbers of which the format does not say what they are.

    4 numbers             a box: centre x, centre y, width, height, in shares of the picture
    6, 8, 10, …           an outline of 3, 4, 5, … corners; of 4 an oriented box too: the box around it is meant
    4 + n·d               a box and n key points of d numbers each, where `kpt_shape: [n, d]` says so

Key points without `kpt_shape`, and the columns of trackers, can have as many numbers as outlines do. All lines that
are alike are held against what outlines look like, and what may be no outline is refused.

Formats: https://docs.ultralytics.com/datasets/
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detbench.errors import DataError

KeyPoints = tuple[int, int]
"""How many key points a line has, and of how many numbers each; (0, 0) for none."""

DECIMALS = 9
"""Coordinates are rounded to a billionth of a pixel, so that whole pixels come back whole from shares."""

MOST_NUMBERS = 600
"""Key points have fewer: the 133 of a whole body have 399."""

LINES_TRIED = 500
"""So many lines that are alike are enough to tell outlines from key points."""

TOLERANCE = 0.01
"""In shares of the picture: boxes and key points may be rounded, or lie on the border."""

MANY_CORNERS, SEVERAL_LINES = 8, 3
"""Key points joined in their order cross themselves, unless they go round their box: so many do, in so many lines."""

DOTA = re.compile(r"(-?[\d.]+\s+){8}\S*[^\d\s.-]\S*(\s+\d+)?|(imagesource|gsd):.*")
"""A line of DOTA's own labels: four corners in pixels, then the class by its name, and how difficult it is."""


@dataclass(frozen=True, slots=True)
class LabelLine:
    """One line of a file, counted from 1: the class from 0, and its numbers, of a box with key points the box alone."""

    file: Path
    number: int
    label: int
    shares: tuple[float, ...]

    @property
    def is_outline(self) -> bool:
        """Whether its numbers are corners."""
        return len(self.shares) > 4

    def box_xywh(self, width: int, height: int) -> list[float]:
        """Left, top, width and height in pixels of its box, or of the box around its outline."""
        if self.is_outline:
            across, down = [x * width for x in self.shares[::2]], [y * height for y in self.shares[1::2]]
            left, top = min(across), min(down)
            box = (left, top, max(across) - left, max(down) - top)
        else:
            x, y, across_share, down_share = self.shares
            left, top = (x - across_share / 2) * width, (y - down_share / 2) * height
            box = (left, top, across_share * width, down_share * height)
        return [round(value, DECIMALS) for value in box]


def parsed_lines(
    file: Path, content: bytes, classes: int, key_points: KeyPoints | None
) -> tuple[list[LabelLine], list[str]]:
    """The lines of a label file, and what is wrong with the others; raises DataError where it is no text."""
    try:
        texts = content.decode("utf-8-sig").splitlines()
    except ValueError as error:
        raise DataError(f"{file}: not a text file ({error}); write labels as plain text") from None
    lines, faults = [], []
    for number, text in enumerate(texts, start=1):
        if text.strip():
            try:
                lines.append(LabelLine(file, number, *_parsed(text, classes, key_points)))
            except ValueError as fault:
                faults.append(f"{file} line {number}: {fault}")
    return lines, faults


def _parsed(text: str, classes: int, key_points: KeyPoints | None) -> tuple[int, tuple[float, ...]]:
    """Class and numbers of one line; raises ValueError with what is wrong with it."""
    words = text.split()
    try:
        label, *shares = map(float, words)
    except ValueError:
        raise ValueError(_no_numbers(text.strip())) from None
    if not label.is_integer() or not 0 <= label < classes:
        raise ValueError(f"class is {words[0]}, but classes count from 0 to {classes - 1}; correct it or `names:`")
    _check_count(len(shares), key_points)
    if not all(math.isfinite(share) for share in shares):
        raise ValueError(f"holds {text.strip()!r}; every number must be finite")
    if key_points and key_points[0]:
        shares = shares[:4]
    if len(shares) == 6 and any(share > 1 and share.is_integer() for share in shares):
        raise ValueError(f"holds 7 numbers, {max(shares):g} among them: a tracker's id? A box has 5; remove the others")
    if max(shares) > 2:
        raise ValueError(f"holds {max(shares):g}: pixels? Divide x and width by the picture's width, y by its height")
    return int(label), tuple(shares)


def _no_numbers(text: str) -> str:
    if DOTA.fullmatch(text):
        return f"holds {text!r}, DOTA's own label, in pixels; convert it to YOLO's: class, then 4 corners in shares"
    return f"holds {text!r}; it must be numbers with spaces between"


def _check_count(count: int, key_points: KeyPoints | None) -> None:
    """Raise ValueError for a line whose numbers after the class are neither a box nor what else may stand there."""
    held = f"holds {count + 1} numbers"
    if count == 4:
        return
    if key_points and key_points[0]:
        points, size = key_points
        if count != 4 + points * size:
            raise ValueError(f"{held}; with kpt_shape [{points}, {size}] it has 5 or {5 + points * size}: correct one")
    elif count == 5:
        raise ValueError(f"{held}, a confidence too many, or a tracker's id: give the true boxes, not a detector's")
    elif count < 6 or count % 2:
        pose = f"; of key points, data.yaml must have `kpt_shape: [{(count - 4) // 3}, 3]`" if count % 3 == 1 else ""
        raise ValueError(f"{held}; a box has 5: class, centre x, centre y, width, height{pose if count > 6 else ''}")


def check_outlines(lines: Sequence[LabelLine]) -> None:
    """Raise DataError where lines of more than four numbers may be no outlines.

    Only lines with the same count as more than half of them are tried: key points and trackers' columns always have it,
    outlines seldom.
    """
    counts = Counter(len(line.shares) for line in lines if line.is_outline)
    count, alike = max(counts.items(), key=lambda item: item[1], default=(0, 0))
    if 2 * alike <= counts.total() or count > MOST_NUMBERS:
        return
    chosen = [line for line in lines if len(line.shares) == count][:LINES_TRIED]
    found = _other_than_outlines([line.shares for line in chosen])
    if found:
        size = 3 if count % 3 == 1 and "whole" in found else 2
        first = f"{chosen[0].file} line {chosen[0].number}"
        raise DataError(
            f"{first} and {alike - 1} others hold {count + 1} numbers, {found}. Of key points, add "
            f"`kpt_shape: [{(count - 4) // size}, {size}]` to the YAML; of outlines, `kpt_shape: [0, 0]`; else remove "
            "what is behind the fifth number"
        )


def _other_than_outlines(rows_of_shares: Sequence[tuple[float, ...]]) -> str:
    """What is against outlines in lines of one count; empty where nothing is."""
    rows = np.array(rows_of_shares, dtype=np.float64)
    corners = rows.shape[1] // 2
    if corners == 4 and _mean(_is_parallelogram(row) for row in rows) > 0.9:
        return ""
    crossing = _mean(_crosses_itself(row.reshape(-1, 2)) for row in rows)
    if corners >= MANY_CORNERS and len(rows) >= SEVERAL_LINES and max(crossing, _mean(map(_is_box_around, rows))) < 0.1:
        return ""
    if np.mean(rows == np.rint(rows), axis=0).max() > 0.5:
        return "one of them whole in most lines, as a tracker's id is, or whether a key point is visible"
    if crossing > 0.5 or _mean(_can_be_box_and_points(row) for row in rows) >= 0.5:
        return "which may be a box with key points or a tracker's columns, and no outline"
    return ""


def _mean(truths: Iterable[bool]) -> float:
    return float(np.mean(list(truths)))


def _is_parallelogram(row: NDArray[np.float64]) -> bool:
    """Whether four corners are those of an oriented box: both diagonals have the same middle."""
    first, second, third, fourth = row.reshape(4, 2)
    return bool(np.abs(first + third - second - fourth).max() < TOLERANCE)


def _can_be_box_and_points(row: NDArray[np.float64]) -> bool:
    """Whether the first four numbers are a box in the picture that holds most of the others, read as points."""
    centre, size = row[:2], row[2:4]
    low, high = centre - size / 2, centre + size / 2
    if size.min() <= 0 or low.min() < -TOLERANCE or high.max() > 1 + TOLERANCE:
        return False
    others = row[4:]
    readings = [others.reshape(-1, 2)] + ([others.reshape(-1, 3)[:, :2]] if len(others) % 3 == 0 else [])
    return len(others) == 2 or any(_are_mostly_within(points, low, high) for points in readings)


def _are_mostly_within(points: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    """Whether half of the points are in a box, those at 0 0 aside, which stand for points that are not visible."""
    visible = points[points.any(axis=1)]
    inside = ((visible >= low - TOLERANCE) & (visible <= high + TOLERANCE)).all(axis=1)
    return len(visible) == 0 or bool(inside.mean() >= 0.5)


def _is_box_around(row: NDArray[np.float64]) -> bool:
    """Whether the first four numbers are about the box around the others, read as points: each side within a quarter of
    the box's size.
    """
    centre, size, points = row[:2], row[2:4], row[4:].reshape(-1, 2)
    apart = np.abs([points.min(axis=0) - (centre - size / 2), points.max(axis=0) - (centre + size / 2)])
    return bool((apart <= size / 4).all())


def _crosses_itself(corners: NDArray[np.float64]) -> bool:
    """Whether two sides of a polygon, corners (N, 2), cross each other."""
    sides = np.roll(corners, -1, axis=0) - corners

    def beside(points: NDArray[np.float64]) -> NDArray[np.float64]:  # (i, j): on which side of side i is point j
        apart = points[np.newaxis] - corners[:, np.newaxis]
        return np.asarray(sides[:, :1] * apart[..., 1] - sides[:, 1:] * apart[..., 0])

    is_cut = beside(corners) * beside(np.roll(corners, -1, axis=0)) < 0
    return bool((is_cut & is_cut.T).any())

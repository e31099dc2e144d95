"""Draws a small dataset of discs and squares, offline: `python tests/drawn.py OUT`.

Twelve pictures with true boxes in COCO's format, for trying detbench and for its tests. `--detector blobs` knows
the classes. Equal on every run and every machine with the same NumPy.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

SEED = 11
SIZES = [(320, 240)] * 11 + [(317, 241)]  # width, height; the last one divides by nothing
SHAPES_PER_PICTURE = 7
SIZE_RANGE_PX = (10, 80)
CLASSES = {1: "red disc", 2: "green disc", 3: "blue square", 4: "yellow square"}
COLOURS = {1: (205, 38, 34), 2: (38, 168, 48), 3: (40, 62, 205), 4: (214, 196, 36)}
OVERSAMPLING = 4
LARGEST_HIDDEN_SHARE = 0.15
NOISE_SIGMA = 3.0


class Shape(NamedTuple):
    """One object: its class, and its left, top and side in pixels."""

    category: int
    left: float
    top: float
    side: float


Seen = tuple[int, list[int], int]
"""Category, box as x y w h, and area of a shape as far as it can be seen; pixels."""


def draw(folder: Path) -> Path:
    """Write `annotations.json` and `images/*.png` into a folder, which is made if need be, and return it."""
    rng = np.random.default_rng(SEED)
    images, annotations = [], []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for image_id, (width, height) in enumerate(SIZES, start=1):
        picture, found = _draw_picture(rng, width, height)
        name = f"drawn-{image_id:02}.png"
        PillowImage.fromarray(picture).save(folder / "images" / name)
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for category, box, area in found:
            number = len(annotations) + 1
            annotations.append(
                {"id": number, "image_id": image_id, "category_id": category, "bbox": box, "area": area, "iscrowd": 0}
            )
    categories = [{"id": number, "name": name} for number, name in CLASSES.items()]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(document, indent=1) + "\n")
    return folder


def _draw_picture(rng: np.random.Generator, width: int, height: int) -> tuple[NDArray[np.uint8], list[Seen]]:
    """One picture and what can be seen of each of its shapes."""
    shapes = _placed(rng, width, height)
    covers = _visible_covers(shapes, width, height)
    picture = _background(rng, width, height)
    for shape, cover in zip(shapes, covers, strict=True):
        picture += cover[..., None] * (np.array(COLOURS[shape.category]) * rng.uniform(0.85, 1.1) - picture)
    picture += rng.normal(0, NOISE_SIGMA, picture.shape)
    found = [(shape.category, *_extent(cover)) for shape, cover in zip(shapes, covers, strict=True)]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), found


def _background(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Dull colours: a slope, soft clouds of several sizes and a fine grain; float, shape (H, W, 3)."""
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    slope = rng.uniform(-20, 20) * across + rng.uniform(-20, 20) * down
    grey = rng.uniform(105, 165) + slope
    for cell, strength in ((96, 22.0), (32, 12.0), (8, 6.0)):
        grey = grey + strength * _clouds(rng, width, height, cell)
    tint = np.stack([9 * _clouds(rng, width, height, 96) for _ in range(3)], axis=2)
    return grey[..., None] + tint


def _clouds(rng: np.random.Generator, width: int, height: int, cell: int) -> NDArray[np.float64]:
    """Smooth noise of about unit strength with bumps of `cell` pixels."""
    coarse = rng.normal(0, 1, (height // cell + 3, width // cell + 3)).astype(np.float32)
    return np.asarray(PillowImage.fromarray(coarse).resize((width, height), PillowImage.Resampling.BICUBIC), np.float64)


def _placed(rng: np.random.Generator, width: int, height: int) -> list[Shape]:
    """Shapes at random, as many small as large; a draw that would hide another too far is drawn again."""
    shapes: list[Shape] = []
    while len(shapes) < SHAPES_PER_PICTURE:
        side = float(np.exp(rng.uniform(*np.log(SIZE_RANGE_PX))))
        left, top = rng.uniform(1, width - side - 1), rng.uniform(1, height - side - 1)
        shape = Shape(int(rng.integers(1, len(CLASSES) + 1)), left, top, side)
        if all(_may_lie_over(shape, earlier) for earlier in shapes):
            shapes.append(shape)
    return shapes


def _may_lie_over(shape: Shape, earlier: Shape) -> bool:
    """Shapes of one class keep a gap, or nobody could tell them apart; others may hide a little of each other."""
    gap = 3 if shape.category == earlier.category else 0
    overlap_across = min(shape.left + shape.side, earlier.left + earlier.side) - max(shape.left, earlier.left)
    overlap_down = min(shape.top + shape.side, earlier.top + earlier.side) - max(shape.top, earlier.top)
    if overlap_across <= -gap or overlap_down <= -gap:
        return True
    hidden = overlap_across * overlap_down / earlier.side**2
    return gap == 0 and hidden <= LARGEST_HIDDEN_SHARE


def _visible_covers(shapes: list[Shape], width: int, height: int) -> list[NDArray[np.float64]]:
    """How much of each pixel a shape covers, 0..1, shape (H, W), where no later shape lies over it."""
    step = 1 / OVERSAMPLING
    across, down = np.arange(step / 2, width, step)[None, :], np.arange(step / 2, height, step)[:, None]
    top_most = np.full((down.size, across.size), -1)
    for index, shape in enumerate(shapes):
        radius = shape.side / 2
        right, below = np.abs(across - shape.left - radius), np.abs(down - shape.top - radius)
        is_disc = CLASSES[shape.category].endswith("disc")
        inside = right**2 + below**2 <= radius**2 if is_disc else (right <= radius) & (below <= radius)
        top_most[inside] = index
    blocks = (height, OVERSAMPLING, width, OVERSAMPLING)
    return [(top_most == index).reshape(blocks).mean(axis=(1, 3)) for index in range(len(shapes))]


def _extent(cover: NDArray[np.float64]) -> tuple[list[int], int]:
    """Box x y w h around the pixels that are at least half covered, and their number."""
    mask = cover >= 0.5
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top], int(mask.sum())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/drawn.py OUT   (a folder for annotations.json and images/)")
    sys.stdout.write(f"{draw(Path(sys.argv[1]))}\n")

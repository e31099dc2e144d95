"""How time and memory of a run grow with its pictures: part of `nox -s bench`.

A run is `detbench run --deblurrer pix2pix --detector blobs` in a process of its own, from an empty cache and then
repeated, report included. From 100 pictures on they are the same 100 under other names, hard links, with boxes of their
own: a picture that was restored before comes from the cache, so that the network works as long whatever the count, and
what grows is the rest. The pictures are tiny, for what grows does not depend on their size.
`python tests/bench/growth.py 100 1000` measures other counts, and `python reports/growth.py` draws the plot.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from detbench.core.images import write_atomically

COUNTS = (100, 1_000, 10_000)
DISTINCT = 100
KINDS = ("images", "blurred")
SIDE_PX, CELLS = 64, 4
COLOURS = ((205, 38, 34), (38, 168, 48), (40, 62, 205), (214, 196, 36))
CLASSES = ("red disc", "green disc", "blue square", "yellow square")
"""What `blobs` finds; here all are squares."""
RUN = ("run", "--deblurrer", "pix2pix", "--detector", "blobs", "--resamples", "200", "--device", "cpu", "--quiet")
FIGURES = Path("reports/bench-growth.json")
Figures = dict[str, float]
Boxes = Labels = NDArray[np.int64]


def main(counts: Sequence[int]) -> None:
    """Measure each count, print a table, and write `reports/bench-growth.json`."""
    rows = []
    sys.stdout.write(f"{'pictures':>9}{'boxes':>9}{'run s':>9}{'MB':>7}{'again s':>9}{'MB':>7}\n")
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            boxes = draw(Path(folder) / "tiny", count)
            first, again = run_apart(Path(folder)), run_apart(Path(folder))
        row = {"pictures": count, "boxes": boxes, "first": first, "again": again}
        columns = f"{first['s']:>9.1f}{first['mb']:>7.0f}{again['s']:>9.1f}{again['mb']:>7.0f}"
        sys.stdout.write(f"{count:>9,}{boxes:>9,}{columns}\n")
        sys.stdout.flush()
        rows.append(row)
        write_atomically(FIGURES, json.dumps(rows, indent=1) + "\n")


def draw(folder: Path, count: int) -> int:
    """Write a dataset of so many sharp and blurred pictures, DISTINCT of them drawn, and return its number of boxes."""
    rng = np.random.default_rng(DISTINCT)
    drawn = [_draw_pair(folder, number, rng) for number in range(1, min(count, DISTINCT) + 1)]
    images, annotations = [], []
    for number in range(1, count + 1):
        boxes, labels = drawn[(number - 1) % DISTINCT]
        for kind in KINDS if number > DISTINCT else ():
            (folder / kind / _name(number)).hardlink_to(folder / kind / _name((number - 1) % DISTINCT + 1))
        images.append({"id": number, "file_name": _name(number), "width": SIDE_PX, "height": SIDE_PX})
        for box, label in zip(boxes.tolist(), labels.tolist(), strict=True):
            own = {"id": len(annotations) + 1, "image_id": number, "category_id": label + 1}
            annotations.append({**own, "bbox": box, "area": box[2] * box[3], "iscrowd": 0})
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    write_atomically(folder / "annotations.json", json.dumps(document))
    return len(annotations)


def _name(number: int) -> str:
    return f"{number:05}.png"


def _draw_pair(folder: Path, number: int, rng: np.random.Generator) -> tuple[Boxes, Labels]:
    """Write a sharp picture and its blurred twin; returns what `picture` says of them."""
    sharp, boxes, labels = picture(rng)
    for kind, pixels in zip(KINDS, (sharp, cv2.blur(sharp, (5, 1))), strict=True):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        PillowImage.fromarray(pixels).save(folder / kind / _name(number))
    return boxes, labels


def picture(rng: np.random.Generator) -> tuple[NDArray[np.uint8], Boxes, Labels]:
    """A grained grey picture with a coloured square in each cell of a grid; boxes (16, 4) as left, top, width, height,
    and indices of COLOURS (16,).
    """
    cell = SIDE_PX // CELLS
    pixels = rng.integers(110, 146, (SIDE_PX, SIDE_PX, 1), np.uint8).repeat(3, axis=2)
    sides, labels = rng.integers(6, cell - 3, CELLS**2), rng.integers(0, len(COLOURS), CELLS**2)
    rows, columns = np.divmod(np.arange(CELLS**2), CELLS)
    boxes = np.stack([columns * cell + 1, rows * cell + 1, sides, sides], axis=1)
    for (left, top, width, height), label in zip(boxes, labels, strict=True):
        pixels[top : top + height, left : left + width] = COLOURS[label]
    return pixels, boxes, labels


def run_apart(folder: Path) -> Figures:
    """Seconds and peak megabytes of a run; a process between this one and the run counts that run's memory alone."""
    words = [sys.executable, __file__, "--one", str(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def one(folder: Path) -> Figures:
    """The same of the only child of this process."""
    command = [sys.executable, "-m", "detbench", *RUN, "--dataset", folder / "tiny", "--out", folder, "--name", "run"]
    begun = time.perf_counter()
    cache = {"DETBENCH_CACHE": str(folder / "cache")}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **cache})
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {"s": time.perf_counter() - begun, "mb": peak_kib * 1024 / 1e6}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        sys.stdout.write(json.dumps(one(Path(sys.argv[2]))) + "\n")
    else:
        main([int(word) for word in sys.argv[1:]] or COUNTS)

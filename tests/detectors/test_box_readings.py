"""Files in another writing are refused and sound ones are not.

On the 128 pictures of COCO val2017 in `../shared/data` and on `datasets/streets`, sharp and blurred, no part of
YOLOv8n's detections was refused: 480 parts of 1, 3 and 6 pictures; no reading gained a single box. Of the same parts
in twelve other writings, 9 in 10 of 3 pictures and 287 of 288 of 6 pictures were refused.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detbench.detectors.box_readings import COCO_IDS, reading_fault
from detbench.types import GroundTruth, Picture, Sample

Box = list[float]
WIDTH, HEIGHT = 480, 320


def scene(pictures: int = 6, classes: tuple[int, ...] = (1, 2, 3)) -> tuple[list[Sample], list[dict[str, Any]]]:
    """Pictures of four true boxes each, and what a good detector finds there, a pixel or two off, with false ones."""
    rng = np.random.default_rng(5)
    samples, results = [], []
    for number in range(1, pictures + 1):
        sides = rng.uniform(20, 90, (4, 2))
        left_top = rng.uniform(0, 1, (4, 2)) * ([WIDTH, HEIGHT] - sides)
        boxes, labels = np.concatenate([left_top, left_top + sides], axis=1), rng.choice(classes, 4)
        truth = GroundTruth(boxes, labels, np.zeros(4, bool), sides.prod(axis=1), np.arange(4) + 4 * number)
        picture = Picture("", WIDTH, HEIGHT, lambda: np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        samples.append(Sample(number, f"{number}.jpg", None, picture, truth))
        for box, label in zip([*np.concatenate([left_top, sides], axis=1), [9, 9, 30, 30]], [*labels, 1], strict=True):
            found = (np.array(box) + rng.uniform(-1.5, 1.5, 4)).tolist()
            results.append({"image_id": number, "category_id": int(label), "bbox": found, "score": rng.uniform(0.3, 1)})
    return samples, results


def fault(change: Callable[[Box], Box], pictures: int = 6) -> str | None:
    """What is said of a file whose boxes are written in another way."""
    samples, results = scene(pictures)
    return reading_fault([{**r, "bbox": change(r["bbox"])} for r in results], samples, (1, 2, 3))


def scaled(x: float, y: float, left: float = 0, top: float = 0) -> Callable[[Box], Box]:
    """Boxes on another scale, moved by so much."""
    return lambda b: [b[0] * x + left, b[1] * y + top, b[2] * x, b[3] * y]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]], "corners x1, y1, x2, y2 in pixels"),
        (lambda b: [b[0] + b[2] / 2, b[1] + b[3] / 2, b[2], b[3]], "centre x, centre y, width, height in pixels"),
        (lambda b: [b[1], b[0], b[1] + b[3], b[0] + b[2]], "corners y1, x1, y2, x2 in pixels"),
        (lambda b: [b[1], b[0], b[3], b[2]], "top, left, height, width in pixels"),
        (scaled(1 / WIDTH, 1 / HEIGHT), "every bbox lies within 0..1"),
        (scaled(100 / WIDTH, 100 / HEIGHT), "left, top, width, height in percent"),
        (scaled(1000 / WIDTH, 1000 / HEIGHT), "left, top, width, height in thousandths"),
        (scaled(640 / WIDTH, 640 / HEIGHT), "stretched to 640x640"),
        (scaled(416 / WIDTH, 416 / WIDTH, 0, 208 * (1 - HEIGHT / WIDTH)), "scaled into the middle of 416x416"),
        (scaled(2, 2), "of a picture 2 times as large"),
        (scaled(1 / 3, 1 / 3), "of a picture 0.33 times as large"),
    ],
)  # fmt: skip
def test_boxes_in_another_writing_are_refused(change: Callable[[Box], Box], words: str) -> None:
    """Another order and another scale are named, because the boxes then lie on true ones."""
    assert words in str(fault(change))


def test_sound_boxes_pass() -> None:
    """Boxes on the true ones, a few of them, none, boxes that hit nothing, and tiny ones in the first corner."""
    samples, results = scene()
    assert fault(lambda box: box) is None
    assert fault(lambda box: box, 1) is None
    assert reading_fault([], samples, (1, 2, 3)) is None
    assert reading_fault(results[:1], samples, (1, 2, 3)) is None
    rng = np.random.default_rng(1)
    assert fault(lambda _: [*rng.uniform(0, [WIDTH - 60, HEIGHT - 60]), *rng.uniform(5, 60, 2)]) is None
    assert fault(lambda _: [0.0, 0.0, 3.0, 2.0]) is None


def test_a_displaced_detector_passes() -> None:
    """A blur moves what it blurs: boxes that all lie 12 pixels off are the detector's, not another writing."""
    assert fault(lambda box: [box[0] + 12, *box[1:]]) is None


@pytest.mark.parametrize(
    ("known", "written", "words"),
    [
        ((1, 2, 3, 4), {2: 1, 3: 2, 4: 3}, "count from 0"),
        ((0, 1, 2, 3), {0: 1, 1: 2, 2: 3}, "one place too high"),
        (tuple(range(1, 81)), dict(zip(range(1, 81), COCO_IDS, strict=True)), r"COCO's own (1..90)"),
        (COCO_IDS, dict(zip(COCO_IDS, range(1, 81), strict=True)), "1..80 in the order of names"),
        (COCO_IDS, dict(zip(COCO_IDS, range(80), strict=True)), "0..79 in the order of names"),
    ],
)
def test_classes_in_another_numbering_are_refused(known: tuple[int, ...], written: dict[int, int], words: str) -> None:
    """Ids from 0 in place of 1, COCO's 90 in place of 80 and the like are named: boxes then have the true class."""
    chosen = tuple(number for number in written if number > 12 or len(known) == 4)
    samples, results = scene(8, chosen)
    results = [r for r in results if r["category_id"] in chosen]
    assert reading_fault(results, samples, known) is None
    renumbered = [{**r, "category_id": written[r["category_id"]]} for r in results]
    assert words in str(reading_fault(renumbered, samples, known))


def test_one_class_taken_for_its_neighbour_is_a_detectors_error() -> None:
    """A detector that calls every bus (3) a car (2) is bad, not misread."""
    samples, results = scene(8, (3,))
    assert reading_fault([{**r, "category_id": 2} for r in results], samples, (1, 2, 3)) is None

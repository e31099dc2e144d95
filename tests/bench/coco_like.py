"""Truth and results of COCO val's size."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PICTURES, BOXES, CLASSES = 5_000, 54_000, 80

Truth, Results = Mapping[str, Any], list[dict[str, Any]]


def coco_like(arms: int) -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """Truth and some arms' results, COCO's formats: most objects found nearly in place, and as many false boxes."""
    rng = np.random.default_rng(0)
    common = 1 / np.arange(1, CLASSES + 1)
    common /= common.sum()
    picture, category = rng.integers(1, PICTURES + 1, BOXES), rng.choice(CLASSES, BOXES, p=common) + 1
    true, crowd = _places(BOXES, rng), rng.random(BOXES) < 0.01
    columns = zip(picture.tolist(), category.tolist(), true.tolist(), crowd.tolist(), strict=True)
    annotations = [
        {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": int(is_crowd)}
        for n, (i, c, b, is_crowd) in enumerate(columns, start=1)
    ]

    def arm() -> list[dict[str, Any]]:
        hit, alarms = np.flatnonzero(rng.random(BOXES) < 0.7), int(0.6 * BOXES)
        shift = rng.normal(0, 0.08, (len(hit), 4)) * true[hit, 2:].mean(axis=1, keepdims=True)
        near = np.concatenate([true[hit, :2] + shift[:, :2], np.maximum(true[hit, 2:] + shift[:, 2:], 1)], axis=1)
        found = np.concatenate([near, _places(alarms, rng)])
        where = np.concatenate([picture[hit], rng.integers(1, PICTURES + 1, alarms)])
        what = np.concatenate([category[hit], rng.choice(CLASSES, alarms, p=common) + 1])
        scores = np.concatenate([rng.beta(3, 2, len(hit)), rng.beta(1.5, 4, alarms)])
        rows = zip(where.tolist(), what.tolist(), found.tolist(), scores.tolist(), strict=True)
        return [{"image_id": i, "category_id": c, "bbox": b, "score": s} for i, c, b, s in rows]

    images = [{"id": number} for number in range(1, PICTURES + 1)]
    categories = [{"id": number, "name": str(number)} for number in range(1, CLASSES + 1)]
    truth = {"images": images, "categories": categories, "annotations": annotations}
    return truth, [arm() for _ in range(arms)]


def _places(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Left, top, width, height."""
    sides = np.exp(rng.uniform(np.log(10), np.log(250), (count, 2)))
    return np.concatenate([rng.uniform(0, 400, (count, 2)), sides], axis=1)

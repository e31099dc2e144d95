"""Random detection datasets, which the tests of matching and of detection scores share."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detbench.metrics.matching import FALSE_POSITIVE, IGNORED

CocoTruth = dict[str, Any]
CocoResults = list[dict[str, Any]]
MAX_SIDE_PX = 160
EDGE_SIDES_PX = (32, 96)  # COCO's size classes meet at 32² and 96² square pixels


@pytest.fixture(scope="session")
def draw_coco() -> Callable[..., tuple[CocoTruth, CocoResults]]:
    """Draws (truth, results) in COCO's formats from a generator: one to five pictures, some of them without boxes."""
    return _draw


@pytest.fixture
def coco_evaluator(tmp_path: Path) -> Callable[[CocoTruth, CocoResults], COCOeval]:
    """pycocotools' own way: files, `loadRes`, evaluate; `results` may not be empty."""

    def evaluator(truth: CocoTruth, results: CocoResults) -> COCOeval:
        for name, content in (("truth", truth), ("results", results)):
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        coco = COCO(str(tmp_path / "truth.json"))
        scorer = COCOeval(coco, coco.loadRes(str(tmp_path / "results.json")), "bbox")
        scorer.evaluate()
        return scorer

    return evaluator


@pytest.fixture(scope="session")
def coco_stats() -> Callable[[CocoTruth, CocoResults], list[float | None]]:
    """pycocotools' twelve numbers of documents in memory, None for its −1; `results` may be empty."""

    def stats(truth: CocoTruth, results: CocoResults) -> list[float | None]:
        scorer = COCOeval(
            _indexed({"info": {}, **truth}), _indexed({**truth, "annotations": _numbered(results)}), "bbox"
        )
        with contextlib.redirect_stdout(None):
            for step in (scorer.evaluate, scorer.accumulate, scorer.summarize):
                step()
        return [None if value == -1 else float(value) for value in scorer.stats]

    return stats


@pytest.fixture
def coco_partners(coco_evaluator: Callable[..., COCOeval]) -> Callable[[CocoTruth, CocoResults], list[int]]:
    """What each result takes at IoU .5 by pycocotools: the id of an annotation, FALSE_POSITIVE or IGNORED."""

    def partners(truth: CocoTruth, results: CocoResults) -> list[int]:
        partner_of: dict[int, int] = {}
        for picture in coco_evaluator(truth, results).evalImgs if results else []:
            if picture is not None and picture["aRng"] == [0, 1e10]:
                columns = (picture["dtIds"], picture["dtMatches"][0], picture["dtIgnore"][0])
                for number, matched, ignored in zip(*columns, strict=True):
                    partner_of[number] = IGNORED if ignored else int(matched) or FALSE_POSITIVE
        return [partner_of[number] for number in range(1, len(results) + 1)]

    return partners


def _indexed(document: CocoTruth) -> COCO:
    coco = COCO()
    coco.dataset = document
    with contextlib.redirect_stdout(None):
        coco.createIndex()
    return coco


def _numbered(results: CocoResults) -> CocoResults:
    return [
        {**row, "id": number, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
        for number, row in enumerate(results, start=1)
    ]


def _draw(rng: np.random.Generator, crowd_share: float = 0.15) -> tuple[CocoTruth, CocoResults]:
    categories = [int(number) for number in rng.choice(np.arange(1, 91), rng.integers(1, 4), replace=False)]
    image_ids = [int(number) for number in rng.choice(1000, rng.integers(1, 6), replace=False)]
    on_grid, tied = bool(rng.integers(2)), bool(rng.integers(2))
    annotations: CocoTruth | Any = []
    results: CocoResults = []
    for image_id in image_ids:
        boxes = _boxes(rng, int(rng.choice([0, 1, 5, 15, 40], p=[0.2, 0.2, 0.3, 0.2, 0.1])), on_grid)
        labels = rng.choice(categories, len(boxes))
        for box, label in zip(boxes.tolist(), labels.tolist(), strict=True):
            annotation = {"id": len(annotations) + 1, "image_id": image_id, "category_id": label, "bbox": box}
            crowd = int(rng.random() < crowd_share)
            annotations.append({**annotation, "area": _area(rng, box), "iscrowd": crowd})
        false_alarms = _boxes(rng, int(rng.integers(0, 20)), on_grid)
        found = np.concatenate([_shifted(rng, np.repeat(boxes, rng.integers(0, 3), axis=0), on_grid), false_alarms])
        scores = rng.integers(0, 11, len(found)) / 10 if tied else rng.random(len(found))
        for box, score in zip(found.tolist(), scores.tolist(), strict=True):
            label = int(rng.choice(categories))
            results.append({"image_id": image_id, "category_id": label, "bbox": box, "score": score})
    images = [{"id": number, "file_name": f"{number}.png", "width": 400, "height": 300} for number in image_ids]
    named = [{"id": number, "name": f"class {number}"} for number in categories]
    order = rng.permutation(len(results))
    return {"images": images, "annotations": annotations, "categories": named}, [results[index] for index in order]


def _boxes(rng: np.random.Generator, count: int, on_grid: bool) -> NDArray[np.float64]:
    """Left, top, width, height; every fifth side lies on an edge of COCO's size classes."""
    boxes = np.concatenate([rng.uniform(0, 200, (count, 2)), rng.uniform(4, MAX_SIDE_PX, (count, 2))], axis=1)
    on_edge = rng.random(count) < 0.2
    boxes[on_edge, 2:] = rng.choice(EDGE_SIDES_PX, (int(on_edge.sum()), 1))
    return 8 * np.ceil(boxes / 8) if on_grid else boxes


def _shifted(rng: np.random.Generator, boxes: NDArray[np.float64], on_grid: bool) -> NDArray[np.float64]:
    """Boxes near the given ones; on the grid, many overlaps are equal."""
    step = rng.integers(-1, 2, boxes.shape) * 8 if on_grid else rng.normal(0, 4, boxes.shape)
    return np.concatenate([boxes[:, :2] + step[:, :2], np.maximum(boxes[:, 2:] + step[:, 2:], 1)], axis=1)


def _area(rng: np.random.Generator, box: list[float]) -> float:
    """The box's own area, or that of an object which fills it partly, or exactly one between two size classes."""
    whole = box[2] * box[3]
    return float(rng.choice([whole, whole * rng.uniform(0.3, 1), *(side**2 for side in EDGE_SIDES_PX)]))

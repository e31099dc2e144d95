"""Detections that another program wrote, in COCO's results format: a file for each arm, or for the blurred one alone.

DIR/sharp.json  DIR/blurred.json  DIR/<deblurrer>.json      as `detections/` of a run folder has them
FILE.json                                                   stands for blurred.json
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from detbench.core.boxes import xywh_to_xyxy
from detbench.core.files import read_bytes
from detbench.datasets.coco_records import check_results, parse_json, raise_faults, reach_px
from detbench.errors import DataError
from detbench.types import Detections

Sizes = Mapping[int, tuple[int, int]]
"""Width and height of each picture by its id."""

OUTSIDE_SHARE = 0.5
"""A detector's box may reach out of its picture, but by half a picture only corners written as sizes do."""


class RecordedDetections:
    """The detections of each arm that has a file; `sizes` and `category_ids` are the dataset's.

    Raises DataError where a file is no list of COCO results, or refers to what the dataset does not have.
    """

    def __init__(self, place: Path, sizes: Sizes, category_ids: Collection[int]) -> None:
        self.place = place
        files = {path.stem: path for path in sorted(place.glob("*.json"))} if place.is_dir() else {"blurred": place}
        if not files:
            raise DataError(
                f"{place}: holds no .json; it must have sharp.json, blurred.json and one for each deblurrer"
            )
        self._arms = {arm: _by_image(path, sizes, category_ids) for arm, path in files.items()}

    def has(self, arm: str) -> bool:
        """Whether an arm has a file of its own."""
        return arm in self._arms

    def find(self, arm: str, image_id: int) -> Detections:
        """What was found in a picture of an arm, labels being the dataset's category ids."""
        return self._arms[arm].get(image_id, _detections([]))

    def require(self, arm: str) -> None:
        """Raise DataError where an arm has no file."""
        if not self.has(arm):
            wanted = self.place / f"{arm}.json" if self.place.is_dir() else f"a folder with blurred.json and {arm}.json"
            raise DataError(f"{self.place}: has no detections in the {arm} pictures; add {wanted}")


def _by_image(path: Path, sizes: Sizes, category_ids: Collection[int]) -> dict[int, Detections]:
    results = check_results(parse_json(read_bytes(path), path), sizes, category_ids, path)
    raise_faults(
        (
            f"results[{index}]: bbox {result['bbox']} reaches far out of its "
            f"{sizes[result['image_id']][0]}x{sizes[result['image_id']][1]} picture; it is left, top, width, height in "
            "pixels, not two corners"
            for index, result in enumerate(results)
            if reach_px(result["bbox"], *sizes[result["image_id"]]) > OUTSIDE_SHARE * max(sizes[result["image_id"]])
        ),
        path,
    )
    grouped: dict[int, list[dict[str, Any]]] = {}
    for result in results:
        grouped.setdefault(result["image_id"], []).append(result)
    return {image_id: _detections(found) for image_id, found in grouped.items()}


def _detections(results: list[dict[str, Any]]) -> Detections:
    return Detections(
        boxes=xywh_to_xyxy(np.array([r["bbox"] for r in results], np.float64).reshape(-1, 4)),
        scores=np.array([r["score"] for r in results], np.float64),
        labels=np.array([r["category_id"] for r in results], np.int64),
    )

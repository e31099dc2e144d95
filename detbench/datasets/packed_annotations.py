"""A dataset's annotations in fewer bytes: as dictionaries they take ten times as much as their numbers."""

from collections.abc import Sequence
from typing import overload

import numpy as np

from detbench.datasets.coco_records import CocoRecord


class PackedAnnotations(Sequence[CocoRecord]):
    """Checked annotations of COCO's format as columns, each made a dictionary when it is read.

    Keys that detbench does not use are gone; `area` is there where it was.
    """

    def __init__(self, annotations: Sequence[CocoRecord]) -> None:
        self._whole = np.array(
            [[a["id"], a["image_id"], a["category_id"], a.get("iscrowd", 0)] for a in annotations], np.int64
        )
        self._real = np.array([[*a["bbox"], a.get("area", np.nan)] for a in annotations], np.float64)

    def __len__(self) -> int:
        return len(self._whole)

    @overload
    def __getitem__(self, index: int) -> CocoRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[CocoRecord]: ...
    def __getitem__(self, index: int | slice) -> CocoRecord | list[CocoRecord]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        number, image, category, crowd = self._whole[index].tolist()
        *bbox, area = self._real[index].tolist()
        record = {"id": number, "image_id": image, "category_id": category, "bbox": bbox, "iscrowd": crowd}
        return record if np.isnan(area) else {**record, "area": area}

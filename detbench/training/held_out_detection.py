"""What a detector finds in whole held-out pictures, blurred, restored and sharp: PSNR does not show it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detbench.core.boxes import xyxy_to_xywh
from detbench.core.files import read_bytes
from detbench.core.images import read_image
from detbench.datasets.coco_file import read_annotations
from detbench.datasets.coco_records import CocoRecords
from detbench.metrics.coco_scores import evaluate
from detbench.training.data.sources import Source
from detbench.types import Detector, Image

Restore = Callable[[Sequence[Image]], list[Image]]
"""Blurred pictures to restored ones."""


@dataclass(frozen=True, eq=False)
class HeldOutDetection:
    """Whole held-out pictures with their true boxes in COCO's format, and a detector that knows their classes.

    `category_of` gives a category's id by the detector's label; labels of other classes are left out.
    """

    sharp: Sequence[Image]
    blurred: Sequence[Image]
    truth: dict[str, Any]
    detector: Detector
    category_of: dict[int, int]

    def map_of(self, images: Sequence[Image]) -> float | None:
        """COCO's mAP at IoU .5:.95, 0..1, of what the detector finds in the pictures, blurred, restored or sharp."""
        results = [
            result
            for image, record in zip(images, self.truth["images"], strict=True)
            for result in self._found(image, record["id"])
        ]
        return evaluate(self.truth, results).stats["map"]

    def _found(self, image: Image, image_id: int) -> list[dict[str, Any]]:
        found = self.detector(image)
        each = zip(found.labels.tolist(), xyxy_to_xywh(found.boxes).tolist(), found.scores.tolist(), strict=True)
        return [
            {"image_id": image_id, "category_id": self.category_of[label], "bbox": box_xywh, "score": score}
            for label, box_xywh, score in each
            if label in self.category_of
        ]


def detection_of(held_out: Source, detector: Detector, most: int) -> HeldOutDetection | None:
    """That of at most so many of a source's held-out pairs, spread evenly over them, so that a validation stays cheap.

    None where they have no annotations, or the detector knows no class of them.

    Raises DataError where the annotations are damaged.
    """
    if held_out.annotations is None:
        return None
    records = read_annotations(read_bytes(held_out.annotations), held_out.annotations)
    ids = {category["name"].casefold(): category["id"] for category in records.categories}
    names = enumerate(name.casefold() for name in detector.classes)
    category_of = {label: ids[name] for label, name in names if name in ids}
    files = _annotated(held_out, records, most)
    if not (files and category_of):
        return None
    sharp, blurred = ([read_image(path) for path in paths] for paths in zip(*files.values(), strict=True))
    return HeldOutDetection(sharp, blurred, _truth(records, list(files)), detector, category_of)


def _annotated(held_out: Source, records: CocoRecords, most: int) -> dict[int, tuple[Path, Path]]:
    """Sharp and blurred files by image id."""
    images = held_out.annotations.parent / "images" if held_out.annotations else Path()
    ids = {images / image["file_name"]: image["id"] for image in records.images}
    pairs = [(pair.sharp, pair.blurred) for pair in held_out.pictures if pair.blurred and pair.sharp in ids]
    count = min(len(pairs), most)
    chosen = [pairs[place * len(pairs) // count] for place in range(count)]
    return {ids[sharp]: (sharp, blurred) for sharp, blurred in chosen}


def _truth(records: CocoRecords, chosen: Sequence[int]) -> dict[str, Any]:
    """COCO's format of some images, in their order."""
    images = {image["id"]: image for image in records.images}
    return {
        "images": [images[number] for number in chosen],
        "annotations": [each for each in records.annotations if each["image_id"] in set(chosen)],
        "categories": records.categories,
    }

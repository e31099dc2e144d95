"""Pictures and their true boxes as a document in COCO's instances format."""

from collections.abc import Mapping, Sequence
from typing import Any

from detbench.core.boxes import xyxy_to_xywh
from detbench.types import Sample


def instances(samples: Sequence[Sample], classes: Mapping[int, str]) -> dict[str, Any]:
    """The document of samples whose labels are ids of `classes`; pictures have the size of the blurred ones."""
    return {
        "images": [
            {
                "id": sample.id,
                "file_name": sample.file_name,
                "width": sample.blurred.width,
                "height": sample.blurred.height,
            }
            for sample in samples
        ],
        "categories": [{"id": number, "name": name} for number, name in classes.items()],
        "annotations": [annotation for sample in samples for annotation in _annotations(sample)],
    }


def _annotations(sample: Sample) -> list[dict[str, Any]]:
    truth = sample.truth
    return [
        {
            "id": int(truth.ids[index]),
            "image_id": sample.id,
            "category_id": int(truth.labels[index]),
            "bbox": box,
            "area": float(truth.areas[index]),
            "iscrowd": int(truth.crowd[index]),
        }
        for index, box in enumerate(xyxy_to_xywh(truth.boxes).tolist())
    ]

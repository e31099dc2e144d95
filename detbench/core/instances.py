"""Pictures and their true boxes as a document in COCO's instances format."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from detbench.core.boxes import xyxy_to_xywh
from detbench.types import Sample


def instances(samples: Sequence[Sample], classes: Mapping[int, str]) -> dict[str, Any]:
    """The document of samples whose labels are ids of `classes`; pictures have the size of the blurred ones."""
    return {key: list(records) for key, records in streamed_instances(samples, classes).items()}


def streamed_instances(samples: Sequence[Sample], classes: Mapping[int, str]) -> dict[str, Iterator[dict[str, Any]]]:
    """The same, its records made one by one: as dictionaries they take ten times as much memory as their numbers."""
    return {
        "images": map(_image, samples),
        "categories": ({"id": number, "name": name} for number, name in classes.items()),
        "annotations": (annotation for sample in samples for annotation in _annotations(sample)),
    }


def _image(sample: Sample) -> dict[str, Any]:
    return {
        "id": sample.id,
        "file_name": sample.file_name,
        "width": sample.blurred.width,
        "height": sample.blurred.height,
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

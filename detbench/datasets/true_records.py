"""What results are held against where no picture is needed: a dataset's true boxes, its pictures left closed.

Of COCO the annotation file alone is read; its pictures need not be there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detbench.core.files import read_bytes
from detbench.core.instances import instances
from detbench.datasets.annotated import AnnotatedDataset, truths_of
from detbench.datasets.coco import name_of
from detbench.datasets.coco_file import read_annotations
from detbench.datasets.coco_records import CocoRecord, CocoRecords
from detbench.datasets.opening import coco_annotations, open_dataset
from detbench.datasets.repair import Repair
from detbench.errors import DataError
from detbench.types import Dataset, GroundTruth, IdSource, Image, Picture, Sample


@dataclass(frozen=True, eq=False)
class TrueRecords:
    """A dataset's pictures and true boxes: `document` in COCO's instances format, numbers as they stand in the dataset,
    and the same as `samples`, whose pictures have their sizes and may lack all else.

    `classes` maps category ids to names. `id_source` says where the ids come from, as that of AnnotatedDataset does.
    `notes` are sentences on what was read in another way than it stands there.
    """

    name: str
    document: Mapping[str, Any]
    samples: Sequence[Sample]
    classes: Mapping[int, str]
    id_source: IdSource
    notes: tuple[str, ...]


def open_true_records(word: str, repair: Repair | None = None) -> TrueRecords:
    """The true boxes of what `open_dataset` takes; raises what that does, and DataError for a dataset without boxes."""
    file = coco_annotations(word)
    if file is not None:
        records = read_annotations(read_bytes(file), file, repair)
        return _of_records(name_of(file), records, "format", records.notes)
    dataset = open_dataset(word, repair)
    if isinstance(dataset, AnnotatedDataset):
        return _of_records(dataset.name, dataset.found.records, dataset.id_source, tuple(dataset.notes))
    return true_records_of(dataset, word)


def true_records_of(dataset: Dataset, where: str) -> TrueRecords:
    """The true boxes of an open dataset, which messages call `where`; raises DataError where it has none."""
    samples, classes = list(dataset), dataset.classes
    if not any(len(sample.truth) for sample in samples):
        raise DataError(f"{where}: has no true boxes to hold results against; name a dataset that has")
    id_source: IdSource = getattr(dataset, "id_source", "format")
    notes = tuple(getattr(dataset, "notes", ()))
    return TrueRecords(dataset.name, instances(samples, classes), samples, classes, id_source, notes)


def _of_records(name: str, records: CocoRecords, id_source: IdSource, notes: tuple[str, ...]) -> TrueRecords:
    document = {
        "images": records.images,
        "categories": records.categories,
        "annotations": [_with_defaults(annotation) for annotation in records.annotations],
    }
    classes = {category["id"]: category["name"] for category in records.categories}
    truths = truths_of(records)
    samples = [_closed(image, truths[image["id"]]) for image in records.images]
    return TrueRecords(name, document, samples, classes, id_source, notes)


def _with_defaults(annotation: CocoRecord) -> CocoRecord:
    """An annotation with the keys that its format does not demand."""
    return {"iscrowd": 0, "area": annotation["bbox"][2] * annotation["bbox"][3], **annotation}


def _closed(image: CocoRecord, truth: GroundTruth) -> Sample:
    def load() -> Image:
        raise DataError(f"{image['file_name']}: was not opened; only its annotation was read")

    return Sample(image["id"], image["file_name"], None, Picture("", image["width"], image["height"], load), truth)

"""Pictures with boxes, in whatever format a reader found them, as samples.

Every reader hands over COCO's records; what is done with them is the same, so equal annotations give equal results.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from detbench.core.boxes import area, xywh_to_xyxy
from detbench.core.images import faults_of, message_of, picture_from_file
from detbench.datasets.coco_records import CocoRecord, CocoRecords
from detbench.datasets.ids import FILE_NAME, by_image
from detbench.datasets.manifest import Manifest
from detbench.datasets.packed_annotations import PackedAnnotations
from detbench.datasets.video_records import timeline_of
from detbench.errors import DataError
from detbench.types import Blur, GroundTruth, IdSource, Picture, Sample, Timeline


@dataclass(frozen=True, eq=False)
class Annotated:
    """What a reader found.

    `source` is what messages call the annotations, `sha256` the digest of every annotation file's bytes; `records`
    are checked. `blurred` has the file of each picture by its `file_name`; `sharp` has its sharp twin's in a dataset
    of pairs, else nothing. `pictures` are the files that the reader had to open already. `notes` are sentences on
    files that were left out, besides the notes of the records.
    """

    source: Path
    sha256: str
    records: CocoRecords
    blurred: Mapping[str, Path]
    sharp: Mapping[str, Path] = field(default_factory=dict)
    pictures: Mapping[Path, Picture] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class AnnotatedDataset:
    """Samples sorted by image id. Of a dataset without pairs, `blurred` is the picture as it is and `sharp` is None.

    `id_source` says where the ids come from; `timeline` is None where the pictures are no frames of a video.
    Each picture is hashed once, when it is first needed, and checked against its annotation and against the manifest
    then; raises DataError where it differs.
    """

    def __init__(
        self, name: str, found: Annotated, manifest: Manifest | None = None, timeline: Timeline | None = None
    ) -> None:
        self.name = name
        self.timeline = timeline or timeline_of(found.records)
        packed = PackedAnnotations(found.records.annotations)
        self.found = replace(found, records=replace(found.records, annotations=packed))
        self.classes: Mapping[int, str] = {category["id"]: category["name"] for category in found.records.categories}
        self.notes = (*found.records.notes, *found.notes)
        self.id_source = _id_source(found.source)
        self._images = sorted(found.records.images, key=lambda image: int(image["id"]))
        self._truths = truths_of(found.records)
        self._manifest = manifest
        self._pictures = dict(found.pictures)

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[Sample]:
        for image in self._images:
            yield self._sample(image)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the annotations' bytes and of every picture's, in the order of image ids."""
        digest = hashlib.sha256(self.found.sha256.encode())
        for sample in self:
            for role, picture in (("sharp", sample.sharp), ("blurred", sample.blurred)):
                digest.update(f"\n{sample.id} {role} {picture.sha256 if picture else None}".encode())
        return digest.hexdigest()

    def faults(self, places: range) -> Iterator[list[str]]:
        """For each of these places of the dataset's order, counted from 0: what is wrong with its pictures."""
        for place in places:
            image = self._images[place]
            files = (files[image["file_name"]] for files in (self.found.sharp, self.found.blurred) if files)
            fault = message_of(self._sample, image)
            yield faults_of(partial(self._picture, image=image), files) or ([] if fault is None else [fault])

    def _sample(self, image: CocoRecord) -> Sample:
        name = image["file_name"]
        blurred = self._picture(self.found.blurred[name], image)
        sharp = self._picture(self.found.sharp[name], image) if self.found.sharp else None
        return Sample(
            id=image["id"],
            file_name=name,
            sharp=sharp,
            blurred=blurred,
            truth=self._truths[image["id"]],
            blur=self._blur(image, sharp, blurred),
        )

    def _picture(self, path: Path, image: CocoRecord) -> Picture:
        if path not in self._pictures:
            picture = picture_from_file(path)
            _check_size(path, picture, image, self.found.source)
            self._pictures[path] = picture
        return self._pictures[path]

    def _blur(self, image: CocoRecord, sharp: Picture | None, blurred: Picture) -> Blur | None:
        """The blur in the manifest of a pair; raises DataError unless both files are those it was written for."""
        if self._manifest is None or sharp is None:
            return None
        name = image["file_name"]
        files = (self.found.sharp[name], sharp), (self.found.blurred[name], blurred)
        return self._manifest.checked_blur(image["id"], *files)


def _id_source(source: Path) -> IdSource:
    if source.suffix == ".json":
        return "format"
    is_kept = any((place / FILE_NAME).is_file() for place in (source, source.parent))  # VOC's is Annotations/
    return "kept" if is_kept else "numbered"


def truths_of(records: CocoRecords) -> Mapping[int, GroundTruth]:
    """True boxes of every image by its id, those of pictures without any object too."""
    grouped = by_image(records.annotations)
    return {image["id"]: _truth(grouped[image["id"]]) for image in records.images}


def _truth(annotations: Sequence[CocoRecord]) -> GroundTruth:
    """One image's annotations; COCO's `area` is that of the outline, the box's own stands in where it is absent."""
    boxes_xyxy = xywh_to_xyxy(np.array([a["bbox"] for a in annotations], np.float64).reshape(-1, 4))
    box_areas = area(boxes_xyxy)
    return GroundTruth(
        boxes=boxes_xyxy,
        labels=np.array([a["category_id"] for a in annotations], np.int64),
        crowd=np.array([a.get("iscrowd", 0) for a in annotations], np.bool_),
        areas=np.array([a.get("area", box) for a, box in zip(annotations, box_areas, strict=True)], np.float64),
        ids=np.array([a["id"] for a in annotations], np.int64),
    )


def _check_size(path: Path, picture: Picture, image: CocoRecord, source: Path) -> None:
    found, annotated = (picture.width, picture.height), (image["width"], image["height"])
    if found == annotated:
        return
    if found == annotated[::-1]:
        hint = "was it annotated without its EXIF rotation? Save it upright and swap or redo the annotations"
    else:
        hint = "use the very pictures that were annotated; scaled copies need scaled boxes"
    raise DataError(
        f"{path}: {found[0]}x{found[1]} pixels, but {source.name} says {annotated[0]}x{annotated[1]} "
        f"for image id {image['id']}; {hint}"
    )

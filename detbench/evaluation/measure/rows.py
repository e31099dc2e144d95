"""What was measured of one picture in one arm, and the same rows in the formats that files and scorers want."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.boxes import xyxy_to_xywh
from detbench.evaluation.measure.packed_detections import PackedDetections, narrowed
from detbench.evaluation.measure.steps import Restored
from detbench.metrics.columns import FoundColumns, TrueColumns
from detbench.metrics.image_metrics import Quality, image_metrics
from detbench.metrics.matching import Counts, Matches, count, match
from detbench.metrics.ranking import Ranking, ranked
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU
from detbench.results.cache import canonical_json
from detbench.results.folder import shown_name
from detbench.types import Detections, Picture, Sample

SHOWN_PICTURES = 24
SHOWN_PANELS = 120
"""The report embeds about so many pictures over all arms: some 3 MB, whatever the size of the run."""
_NO_CHANGE = (0, 0)


@dataclass(frozen=True, eq=False)
class ArmPicture:
    """One picture as one arm delivered it: what was found in it, what the metrics of single pictures say of it, and how
    it was restored (None in the sharp and the blurred arm).
    """

    arm: str
    sample: Sample
    picture: Picture
    packed: PackedDetections
    quality: Quality
    restored: Restored | None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What a report shows of the row: the picture, and the kernels that its deblurrer had to find and found."""
        blur = self.restored.blur if self.restored else None
        kernels = (blur.true_kernel, blur.found_kernel) if blur else ()
        return (self.picture, *(kernel for kernel in kernels if kernel is not None))

    @property
    def found(self) -> Detections:
        """The boxes as they were found."""
        return self.packed.unpacked()

    @property
    def matches(self) -> Matches:
        """Which true box each found one took at the stated IoU."""
        partner, true_boxes = self._partner
        return Matches(partner.astype(np.int64), self.packed.scores.astype(np.float64), true_boxes)

    @cached_property
    def _partner(self) -> tuple[NDArray[Any], int]:
        matches = match(self.sample.truth, self.found, MATCH_IOU)
        return narrowed(matches.partner, np.int16), matches.true_boxes

    @cached_property
    def counts(self) -> Counts:
        """True positives, false positives and misses at the stated confidence and IoU."""
        return count(self.matches, CONFIDENCE)


class ArmDetections:
    """One arm's detections, against `truth`: their digest, their ranking, made once, and the text of their file."""

    def __init__(self, pictures: Sequence[ArmPicture], truth: TrueColumns) -> None:
        self._pictures, self._truth = pictures, truth

    @cached_property
    def sha256(self) -> str:
        """The digest of ids and numbers; their text would take many times as long to make."""
        digest = hashlib.sha256()
        for row in self._pictures:
            found = row.found
            place = np.array([row.sample.id, len(found)], np.int64)
            for column in (place, found.labels, found.boxes, found.scores):
                digest.update(column.tobytes())
        return digest.hexdigest()

    def text(self) -> Iterator[str]:
        """COCO's results format, picture by picture: all of it at once may be larger than memory."""
        yield "["
        comma = ""
        for row in self._pictures:
            if len(row.found):
                yield comma + canonical_json(_coco_results(row))[1:-1]
                comma = ","
        yield "]"

    @cached_property
    def ranking(self) -> Ranking:
        """The boxes matched for every threshold and size."""
        return ranked(self._truth, self.columns())

    def columns(self) -> FoundColumns:
        """The boxes of all pictures; not kept, for they would take as much memory again."""
        found = [row.packed for row in self._pictures]
        image_ids = np.array([row.sample.id for row in self._pictures], np.int64)
        pictures = np.repeat(np.searchsorted(self._truth.image_ids, image_ids), [len(each.scores) for each in found])
        labels, boxes, scores = (
            np.concatenate([getattr(each, name) for each in found]) for name in ("labels", "boxes", "scores")
        )
        categories = np.searchsorted(self._truth.category_ids, labels)
        return FoundColumns(pictures, categories, xyxy_to_xywh(boxes.astype(np.float64)), scores.astype(np.float64))


def coco_truth(samples: Sequence[Sample], classes: Mapping[int, str]) -> dict[str, Any]:
    """The true boxes that are scored, in COCO's instances format."""
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


def image_rows(
    samples: Sequence[Sample], rows: Mapping[str, Sequence[ArmPicture]], shown: Set[int]
) -> list[dict[str, Any]]:
    """The rows of `images.csv`: picture by picture, arm by arm; those of the ids in `shown` name their files."""
    by_picture = {(row.sample.id, arm): row for arm, pictures in rows.items() for row in pictures}
    return [_image_row(by_picture[sample.id, arm], sample.id in shown) for sample in samples for arm in rows]


def shown_ids(rows: Mapping[str, Sequence[ArmPicture]], kept: Set[int] | None = None) -> tuple[int, ...]:
    """The pictures that the report shows: first where deblurrers regained most true boxes, then where they lost most.

    Each deblurrer names as many of both kinds, so that no one's harm hides behind another's gain; at equal change fewer
    false alarms win, then the smaller id. What a deblurrer names among all pictures it names among any part of them
    too, so that shards keep what the whole run shows. `kept` are the ids to choose from, None for all.
    """
    restored = [pictures for arm, pictures in rows.items() if arm not in ("sharp", "blurred") and "+" not in arm]
    arms = len(restored) + 2
    each = max(1, min(SHOWN_PICTURES // 2, SHOWN_PANELS // (2 * max(1, len(restored)) * arms)))
    ranked = [_by_gain(rows["blurred"], pictures, kept) for pictures in restored]
    gains = [number for changes in ranked for change, number in changes[:each] if change > _NO_CHANGE]
    losses = [number for changes in ranked for change, number in changes[: -each - 1 : -1] if change < _NO_CHANGE]
    shown = tuple(dict.fromkeys((*gains, *losses)))
    room = min(SHOWN_PICTURES, SHOWN_PANELS // arms)
    if shown and len(rows["blurred"]) > room:
        return shown
    everything = sorted(row.sample.id for row in rows["blurred"] if kept is None or row.sample.id in kept)
    return (*shown, *[number for number in everything if number not in shown])[:room]


def _by_gain(
    before: Sequence[ArmPicture], after: Sequence[ArmPicture], kept: Set[int] | None
) -> list[tuple[tuple[int, int], int]]:
    """Each picture's change (true boxes gained, false alarms lost) and id, largest gain first, largest loss last."""
    changes = [
        ((one.counts.tp - other.counts.tp, other.counts.fp - one.counts.fp), -one.sample.id)
        for one, other in zip(after, before, strict=True)
        if kept is None or one.sample.id in kept
    ]
    return [(change, -number) for change, number in sorted(changes, reverse=True)]


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


def _coco_results(row: ArmPicture) -> list[dict[str, Any]]:
    """Coordinates unrounded."""
    found = row.found
    return [
        {"image_id": row.sample.id, "category_id": label, "bbox": box, "score": score}
        for box, score, label in zip(
            xyxy_to_xywh(found.boxes).tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


def _image_row(row: ArmPicture, is_shown: bool) -> dict[str, Any]:
    blur = row.restored.blur if row.restored else None

    def file(picture: Picture | None) -> str:
        return shown_name(picture) if is_shown and picture is not None else ""

    return {
        "image_id": row.sample.id,
        "file_name": row.sample.file_name,
        "arm": row.arm,
        "width": row.picture.width,
        "height": row.picture.height,
        "severity_px": row.sample.blur.severity_px if row.sample.blur else None,
        **{key: row.quality.get(key) for key in image_metrics()},
        "equals_sharp": row.quality.get("psnr_db") is None if row.sample.sharp else None,
        "restore_ms": row.restored.restore_ms if row.restored else None,
        "tp": row.counts.tp,
        "fp": row.counts.fp,
        "fn": row.counts.fn,
        "found_light": blur.light if blur else None,
        "found_cells": blur.cells if blur else None,
        "kernel_similarity": blur.similarity if blur else None,
        "found_kernel": file(blur.found_kernel if blur else None),
        "true_kernel": file(blur.true_kernel if blur else None),
        "picture": file(row.picture),
    }

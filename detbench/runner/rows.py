"""What was measured of one picture in one arm, and the same rows in the formats that files and scorers want."""

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from detbench.boxes import xyxy_to_xywh
from detbench.metrics.matching import Counts, Matches, count, match
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU
from detbench.results.cache import canonical_json
from detbench.runner.stages import Quality, Restored
from detbench.types import Detections, Picture, Sample

SHOWN_PICTURES = 6


@dataclass(frozen=True, eq=False)
class ArmPicture:
    """One picture as one arm delivered it: what was found in it, how like the sharp one it is (None without one), and
    how it was restored (None in the sharp and the blurred arm).
    """

    arm: str
    sample: Sample
    picture: Picture
    found: Detections
    quality: Quality | None
    restored: Restored | None

    @cached_property
    def matches(self) -> Matches:
        """Which true box each found one took at the stated IoU."""
        return match(self.sample.truth, self.found, MATCH_IOU)

    @cached_property
    def counts(self) -> Counts:
        """True positives, false positives and misses at the stated confidence and IoU."""
        return count(self.matches, CONFIDENCE)


class ArmDetections:
    """One arm's detections in COCO's results format, and the text of their file, made once."""

    def __init__(self, results: list[dict[str, Any]]) -> None:
        self.results = results
        self.text = canonical_json(results)
        self.sha256 = hashlib.sha256(self.text.encode()).hexdigest()


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


def coco_results(pictures: Sequence[ArmPicture]) -> list[dict[str, Any]]:
    """Detections in COCO's results format, coordinates unrounded."""
    return [
        {"image_id": row.sample.id, "category_id": int(label), "bbox": box, "score": float(score)}
        for row in pictures
        for box, score, label in zip(
            xyxy_to_xywh(row.found.boxes).tolist(), row.found.scores, row.found.labels, strict=True
        )
    ]


def image_rows(
    samples: Sequence[Sample], rows: Mapping[str, Sequence[ArmPicture]], kept: Mapping[tuple[str, int], str]
) -> list[dict[str, Any]]:
    """The rows of `images.csv`: picture by picture, arm by arm; `kept` names the files of shown pictures."""
    by_picture = {(row.sample.id, arm): row for arm, pictures in rows.items() for row in pictures}
    return [
        _image_row(by_picture[sample.id, arm], kept.get((arm, sample.id), "")) for sample in samples for arm in rows
    ]


def shown_ids(rows: Mapping[str, Sequence[ArmPicture]], kept: Set[int] | None = None) -> tuple[int, ...]:
    """The pictures that the report shows: half where deblurring regained most true boxes, half where it lost most.

    `kept` are the ids to choose from, None for all. Gains are summed over the deblurrers; at equal gain fewer false
    alarms win, then the smaller id. Losses are shown as
    readily as gains, so that nobody sees only the good side.
    """
    restored = [pictures for arm, pictures in rows.items() if arm not in ("sharp", "blurred") and "+" not in arm]
    gains = []
    for index, before in enumerate(rows["blurred"]):
        if kept is not None and before.sample.id not in kept:
            continue
        after = [pictures[index].counts for pictures in restored]
        regained = sum(counts.tp - before.counts.tp for counts in after)
        alarms = sum(counts.fp - before.counts.fp for counts in after)
        gains.append((-regained, alarms, before.sample.id))
    ranked = [number for _, _, number in sorted(gains)]
    if len(rows["blurred"]) <= SHOWN_PICTURES:
        return tuple(ranked)
    half = SHOWN_PICTURES // 2
    return (*ranked[:half], *reversed(ranked[-half:]))


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


def _image_row(row: ArmPicture, kept: str) -> dict[str, Any]:
    quality = row.quality
    return {
        "image_id": row.sample.id,
        "file_name": row.sample.file_name,
        "arm": row.arm,
        "width": row.picture.width,
        "height": row.picture.height,
        "severity_px": row.sample.blur.severity_px if row.sample.blur else None,
        "psnr_db": quality.psnr_db if quality else None,
        "ssim": quality.ssim if quality else None,
        "equals_sharp": quality.psnr_db is None if quality else None,
        "restore_ms": row.restored.restore_ms if row.restored else None,
        "tp": row.counts.tp,
        "fp": row.counts.fp,
        "fn": row.counts.fn,
        "picture": kept,
    }

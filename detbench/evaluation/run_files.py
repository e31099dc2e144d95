"""What was measured and scored, written into the run folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.boxes import xyxy_to_xywh
from detbench.evaluation.measure.measured import ArmPicture, Measurements
from detbench.evaluation.score.flips import flip_rows
from detbench.evaluation.score.scoring import Scored
from detbench.evaluation.score.true_boxes import truth_document
from detbench.metrics.image_metrics import measured_metrics
from detbench.results.cache import canonical_json
from detbench.results.folder import RunFolder, shown_name
from detbench.types import Picture


def write_run(folder: RunFolder, measured: Measurements, scored: Scored) -> None:
    """Write everything of the run folder but the report, the result last."""
    arms, classes = scored.analysis.keys(), measured.basis.classes
    is_taken = {arm: each.is_taken for arm, each in scored.evidence.items()}
    shown = set(scored.result.shown)
    pictures = [each for arm in arms for row in measured.rows[arm] if row.sample.id in shown for each in row.pictures]
    folder.reopen()
    folder.write_json("analysis.json", {arm.name: record for arm, record in scored.analysis.items()})
    folder.write_over_time(scored.over_time)
    folder.write_flips(flip_rows(is_taken, arms, scored.truth, classes))
    folder.write_document("truth.json", truth_document(measured))
    keep = {folder.keep_shown(picture) for picture in pictures}
    folder.write_detections({arm.name: _results_text(rows) for arm, rows in measured.rows.items()})
    folder.write_images(_ImageRows(measured, scored))
    folder.prune_pictures(keep)
    folder.write_results(scored.result)


def _results_text(pictures: Sequence[ArmPicture]) -> Iterator[str]:
    """COCO's results format, picture by picture: all of it at once may be larger than memory."""
    yield "["
    comma = ""
    for row in pictures:
        if len(row.found):
            yield comma + canonical_json(_coco_results(row))[1:-1]
            comma = ","
    yield "]"


def _coco_results(row: ArmPicture) -> list[dict[str, Any]]:
    """Coordinates unrounded."""
    found = row.found
    return [
        {"image_id": row.sample.id, "category_id": label, "bbox": box, "score": score}
        for box, score, label in zip(
            xyxy_to_xywh(found.boxes).tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


@dataclass(frozen=True, eq=False)
class _ImageRows:
    """The rows of `images.csv`: picture by picture, arm by arm; those of the shown pictures name their files.

    They are made one by one whenever they are gone through: all at once would be as large as what was measured.
    """

    measured: Measurements
    scored: Scored

    def __iter__(self) -> Iterator[dict[str, Any]]:
        shown, image_ids = set(self.scored.result.shown), self.scored.truth.image_ids
        for place, sample in enumerate(self.measured.samples):
            by_id = int(np.searchsorted(image_ids, sample.id))
            for arm in self.scored.analysis:
                counts = self.scored.evidence[arm].counts[by_id]
                yield _image_row(self.measured.rows[arm][place], counts, sample.id in shown)


def _image_row(row: ArmPicture, counts: NDArray[np.int64], is_shown: bool) -> dict[str, Any]:
    """`counts` (3,) are its true positives, false positives and misses."""
    blur = row.restored.blur if row.restored else None

    def file(picture: Picture | None) -> str:
        return shown_name(picture) if is_shown and picture is not None else ""

    return {
        "image_id": row.sample.id,
        "file_name": row.sample.file_name,
        "arm": row.arm.name,
        "width": row.picture.width,
        "height": row.picture.height,
        "severity_px": row.sample.blur.severity_px if row.sample.blur else None,
        **{key: row.quality.get(key) for key in measured_metrics(row.quality)},
        "equals_sharp": row.quality.get("psnr_db") is None if row.sample.sharp else None,
        "restore_ms": row.restored.restore_ms if row.restored else None,
        **dict(zip(("tp", "fp", "fn"), counts.tolist(), strict=True)),
        "found_light": blur.light if blur else None,
        "found_cells": blur.cells if blur else None,
        "kernel_similarity": blur.similarity if blur else None,
        "found_kernel": file(blur.found_kernel if blur else None),
        "true_kernel": file(blur.true_kernel if blur else None),
        "picture": file(row.picture),
    }

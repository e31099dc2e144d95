"""From rows to numbers: each arm's metrics, and how far each deblurrer is from the blurred arm."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detbench.backends import Backend
from detbench.fingerprints import code_sha256, installed_version
from detbench.metrics.detection import CocoScores, evaluate
from detbench.metrics.matching import f1, precision, recall, total
from detbench.results.cache import Cache, digest
from detbench.results.schema import ArmKind, ArmResult, Difference
from detbench.runner.rows import ArmDetections, ArmPicture, on_sharp
from detbench.types import Estimate


class Scorer:
    """Scores arms against one truth; what was scored before comes from the cache."""

    def __init__(self, cache: Cache, truth: Mapping[str, Any], classes: Mapping[int, str]) -> None:
        self._cache, self._truth, self._classes = cache, truth, classes
        self._scored_by = {
            "code_sha256": code_sha256("detbench.metrics.detection"),
            "versions": {name: installed_version(name) for name in ("numpy", "pycocotools")},
            "truth": digest(truth),
        }
        self._images = len(truth["images"])

    def arms(
        self,
        deblurrers: Sequence[Backend],
        rows: Mapping[str, Sequence[ArmPicture]],
        detections: Mapping[str, ArmDetections],
    ) -> tuple[ArmResult, ...]:
        """Every arm's result, in the order sharp (where there is one), blurred, deblurrers."""
        scores = {arm: self._coco(found) for arm, found in detections.items()}
        map_of = {arm: score.stats["map"] for arm, score in scores.items()}
        plain: list[tuple[str, ArmKind]] = [("sharp", "sharp"), ("blurred", "blurred")]
        arms = [self._arm(name, kind, rows[name], scores[name], {}) for name, kind in plain if name in rows]
        for backend in deblurrers:
            extra = {
                "gap_recovered": self._estimate(gap_recovered(map_of, backend.name)),
                "harm": self._estimate(_minus(map_of.get("sharp"), map_of.get(on_sharp(backend.name)))),
                **_times(rows[backend.name]),
            }
            arms.append(
                self._arm(backend.name, "deblurrer", rows[backend.name], scores[backend.name], extra, backend.identity)
            )
        return tuple(arms)

    def _arm(
        self,
        name: str,
        kind: ArmKind,
        pictures: Sequence[ArmPicture],
        coco: CocoScores,
        extra: Mapping[str, Estimate],
        backend: Mapping[str, Any] | None = None,
    ) -> ArmResult:
        counts = total(row.counts for row in pictures)
        rates = {"precision": precision(counts), "recall": recall(counts), "f1": f1(counts)}
        metrics = {key: self._estimate(value) for key, value in {**coco.stats, **rates}.items()}
        qualities = [row.quality for row in pictures if row.quality]
        metrics["psnr_db"] = _mean([quality.psnr_db for quality in qualities])
        metrics["ssim"] = _mean([quality.ssim for quality in qualities])
        per_class = {self._classes[number]: value for number, value in coco.map_per_class.items()}
        told_kernel = any(row.restored.told_kernel for row in pictures if row.restored)
        return ArmResult(name, kind, {**metrics, **extra}, per_class, backend, told_kernel)

    def _coco(self, found: ArmDetections) -> CocoScores:
        depends_on = {**self._scored_by, "results": found.sha256}
        record = self._cache.get("score", depends_on)
        if record is None:
            scores = evaluate(self._truth, found.results)
            per_class = {str(number): value for number, value in scores.map_per_class.items()}
            record = self._cache.put("score", depends_on, {"stats": dict(scores.stats), "per_class": per_class})
        return CocoScores(record["stats"], {int(number): value for number, value in record["per_class"].items()})

    def _estimate(self, value: float | None) -> Estimate:
        return Estimate(value, self._images)


def gap_recovered(map_of: Mapping[str, float | None], arm: str) -> float | None:
    """(mAP − mAP blurred) / (mAP sharp − mAP blurred); None where blur costs nothing or a part is undefined."""
    gap = _minus(map_of.get("sharp"), map_of.get("blurred"))
    gain = _minus(map_of.get(arm), map_of.get("blurred"))
    return None if gap is None or gain is None or gap <= 0 else gain / gap


def paired_differences(arms: Sequence[ArmResult]) -> tuple[Difference, ...]:
    """Each deblurrer minus the blurred arm, for every metric that both have."""
    blurred = next(arm for arm in arms if arm.kind == "blurred")
    return tuple(
        Difference(arm.name, blurred.name, key, _difference(estimate, blurred.metrics[key]))
        for arm in arms
        if arm.kind == "deblurrer"
        for key, estimate in arm.metrics.items()
        if key in blurred.metrics
    )


def _difference(one: Estimate, other: Estimate) -> Estimate:
    return Estimate(_minus(one.value, other.value), min(one.n, other.n))


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _mean(values: Sequence[float | None]) -> Estimate:
    """The mean over the pictures for which the metric is defined; `n` counts those."""
    defined = [value for value in values if value is not None]
    return Estimate(float(np.mean(defined)) if defined else None, len(defined))


def _times(pictures: Sequence[ArmPicture]) -> dict[str, Estimate]:
    times = [row.restored.restore_ms for row in pictures if row.restored and row.restored.restore_ms is not None]
    quantiles = {"restore_ms_p50": 50, "restore_ms_p95": 95}
    return {
        key: Estimate(float(np.percentile(times, rank)) if times else None, len(times))
        for key, rank in quantiles.items()
    }

"""From rows to numbers: each arm's metrics with their intervals, and how far arms are apart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from detbench.core.fingerprints import code_identity
from detbench.evaluation.measure.measured import Restorer
from detbench.evaluation.measure.rows import ArmDetections, ArmPicture
from detbench.evaluation.score.analysis import analysis_of
from detbench.evaluation.score.uncertainty import Bootstrap, Resampled, estimated
from detbench.metrics.bootstrap import interval
from detbench.metrics.coco_scores import CocoScores, coco_scores
from detbench.metrics.columns import TrueColumns
from detbench.metrics.evidence import ByMetric, gap_recovered, of_deblurrer
from detbench.metrics.image_metrics import image_metrics
from detbench.metrics.matching import f1, precision, recall, total
from detbench.results.cache import Cache, Record
from detbench.results.schema import ArmKind, ArmResult, Difference, on_sharp
from detbench.types import Estimate


class Scorer:
    """Scores arms against one truth; what was scored before comes from the cache."""

    def __init__(
        self,
        cache: Cache,
        truth: TrueColumns,
        truth_sha256: str,
        classes: Mapping[int, str],
        rows: Mapping[str, Sequence[ArmPicture]],
        detections: Mapping[str, ArmDetections],
        resamples: int,
    ) -> None:
        self._cache, self._truth, self._classes, self._rows = cache, truth, classes, rows
        self._scored_by = {**code_identity(coco_scores), "truth": truth_sha256}
        self._images = len(truth.image_ids)
        self._detections = detections
        self._bootstrap = Bootstrap(cache, truth, truth_sha256, resamples)
        self._coco = {arm: self._scored(found) for arm, found in detections.items()}
        self._resampled = {arm: self._bootstrap.of(rows[arm], found) for arm, found in detections.items()}

    def arms(self, deblurrers: Mapping[str, Restorer]) -> tuple[ArmResult, ...]:
        """Every arm's result, in the order sharp (where there is one), blurred, deblurrers (by name)."""
        plain: list[tuple[str, ArmKind]] = [("sharp", "sharp"), ("blurred", "blurred")]
        arms = [self._arm(name, kind, self._metrics(name)) for name, kind in plain if name in self._rows]
        for name, restorer in deblurrers.items():
            metrics = {**self._metrics(name), **self._of_deblurrer(name), **self._cost(restorer)}
            arms.append(self._arm(name, "deblurrer", metrics, restorer))
        return tuple(arms)

    def differences(self, arms: Sequence[ArmResult]) -> tuple[Difference, ...]:
        """What blur costs, what each deblurrer changes, and what tells the deblurrers apart, for every metric that both
        arms have.
        """
        by_kind = {kind: [arm for arm in arms if arm.kind == kind] for kind in ("sharp", "blurred", "deblurrer")}
        blurred, deblurrers = by_kind["blurred"][0], by_kind["deblurrer"]
        pairs = [(blurred, sharp) for sharp in by_kind["sharp"]]
        pairs += [(arm, blurred) for arm in deblurrers]
        pairs += [(later, earlier) for earlier, later in combinations(deblurrers, 2)]
        return tuple(difference for pair in pairs for difference in self._paired(*pair))

    def analysis(self, arms: Sequence[ArmResult]) -> dict[str, Record]:
        """What stands in `analysis.json`: each arm's errors, curves and mAP by class and blur."""
        return {arm.name: self._analysed(arm.name) for arm in arms}

    def _analysed(self, name: str) -> Record:
        found = self._resampled[name], self._rows[name], self._detections[name]
        return analysis_of(self._bootstrap, *found, self._classes)

    def _arm(
        self,
        name: str,
        kind: ArmKind,
        metrics: Mapping[str, Estimate],
        restorer: Restorer | None = None,
    ) -> ArmResult:
        per_class = {self._classes[number]: value for number, value in self._coco[name].map_per_class.items()}
        restored = [row.restored for row in self._rows[name] if row.restored]
        return ArmResult(
            name,
            kind,
            metrics,
            per_class,
            restorer.identity if restorer else None,
            told_kernel=any(picture.told_kernel for picture in restored),
            smaller_tiles=sum(picture.tile_pixels is not None for picture in restored),
            finds_kernel=any(picture.blur is not None for picture in restored),
            trained_with_detector=restorer is not None and restorer.trained_with_detector,
        )

    def _metrics(self, name: str) -> dict[str, Estimate]:
        """What every arm has: detection over all pictures, picture quality over those where it is defined."""
        pictures, numbers = self._rows[name], self._resampled[name].numbers
        counts = total(row.counts for row in pictures)
        ratios = {"precision": precision(counts), "recall": recall(counts), "f1": f1(counts)}
        estimates = {key: (value, self._images) for key, value in {**self._coco[name].stats, **ratios}.items()}
        estimates |= {key: _mean([row.quality.get(key) for row in pictures]) for key in image_metrics()}
        return {key: estimated(value, n, numbers.get(key)) for key, (value, n) in estimates.items()}

    def _of_deblurrer(self, name: str) -> dict[str, Estimate]:
        drawn, harm = self._derived(name), _minus(self._map("sharp"), self._map(on_sharp(name)))
        return {
            "gap_recovered": estimated(self._gap_recovered(name), self._images, drawn.get("gap_recovered")),
            "harm": estimated(harm, self._images, drawn.get("harm")),
            **_times(self._rows[name]),
        }

    def _cost(self, restorer: Restorer) -> dict[str, Estimate]:
        """What a network is and does, whatever the pictures; nothing where that is not known."""
        return {key: Estimate(value, self._images) for key, value in restorer.cost.items()}

    def _map(self, arm: str) -> float | None:
        return self._coco[arm].stats["map"] if arm in self._coco else None

    def _gap_recovered(self, name: str) -> float | None:
        """The share of the lost mAP that came back; None where blur's cost is within noise, or cannot be known."""
        arm, blurred, sharp = (self._map(each) for each in (name, "blurred", "sharp"))
        if arm is None or blurred is None or sharp is None:
            return None
        cost = interval(self._resampled["sharp"].numbers["map"] - self._resampled["blurred"].numbers["map"])
        if cost is not None and cost[0] <= 0:
            return None
        value = float(gap_recovered(*(np.array([number]) for number in (arm, blurred, sharp)))[0])
        return None if np.isnan(value) else value

    def _derived(self, name: str) -> ByMetric:
        """A deblurrer's numbers over the draws that take other arms too; none without sharp pictures."""
        if "sharp" not in self._resampled:
            return {}
        arm, blurred, sharp = (self._resampled[each].numbers["map"] for each in (name, "blurred", "sharp"))
        harmed = self._resampled.get(on_sharp(name))
        return of_deblurrer(arm, blurred, sharp, harmed.numbers["map"] if harmed else None)

    def _paired(self, arm: ArmResult, against: ArmResult) -> Iterator[Difference]:
        pair = self._resampled[arm.name], self._resampled[against.name]
        ours, theirs = (self._all_numbers(each, one) for each, one in zip((arm, against), pair, strict=True))
        p_of = self._bootstrap.p_values(*pair)
        for key, estimate in arm.metrics.items():
            if key in against.metrics:
                other = against.metrics[key]
                drawn = ours[key] - theirs[key] if key in ours and key in theirs else None
                value = _minus(estimate.value, other.value)
                difference = estimated(value, min(estimate.n, other.n), drawn)
                yield Difference(arm.name, against.name, key, difference, p_of.get(key))

    def _all_numbers(self, arm: ArmResult, resampled: Resampled) -> ByMetric:
        return {**resampled.numbers, **(self._derived(arm.name) if arm.kind == "deblurrer" else {})}

    def _scored(self, found: ArmDetections) -> CocoScores:
        depends_on = {**self._scored_by, "results": found.sha256}
        record = self._cache.get("score", depends_on)
        if record is None:
            scores = coco_scores(self._truth, found.ranking)
            per_class = {str(number): value for number, value in scores.map_per_class.items()}
            record = self._cache.put("score", depends_on, {"stats": dict(scores.stats), "per_class": per_class})
        return CocoScores(record["stats"], {int(number): value for number, value in record["per_class"].items()})


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _mean(values: Sequence[float | None]) -> tuple[float | None, int]:
    """The mean over the pictures for which the metric is defined, and how many those are."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None, len(defined)


def _times(pictures: Sequence[ArmPicture]) -> dict[str, Estimate]:
    timed = [(row.restored.restore_ms, row.picture) for row in pictures if row.restored]
    times = np.array([ms for ms, _ in timed if ms is not None])
    pixels = sum(picture.width * picture.height for ms, picture in timed if ms is not None)
    measures: dict[str, Callable[[], float]] = {
        "restore_ms_p50": lambda: np.percentile(times, 50),
        "restore_ms_p95": lambda: np.percentile(times, 95),
        "restore_s_per_mpix": lambda: times.sum() / 1e3 / (pixels / 1e6),
    }
    return {key: Estimate(float(measure()) if pixels else None, len(times)) for key, measure in measures.items()}

"""From numbers over the pictures to estimates: each arm's metrics with their intervals, and how far arms are apart."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.core.progress import Hears, unheard
from detbench.evaluation.measure.measured import ArmPicture, DeblurrerFacts, Measurements
from detbench.evaluation.score.cached_numbers import CachedNumbers
from detbench.metrics.claims import is_shown
from detbench.metrics.image_metrics import image_metrics, metric_specs
from detbench.metrics.jackknifed import estimated
from detbench.metrics.resampled import defined
from detbench.results.cache import Record
from detbench.results.schema import ArmResult, Difference, adjusted
from detbench.types import Estimate


def reported_arms(measured: Measurements) -> tuple[Arm, ...]:
    """The arms of a result, in its order: sharp (where there is one), blurred, deblurrers."""
    arms = (SHARP, BLURRED, *(Arm("blurred", name) for name in measured.basis.deblurrers))
    return tuple(arm for arm in arms if arm in measured.rows)


def arm_result(numbers: CachedNumbers, measured: Measurements, arm: Arm, analysis: Record) -> ArmResult:
    """One arm's metrics, and what is said of it; `analysis` is its part of `analysis.json`."""
    pictures = measured.rows[arm]
    restored = [row.restored for row in pictures if row.restored]
    facts = None if arm.deblurrer is None else measured.basis.deblurrers[arm.deblurrer]
    metrics = _metrics(numbers, arm)
    has_truth = measured.basis.specification["truth"] != "none"
    if not has_truth:
        metrics = {key: estimate for key, estimate in metrics.items() if key in image_metrics()}
    if facts is not None:
        against_sharp = _against_sharp(numbers, arm) if has_truth else {}
        metrics |= {**against_sharp, **_times(pictures), **_cost(facts, len(pictures))}
    return ArmResult(
        arm.name,
        arm.kind,
        metrics,
        map_per_class={name: each["map"]["value"] for name, each in analysis["classes"].items()} if has_truth else {},
        backend=facts.identity if facts else None,
        told_kernel=any(picture.told_kernel for picture in restored),
        smaller_tiles=sum(picture.tile_pixels is not None for picture in restored),
        finds_kernel=any(picture.blur is not None for picture in restored),
        trained_with_detector=facts is not None and facts.trained_with_detector,
    )


def pairs_of(arms: Collection[Arm]) -> list[tuple[Arm, Arm]]:
    """The arms that are compared, each with what it is held against: what blur costs, what each deblurrer changes, and
    what tells the deblurrers apart.
    """
    deblurrers = [arm for arm in arms if arm.is_restored_blurred]
    pairs = [(BLURRED, SHARP)] if SHARP in arms else []
    pairs += [(arm, BLURRED) for arm in deblurrers]
    return pairs + [(later, earlier) for earlier, later in combinations(deblurrers, 2)]


def differences(
    numbers: CachedNumbers, results: Mapping[Arm, ArmResult], begun: Hears = unheard
) -> tuple[Difference, ...]:
    """Every pair's differences, for every metric that both arms have; `begun` takes the name of each pair."""
    found: list[Difference] = []
    for arm, against in pairs_of(results.keys()):
        begun(f"{arm} − {against}")
        found += _paired(numbers, results, arm, against)
    return adjusted(found)


def _paired(numbers: CachedNumbers, results: Mapping[Arm, ArmResult], arm: Arm, against: Arm) -> Iterator[Difference]:
    ours, theirs = numbers.jackknifed.paired(arm), numbers.jackknifed.paired(against)
    p_of = numbers.p_values(arm, against)
    for key, estimate in results[arm].metrics.items():
        other = results[against].metrics.get(key)
        if other is not None:
            values = ours[key] - theirs[key] if key in ours and key in theirs else None
            value = None if estimate.value is None or other.value is None else estimate.value - other.value
            difference = estimated(value, min(estimate.n, other.n), values)
            yield Difference(arm.name, against.name, key, difference, p_of.get(key))


def _metrics(numbers: CachedNumbers, arm: Arm) -> dict[str, Estimate]:
    """What every arm has: detection over all pictures, picture quality over those where it is defined."""
    evidence, own = numbers.arms[arm], numbers.jackknifed.own(arm)
    pictures = {key: int((~np.isnan(values)).sum()) for key, values in evidence.quality.items()}
    return {
        key: estimated(defined(own[key][0]), pictures.get(key, len(evidence.counts)), own[key], spec.limits)
        for key, spec in metric_specs().items()
        if key in own
    }


def _against_sharp(numbers: CachedNumbers, arm: Arm) -> dict[str, Estimate]:
    """What a deblurrer wins back and harms; None without sharp pictures, and of the share that it wins back where the
    run does not show that blur costs anything.
    """
    ours = numbers.jackknifed.paired(arm)
    values = {key: defined(ours[key][0]) if key in ours else None for key in ("gap_recovered", "harm")}
    if not _is_cost_shown(numbers):
        values["gap_recovered"] = None
    return {key: estimated(value, numbers.jackknifed.pictures_of(key), ours.get(key)) for key, value in values.items()}


def _is_cost_shown(numbers: CachedNumbers) -> bool:
    """Whether mAP is lower on blurred pictures than on sharp ones by more than chance."""
    if SHARP not in numbers.arms:
        return False
    change = numbers.jackknifed.paired(BLURRED)["map"] - numbers.jackknifed.paired(SHARP)["map"]
    cost = estimated(defined(change[0]), len(numbers.truth.image_ids), change)
    return is_shown(cost, numbers.p_values(BLURRED, SHARP).get("map")) and (cost.value or 0) < 0


def _cost(facts: DeblurrerFacts, images: int) -> dict[str, Estimate]:
    """What a network is and does, whatever the pictures; nothing where that is not known."""
    return {key: Estimate(value, images) for key, value in facts.cost.items()}


def _times(pictures: Sequence[ArmPicture]) -> dict[str, Estimate]:
    timed = [(row.restored.restore_ms, row.picture) for row in pictures if row.restored]
    times = np.array([ms for ms, _ in timed if ms is not None])
    detected = np.array([row.detect_ms for row in pictures if row.detect_ms is not None])
    peaks = [row.restored.peak_mib for row in pictures if row.restored and row.restored.peak_mib is not None]
    pixels = sum(picture.width * picture.height for ms, picture in timed if ms is not None)
    measures: dict[str, Callable[[], float]] = {
        "restore_ms_p50": lambda: np.percentile(times, 50),
        "restore_ms_p95": lambda: np.percentile(times, 95),
        "restore_s_per_mpix": lambda: times.sum() / 1e3 / (pixels / 1e6),
    }
    of_restoring = {
        key: Estimate(float(measure()) if pixels else None, len(times)) for key, measure in measures.items()
    }
    return {**of_restoring, **_with_detector(times, detected), "restore_peak_mib": _largest(peaks)}


def _with_detector(times: NDArray[np.float64], detected: NDArray[np.float64]) -> dict[str, Estimate]:
    """What the detector takes, and pictures a second of both one after the other; times in milliseconds."""
    found: dict[str, Estimate] = {}
    for share in (50, 95):
        detect_ms = float(np.percentile(detected, share)) if len(detected) else None
        both_ms = None if detect_ms is None or not len(times) else detect_ms + float(np.percentile(times, share))
        found[f"detect_ms_p{share}"] = Estimate(detect_ms, len(detected))
        found[f"fps_p{share}"] = Estimate(1000 / both_ms if both_ms else None, min(len(times), len(detected)))
    return found


def _largest(peaks_mib: Sequence[float]) -> Estimate:
    return Estimate(max(peaks_mib, default=None), len(peaks_mib))

"""When to restore: never, always, where a measure of the input's blur says so, or where an oracle does.

All of it follows from what each arm found. No picture is restored or measured again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.core.fingerprints import code_identity
from detbench.evaluation.measure.measured import ArmPicture, Measurements
from detbench.evaluation.score.arm_evidence import ArmEvidence
from detbench.evaluation.score.cached_numbers import CachedNumbers
from detbench.metrics.claims import holm
from detbench.metrics.jackknifed import estimated
from detbench.metrics.resampled import Numbers, coco_numbers, defined, ratio, weighted_sums
from detbench.metrics.selective import (
    Chosen,
    Rule,
    break_even,
    choose_by_measure,
    choose_by_truth,
    mixture,
)
from detbench.metrics.specs import METRICS, SHARE
from detbench.results.cache import Record, digest
from detbench.results.schema import Difference, SelectiveRestoration, Strategy, StrategyName
from detbench.types import Estimate

NO_SHARP = "there are no sharp pictures"
NO_HARM = "harm was not measured"
HARMLESS = "harm is not above 0"
NO_GAIN = "restoring gains nothing on blurred pictures"


def selective_restoration(
    numbers: CachedNumbers, evidence: Mapping[Arm, ArmEvidence], measured: Measurements
) -> tuple[SelectiveRestoration, ...]:
    """One for each deblurrer that finished; none where the request names no measure. `evidence` is every arm's."""
    measure = measured.basis.specification.get("gate_by")
    arms = [arm for arm in numbers.arms if arm.is_restored_blurred]
    if measure is None or not arms:
        return ()
    found = [_Restorer(numbers, evidence, measured, arm, measure).result() for arm in arms]
    return _adjusted(found)


class _Restorer:
    """One deblurrer's strategies: each is an arm that takes every picture from the blurred or the restored one."""

    def __init__(
        self,
        numbers: CachedNumbers,
        evidence: Mapping[Arm, ArmEvidence],
        measured: Measurements,
        arm: Arm,
        measure: str,
    ) -> None:
        self._numbers, self._evidence, self._arm, self._measure = numbers, evidence, arm, measure
        self._rows = {each: _by_id(measured.rows[each]) for each in (BLURRED, arm)}
        self._pictures = len(numbers.truth.image_ids)
        self._weights = numbers.jackknifed.weights
        self._choice = self._chosen()
        self._masks: dict[StrategyName, Chosen] = {
            "never": np.zeros(self._pictures, np.bool_),
            "always": np.ones(self._pictures, np.bool_),
            "gated": np.array(self._choice["gated"], np.bool_),
            "oracle": np.array(self._choice["oracle"], np.bool_),
        }
        self._mixed = numbers.of_arms({Arm("blurred", name): self._mixture(name) for name in self._masks})

    def result(self) -> SelectiveRestoration:
        """All that is said of the deblurrer; p-values are not adjusted yet."""
        gained = self._gain_per_s("gated") - self._gain_per_s("always")
        share, reason = self._break_even()
        return SelectiveRestoration(
            deblurrer=str(self._arm.deblurrer),
            measure=self._measure,
            rule=Rule(**self._choice["rule"]),
            strategies={name: self._strategy(name) for name in self._masks},
            differences=tuple(self._difference(against) for against in ("never", "always")),
            map_per_s=estimated(defined(gained[0]), self._pictures, gained),
            curve=tuple(zip(*self._choice["curve"], strict=True)),
            break_even=share,
            no_break_even=reason,
        )

    def _chosen(self) -> Record:
        """Who restores which pictures, from the cache where it was chosen before."""
        key = self._measure
        values = [row.quality.get(key) for row in self._rows[BLURRED]]
        blurred, restored = (self._numbers.arms[each] for each in (BLURRED, self._arm))
        depends_on = {
            "blurred": blurred.sha256,
            "restored": restored.sha256,
            "measure": values,
            **code_identity(choose_by_measure),
        }

        def compute() -> dict[str, Any]:
            gated = choose_by_measure(blurred.evidence, restored.evidence, np.array(values, np.float64))
            return {
                "gated": gated.chosen.tolist(),
                "oracle": choose_by_truth(blurred.evidence, restored.evidence).tolist(),
                "rule": asdict(gated.rule),
                "curve": [gated.curve[0].tolist(), [defined(value) for value in gated.curve[1]]],
            }

        return self._numbers.kept("selective", depends_on, compute)

    def _mixture(self, name: StrategyName) -> ArmEvidence:
        blurred, restored, mask = self._numbers.arms[BLURRED], self._numbers.arms[self._arm], self._masks[name]
        if not mask.any():
            return blurred
        if mask.all():
            return restored
        mixed = mixture(blurred.evidence, restored.evidence, mask)
        return ArmEvidence(
            mixed.counts,
            mixed.quality,
            blurred.pictures,
            np.where(mask[self._numbers.truth.picture], restored.is_taken, blurred.is_taken),
            digest([blurred.sha256, restored.sha256, mask.tolist()]),
            lambda: mixed,
        )

    def _strategy(self, name: StrategyName) -> Strategy:
        own = self._mixed.jackknifed.own(Arm("blurred", name))["map"]
        return Strategy(
            map=estimated(defined(own[0]), self._pictures, own, METRICS["map"].limits),
            share_restored=float(self._masks[name].mean()),
            restore_s_per_mpix=defined(self._seconds(name)[0]),
            map_per_s=defined(self._gain_per_s(name)[0]),
        )

    def _difference(self, against: StrategyName) -> Difference:
        values = self._map("gated") - self._map(against)
        estimate = estimated(defined(values[0]), self._pictures, values)
        p_of = self._mixed.p_values(Arm("blurred", "gated"), Arm("blurred", against))
        return Difference("gated", against, "map", estimate, p_of.get("map"))

    def _map(self, name: StrategyName) -> Numbers:
        """As it is set against other strategies', (1 + F,)."""
        return self._mixed.jackknifed.paired(Arm("blurred", name))["map"]

    def _seconds(self, name: StrategyName) -> Numbers:
        """Time for a megapixel of all pictures, (1 + F,); NaN where no time was measured."""
        rows, mask = self._rows[self._arm], self._masks[name]
        times_ms = np.array([row.restored.restore_ms if row.restored else None for row in rows], np.float64)
        pixels = np.array([row.picture.width * row.picture.height for row in rows], np.float64)
        is_timed = ~np.isnan(times_ms)
        columns = np.stack([np.where(is_timed & mask, times_ms, 0) / 1e3, np.where(is_timed, pixels, 0) / 1e6], axis=1)
        return ratio(*weighted_sums(columns, self._weights))

    def _gain_per_s(self, name: StrategyName) -> Numbers:
        """mAP over `never` for each second a megapixel, (1 + F,)."""
        seconds = self._seconds(name)
        gain = self._map(name) - self._map("never")
        return np.where(seconds == 0, 0.0, ratio(gain, np.nan_to_num(seconds))) if self._masks[name].any() else 0 * gain

    def _break_even(self) -> tuple[Estimate, str]:
        """The share of sharp pictures from which on restoring all costs more than it brings, or why there is none."""
        reason = self._unmeasured_harm()
        if reason:
            return Estimate(None, self._pictures), reason
        gain, harm = self._gain_on_blurred(), self._harm()
        if not harm[0] > 0:
            return Estimate(None, self._pictures), HARMLESS
        if not gain[0] > 0:
            return Estimate(None, self._pictures), NO_GAIN
        values = break_even(gain, harm)
        return estimated(defined(values[0]), self._pictures, values, SHARE), ""

    def _unmeasured_harm(self) -> str:
        if SHARP not in self._evidence:
            return NO_SHARP
        return "" if self._arm.on_sharp in self._evidence else NO_HARM

    def _gain_on_blurred(self) -> Numbers:
        """What restoring brings on the pictures that are not the sharp ones, (1 + F,)."""
        samples = [row.sample for row in self._rows[BLURRED]]
        is_blurred = [each.sharp is None or each.sharp.sha256 != each.blurred.sha256 for each in samples]
        weights = self._weights * np.array(is_blurred, np.uint8)
        blurred, restored = (self._map_over(self._evidence[each], weights) for each in (BLURRED, self._arm))
        return restored - blurred

    def _harm(self) -> Numbers:
        """What restoring costs on the sharp pictures that it was tried on, (1 + F,): left out are those of the run."""
        places = self._numbers.harm_pictures
        sharp, restored = self._evidence[SHARP].among(places), self._evidence[self._arm.on_sharp]
        weights = self._weights[:, places]
        return self._map_over(sharp, weights) - self._map_over(restored, weights)

    def _map_over(self, evidence: ArmEvidence, weights: NDArray[np.integer[Any]]) -> Numbers:
        return coco_numbers(evidence.evidence.ranking, weights, ("all",))["map"]


def _by_id(rows: Sequence[ArmPicture]) -> list[ArmPicture]:
    return sorted(rows, key=lambda row: row.sample.id)


def _adjusted(found: list[SelectiveRestoration]) -> tuple[SelectiveRestoration, ...]:
    """With several deblurrers p-values are adjusted: over all of them, against never and against always."""
    if len(found) == 1:
        return tuple(found)
    p_holm = {
        against: holm({each.deblurrer: each.change(against).p_value for each in found})
        for against in ("never", "always")
    }

    def differences(each: SelectiveRestoration) -> Iterator[Difference]:
        for difference in each.differences:
            yield replace(difference, p_holm=p_holm[difference.against][each.deblurrer])

    return tuple(replace(each, differences=tuple(differences(each))) for each in found)

"""Selective restoration: which pictures to restore, and what is found where the others are left as they are.

A gate restores a picture by a measure of its blur. Its threshold, and on which side of it pictures are restored, are
chosen by cross-validation: each picture is gated by the rule that does best on the other folds, so that no number is
tuned on the pictures that it is over (Stone, "Cross-validatory choice and assessment of statistical predictions",
Journal of the Royal Statistical Society B 36, 1974).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.evidence import Evidence, side_by_side
from detbench.metrics.precision_recall import precision_recall_f1
from detbench.metrics.ranking import Ranking
from detbench.metrics.resampled import coco_numbers, ratio
from detbench.metrics.uncertainty import folds_of

CHOICE_FOLDS = 10
"""Into so many folds the pictures are divided to choose a rule."""

MOST_THRESHOLDS = 100
"""Of more pictures so many quantiles of the measure are tried."""

_BLOCK = 64
"""Pictures of which the own mAP is computed together."""

_EQUAL = 1e-12
"""Numbers of COCO are exact to this."""

Chosen = NDArray[np.bool_]
"""Whether each picture is restored, (N,)."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """Which pictures are restored: none, all, or those whose measure is at least (`above`) or at most (`below`) the
    `threshold`, which the first two do not have.
    """

    restores: Literal["never", "always", "above", "below"]
    threshold: float | None = None

    def chosen(self, measure: Numbers) -> Chosen:
        """The pictures that are restored; one whose measure is undefined (NaN) is so by `always` alone."""
        if self.threshold is None:
            return np.full(len(measure), self.restores == "always")
        return measure >= self.threshold if self.restores == "above" else measure <= self.threshold


@dataclass(frozen=True, eq=False)
class GatedChoice:
    """`chosen` (N,) says which pictures are restored, each by the rule of the other folds; `rule` is the one of all
    pictures, to be used on new ones. `curve` has, along that rule's side, shares of restored pictures and their mAP,
    both (P,), from none restored to all.
    """

    chosen: Chosen
    rule: Rule
    curve: tuple[Numbers, Numbers]


def choose_by_measure(blurred: Evidence, restored: Evidence, measure: Numbers) -> GatedChoice:
    """Gate the pictures by `measure` (N,), in the order of the evidence; the pictures of `restored` are the same."""
    both, fold = side_by_side(blurred, restored), folds_of(len(measure), CHOICE_FOLDS)
    chosen = np.zeros(len(measure), np.bool_)
    for held_out in np.unique(fold):
        inside = fold == held_out
        chosen[inside] = best_rule(both, measure, ~inside).chosen(measure[inside])
    rule = best_rule(both, measure, np.ones_like(chosen))
    side: Literal["above", "below"] = "below" if rule.restores == "below" else "above"
    masks = np.stack([each.chosen(measure) for each in _rules(measure) if each.restores in ("never", "always", side)])
    masks = masks[np.argsort(masks.sum(axis=1), kind="stable")]
    return GatedChoice(chosen, rule, (masks.mean(axis=1), _map_of(both, masks, np.ones_like(chosen))))


def best_rule(both: Evidence, measure: Numbers, counts: Chosen) -> Rule:
    """The rule with the highest mAP over the pictures that count, (N,); of equal ones that which restores fewest.

    `both` is `side_by_side` of the arms. Nothing of the other pictures is used, neither truth nor measure.
    """
    rules = _rules(measure[counts])
    masks = np.stack([rule.chosen(measure) for rule in rules])
    values = np.nan_to_num(_map_of(both, masks, counts), nan=-1.0)
    best = np.flatnonzero(values >= values.max() - _EQUAL)
    return rules[int(best[np.argmin((masks & counts)[best].sum(axis=1))])]


def choose_by_truth(blurred: Evidence, restored: Evidence) -> Chosen:
    """The choice of an oracle: the arm with the higher mAP in the picture alone; of equal ones that with the higher F1
    at the stated confidence (1 where there is nothing to find and nothing was found); of equal ones the blurred arm.

    mAP over pictures is no mean of theirs, so that this comes near the best choice and need not be it.
    """
    gain = map_by_picture(restored.ranking) - map_by_picture(blurred.ranking)
    gain_f1 = _f1_by_picture(restored) - _f1_by_picture(blurred)
    is_tied = np.isnan(gain) | (np.abs(gain) <= _EQUAL)
    return np.asarray(np.where(is_tied, gain_f1 > 0, gain > 0))


def mixture(blurred: Evidence, restored: Evidence, chosen: Chosen) -> Evidence:
    """The evidence of taking the chosen pictures from `restored` and the others from `blurred`."""
    both, pictures = side_by_side(blurred, restored).ranking, len(chosen)
    rows = np.flatnonzero(chosen[both.picture % pictures] == (both.picture >= pictures))
    ranking = Ranking(
        both.picture[rows] % pictures,
        both.category[rows],
        both.scores[rows],
        both.rank[rows],
        both.outcomes[rows],
        both.true_boxes[:, :pictures],
    )
    quality = {
        key: np.where(chosen, restored.quality[key], values)
        for key, values in blurred.quality.items()
        if key in restored.quality
    }
    return Evidence(ranking, np.where(chosen[:, None], restored.counts, blurred.counts), quality)


def map_by_picture(ranking: Ranking) -> Numbers:
    """mAP in each picture alone, (N,); NaN in one without true boxes."""
    pictures = ranking.true_boxes.shape[1]
    blocks = [np.arange(first, min(first + _BLOCK, pictures)) for first in range(0, pictures, _BLOCK)]
    each = [
        coco_numbers(ranking.among(block), np.eye(len(block), dtype=np.uint16), ("all",))["map"] for block in blocks
    ]
    return np.concatenate(each) if each else np.zeros(0)


def break_even(gain: Numbers, harm: Numbers) -> Numbers:
    """The share of sharp pictures from which on restoring all of them costs more mAP than it brings, in 0..1.

    With the share s, restoring all brings (1 − s) · gain on the blurred pictures and costs s · harm on the sharp ones:
    both are equal at gain / (gain + harm). NaN where either is not above 0.
    """
    is_defined = (gain > 0) & (harm > 0)
    return ratio(gain, np.where(is_defined, gain + harm, 0.0))


def _rules(measure: Numbers) -> list[Rule]:
    """Never and always, and both sides of thresholds half way between neighbouring values of the measure."""
    values = np.unique(measure[~np.isnan(measure)])
    if len(values) > MOST_THRESHOLDS:
        values = np.unique(np.quantile(values, np.linspace(0, 1, MOST_THRESHOLDS)))
    thresholds = [(low + high) / 2 for low, high in pairwise(values.tolist())]
    sides = [Rule("above", each) for each in thresholds] + [Rule("below", each) for each in thresholds]
    return [Rule("never"), Rule("always"), *sides]


def _map_of(both: Evidence, masks: Chosen, counts: Chosen) -> Numbers:
    """mAP over the pictures that count, (N,), where the masks (B, N) say which are restored: (B,)."""
    weights = np.concatenate([~masks & counts, masks & counts], axis=1).astype(np.uint16)
    return coco_numbers(both.ranking, weights, ("all",))["map"]


def _f1_by_picture(evidence: Evidence) -> Numbers:
    values = precision_recall_f1(*evidence.counts.T)["f1"]
    return np.where(evidence.counts.sum(axis=1) == 0, 1.0, np.nan_to_num(values))

"""What one arm measured, picture by picture, and every number that follows from it for any multiset of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.matching import AREAS
from detbench.metrics.outcomes import join
from detbench.metrics.precision_recall import precision_recall_f1
from detbench.metrics.ranking import Ranking
from detbench.metrics.resampled import (
    Draws,
    Numbers,
    coco_numbers,
    defined,
    mean_over_classes,
    numbers_by_class,
    ratio,
    unit_weights,
    weighted_counts,
    weighted_sums,
)
from detbench.metrics.uncertainty import draw_swaps, p_value

ByMetric = Mapping[str, Numbers]


@dataclass(frozen=True, eq=False)
class Evidence:
    """One arm over N pictures, in the order of their ids.

    `counts` (N, 3) holds true positives, false positives and misses at the stated confidence; `quality` holds the
    paired metrics of single pictures by key, (N,) each, NaN where undefined.
    """

    ranking: Ranking
    counts: NDArray[np.int64]
    quality: Mapping[str, NDArray[np.float64]]

    def __post_init__(self) -> None:
        pictures = self.ranking.true_boxes.shape[1]
        for name, column, shape in (
            ("counts", self.counts, (pictures, 3)),
            *((key, values, (pictures,)) for key, values in self.quality.items()),
        ):
            if column.shape != shape:
                raise ValueError(f"{name} has shape {column.shape}; {pictures} pictures need {shape}")

    def among(self, pictures: NDArray[np.int64]) -> "Evidence":
        """The same over some of its pictures, ascending indices (n,), as if there were no others."""
        quality = {key: values[pictures] for key, values in self.quality.items()}
        return Evidence(self.ranking.among(pictures), self.counts[pictures], quality)


def numbers_of(evidence: Evidence, draws: Draws, areas: Sequence[str] = tuple(AREAS)) -> dict[str, Numbers]:
    """Every metric of an arm for B multisets of pictures: key → (B,), NaN where undefined; see `coco_numbers`."""
    return {**coco_numbers(evidence.ranking, draws, areas), **_pooled(evidence, draws)}


def numbers_of_folds(
    evidence: Evidence, folds: Draws, areas: Sequence[str] = tuple(AREAS)
) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
    """Every metric of an arm over the rows of `leave_out`: for its own interval, and for differences from other arms.

    A class that few pictures have comes and goes from one set of pictures to the next. That moves the mAP of an arm,
    and hardly a difference. There only the spread within a class counts, which the jackknife of n pictures among N
    takes for larger than it is: by n / (n − 1), as against N / (N − 1) for all of them.
    """
    by_class = numbers_by_class(evidence.ranking, folds, areas)
    pooled = _pooled(evidence, folds)
    own = {key: mean_over_classes(values) for key, values in by_class.items()}
    shrink = _overstatement(evidence.ranking, folds)[:, None] ** -0.5
    narrowed = {key: values[:, :1] + shrink * (values - values[:, :1]) for key, values in by_class.items()}
    return {**own, **pooled}, {**{key: mean_over_classes(values) for key, values in narrowed.items()}, **pooled}


def _pooled(evidence: Evidence, draws: Draws) -> dict[str, Numbers]:
    """The metrics that are not a mean over classes."""
    return {
        **precision_recall_f1(*weighted_counts(evidence.counts, draws)),
        **{key: _mean(values, draws) for key, values in evidence.quality.items()},
    }


def _overstatement(ranking: Ranking, folds: Draws) -> Numbers:
    """By which factor the jackknife's variance of each class is too large beside that of a number over all, (K,)."""
    leaving = (folds[1:] == 0).astype(np.float64)
    having = ((leaving @ (ranking.true_boxes[0] > 0)) > 0).sum(axis=0)
    several, every = np.maximum(having, 2), max(2, len(leaving))
    return np.asarray((several / (several - 1)) / (every / (every - 1)))


def point_numbers(evidence: Evidence) -> dict[str, float | None]:
    """Every metric of an arm over its pictures as they are; None where undefined."""
    values = numbers_of(evidence, unit_weights(len(evidence.counts)))
    return {key: defined(value[0]) for key, value in values.items()}


def gap_recovered(arm: Numbers, blurred: Numbers, sharp: Numbers) -> Numbers:
    """(mAP − mAP blurred) / (mAP sharp − mAP blurred), shape (B,); NaN where blur costs nothing."""
    gap = sharp - blurred
    return ratio(arm - blurred, gap)


def p_values(one: Evidence, other: Evidence, times: int) -> dict[str, float | None]:
    """Paired permutation p-values of the differences between two arms, size classes left out.

    In each of `times` exchanges every picture's results go to the one arm or the other by a fair coin.
    """
    pictures = len(one.counts)
    both, keep = side_by_side(one, other), draw_swaps(pictures, times)
    keep = np.concatenate([np.ones((1, pictures), keep.dtype), keep])  # first the arms as they are
    names = (keep, 1 - keep), (1 - keep, keep)
    ours, theirs = (numbers_of(both, np.concatenate(pair, axis=1), ("all",)) for pair in names)
    differences = {key: ours[key] - theirs[key] for key in ours}
    return {key: p_value(values[0], values[1:]) for key, values in differences.items() if not np.isnan(values[0])}


def side_by_side(one: Evidence, other: Evidence) -> Evidence:
    """Both arms as one of 2N pictures: first those of `one`, then those of `other`.

    Weights (2N,) that take each picture from either arm give the numbers of the mixture, ties between scores included.
    """
    pictures = len(one.counts)
    first, second = one.ranking, other.ranking
    columns = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("picture", "category", "scores", "rank")
    }
    columns["picture"][len(first) :] += pictures
    order = np.lexsort((columns["rank"], columns["picture"] % pictures, -columns["scores"], columns["category"]))
    ranking = Ranking(
        **{name: column[order] for name, column in columns.items()},
        outcomes=join(first.outcomes, second.outcomes)[order],
        true_boxes=np.concatenate([first.true_boxes, second.true_boxes], axis=1),
    )
    quality = {
        key: np.concatenate([values, other.quality[key]]) for key, values in one.quality.items() if key in other.quality
    }
    return Evidence(ranking, np.concatenate([one.counts, other.counts]), quality)


def _mean(values: Numbers, draws: Draws) -> Numbers:
    """Mean over the drawn pictures in which a value is defined, (B,)."""
    is_defined = ~np.isnan(values)
    return ratio(*weighted_sums(np.stack([np.where(is_defined, values, 0.0), is_defined], axis=1), draws))

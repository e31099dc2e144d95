"""An arm's found boxes that count, matched once for all IoU thresholds and size classes: what is left is adding up."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.columns import FoundColumns, TrueColumns
from detbench.metrics.matching import AREAS, by_rank, need_not_be_found, outcomes_of
from detbench.metrics.outcomes import Outcomes

MAX_FOUND = 100
"""Of the boxes found in a picture and class, only so many count, the surest first."""

Indices = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Every found box of an arm that counts, matched, sorted by class, score (falling), picture, rank.

    `picture` (D,) indexes pictures 0..N-1, `category` (D,) classes 0..K-1; `scores` (D,); `rank` (D,) is the place
    among the boxes of the same picture and class. `outcomes` are those of the boxes at each of AREAS and IOUS;
    `true_boxes` (A, N, K) counts the true boxes to find.
    """

    picture: Indices
    category: Indices
    scores: NDArray[np.float64]
    rank: Indices
    outcomes: Outcomes
    true_boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.picture)

    def among(self, pictures: Indices) -> "Ranking":
        """The same of some of its pictures, ascending indices (n,): they become pictures 0..n-1."""
        if len(pictures) == self.true_boxes.shape[1]:
            return self
        place = np.full(self.true_boxes.shape[1], -1, np.int32)
        place[pictures] = np.arange(len(pictures))
        rows = np.flatnonzero(place[self.picture] >= 0)
        return Ranking(
            place[self.picture[rows]],
            self.category[rows],
            self.scores[rows],
            self.rank[rows],
            self.outcomes[rows],
            self.true_boxes[:, pictures],
        )


def ranked(truth: TrueColumns, found: FoundColumns) -> Ranking:
    """Match one arm's found boxes and rank them; equal to pycocotools' matching for every threshold and size."""
    from detbench.metrics.radix_order import order_of

    found, rank = surest(found)
    outcomes = outcomes_of(truth, found)
    order = order_of(found.category, found.scores)  # `surest` has sorted by picture and rank
    return Ranking(
        found.picture[order].astype(np.int32),
        found.category[order].astype(np.int32),
        found.scores[order],
        rank[order].astype(np.uint8),
        outcomes[order],
        _counts(truth),
    )


def trimmed(ranking: Ranking) -> Ranking:
    """The same without the boxes that stand behind the last true one of their class: they change no number."""
    true = np.flatnonzero(ranking.outcomes.ever_true())
    last = np.full(ranking.true_boxes.shape[2], -1)
    last[ranking.category[true]] = true  # ascending, so that the last one stays
    end = last[ranking.category]
    ties = (ranking.scores == ranking.scores[end]) & (ranking.picture == ranking.picture[end])
    kept = (np.arange(len(ranking)) <= end) | (ties & (end >= 0))
    return Ranking(
        ranking.picture[kept],
        ranking.category[kept],
        ranking.scores[kept],
        ranking.rank[kept],
        ranking.outcomes[kept],
        ranking.true_boxes,
    )


def surest(found: FoundColumns) -> tuple[FoundColumns, NDArray[np.int64]]:
    """The MAX_FOUND surest boxes of each picture and class, in the order of `by_rank`, and their ranks."""
    order, rank = by_rank(found)
    kept = rank < MAX_FOUND
    return found[order[kept]], rank[kept]


def _counts(truth: TrueColumns) -> NDArray[np.int64]:
    """True boxes to find, by size class, picture and class: (A, N, K)."""
    pictures, classes = len(truth.image_ids), len(truth.category_ids)
    place = truth.picture * classes + truth.category
    counts = [np.bincount(place[~skipped], minlength=pictures * classes) for skipped in need_not_be_found(truth)]
    return np.stack(counts).reshape(len(AREAS), pictures, classes)

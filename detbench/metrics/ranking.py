"""COCO's matching, once for all IoU thresholds and size classes: what is left is adding up.

After Lin et al. 2014 as pycocotools does it, decision for decision; found boxes of one rank are matched in all pictures
and classes at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.columns import FoundColumns, TrueColumns, overlaps, pairs_within
from detbench.metrics.outcomes import FALSE, SKIPPED, TRUE, Outcomes, join, pack

IOUS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's size classes in square pixels; both bounds belong to the class, so a box of 32² is small and medium."""

MAX_FOUND = 100
"""Of the boxes found in a picture and class, only so many count, the surest first."""

Indices = NDArray[np.integer[Any]]

_BLOCK = 1 << 15
"""Found boxes matched at a time: all thresholds and sizes of them take 200 times the memory of what is kept."""

_NEAR_ONE = 1 - 1e-10  # pycocotools never asks for more


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


def ranked(truth: TrueColumns, found: FoundColumns) -> Ranking:
    """Match one arm's found boxes and rank them; equal to pycocotools' matching for every threshold and size."""
    found, rank = surest(found)
    skipped = _skipped(truth)
    blocks = (pack(_outcomes(skipped, found[rows], partners)) for rows, partners in matched(truth, found, rank))
    outcomes = join(*blocks)
    order = np.lexsort((-found.scores, found.category))  # `surest` has sorted by picture and rank
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
    """The MAX_FOUND surest boxes of each picture and class, and their ranks from 0 on; ties keep their order."""
    order = np.lexsort((-found.scores, found.picture, found.category))
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (np.diff(found.picture[order]) != 0) | (np.diff(found.category[order]) != 0)
    rows = np.arange(len(order))
    rank = rows - np.maximum.accumulate(np.where(starts, rows, 0))
    kept = rank < MAX_FOUND
    return found[order[kept]], rank[kept]


def _outcomes(skipped: NDArray[np.bool_], found: FoundColumns, partners: NDArray[np.int32]) -> NDArray[np.uint8]:
    found_areas = found.boxes_xywh[:, 2] * found.boxes_xywh[:, 3]
    outcomes = np.empty(partners.shape, np.uint8)
    for area, (low, high) in enumerate(AREAS.values()):
        outcomes[area] = np.where((found_areas < low) | (found_areas > high), SKIPPED, FALSE)
        iou, box = np.nonzero(partners[area] >= 0)
        outcomes[area, iou, box] = np.where(skipped[area, partners[area, iou, box]], SKIPPED, TRUE)
    return outcomes


def _skipped(truth: TrueColumns) -> NDArray[np.bool_]:
    """Which true boxes need not be found, (A, M): crowd regions and those of another size."""
    bounds = [(truth.areas < low) | (truth.areas > high) for low, high in AREAS.values()]
    return np.asarray(np.stack(bounds) | truth.crowd)


def matched(
    truth: TrueColumns, found: FoundColumns, rank: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """The true box that each found one takes, −1 for none, (A, T, rows), block after block with its rows, at least one.

    `found` and `rank` are `surest`'s.
    """
    skipped = _skipped(truth)
    firsts = np.append(np.flatnonzero(rank == 0), len(rank))  # pictures and classes stay whole
    edges = np.unique(firsts[np.searchsorted(firsts, np.arange(0, len(rank) + _BLOCK, _BLOCK).clip(max=len(rank)))])
    for begin, end in pairwise(edges) if len(rank) else [(0, 0)]:
        rows = np.arange(begin, end)
        yield rows, _matched(truth, skipped, found[rows], rank[rows])


def _matched(
    truth: TrueColumns, skipped: NDArray[np.bool_], found: FoundColumns, rank: NDArray[np.int64]
) -> NDArray[np.int32]:
    """The same of one block."""
    groups = (columns.category * len(truth.image_ids) + columns.picture for columns in (found, truth))
    mine, theirs = pairs_within(*groups)
    overlap = overlaps(found.boxes_xywh[mine], truth.boxes_xywh[theirs], truth.crowd[theirs])
    near = overlap >= IOUS[0]
    mine, theirs, overlap = mine[near], theirs[near], overlap[near]
    order = np.lexsort((theirs, overlap, mine, rank[mine]))  # a found box's best pair comes last
    mine, theirs, overlap = mine[order], theirs[order], overlap[order]
    partners = np.full((len(AREAS), len(IOUS), len(rank)), -1, np.int32)
    is_taken = np.zeros((len(AREAS), len(IOUS), len(truth.ids)), np.bool_)
    ends = np.append(np.flatnonzero(np.diff(rank[mine])) + 1, len(mine))
    for begin, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        if end > begin:
            _match_round(
                mine[begin:end], theirs[begin:end], overlap[begin:end], truth.crowd, skipped, is_taken, partners
            )
    return partners


def _match_round(
    mine: NDArray[np.int64],
    theirs: NDArray[np.int64],
    overlap: NDArray[np.float64],
    crowd: NDArray[np.bool_],
    skipped: NDArray[np.bool_],
    is_taken: NDArray[np.bool_],
    partners: NDArray[np.int32],
) -> None:
    """Let every found box of one rank take its best free true box; writes into `is_taken` and `partners`.

    A true box that must be found goes before one that is skipped, whatever they overlap; a crowd region is never used
    up.
    """
    pair = np.arange(len(mine), dtype=np.int32)
    is_near = overlap >= np.minimum(IOUS, _NEAR_ONE)[:, None]
    is_free = is_near & (~is_taken[:, :, theirs] | crowd[theirs])
    preference = np.where(skipped[:, None, theirs], pair, pair + len(pair))
    starts = np.append(0, np.flatnonzero(np.diff(mine)) + 1)
    best = np.maximum.reduceat(np.where(is_free, preference, np.int32(-1)), starts, axis=2)
    partner = np.concatenate([theirs, theirs, [-1]]).astype(np.int32)[best]
    partners[:, :, mine[starts]] = partner
    area, iou, place = np.nonzero(best >= 0)
    is_taken[area, iou, partner[area, iou, place]] = True


def _counts(truth: TrueColumns) -> NDArray[np.int64]:
    """True boxes to find, by size class, picture and class: (A, N, K)."""
    pictures, classes = len(truth.image_ids), len(truth.category_ids)
    place = truth.picture * classes + truth.category
    counts = [np.bincount(place[~skipped], minlength=pictures * classes) for skipped in _skipped(truth)]
    return np.stack(counts).reshape(len(AREAS), pictures, classes)

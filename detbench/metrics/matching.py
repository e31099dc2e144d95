"""COCO's matching of found boxes to true ones: whatever is said of a match, in any number or picture, is said by it.

After Lin et al. 2014 as pycocotools does it, decision for decision; found boxes of one rank are matched in all pictures
and classes at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.columns import FoundColumns, TrueColumns, overlaps, pairs_within
from detbench.metrics.specs import MATCH_IOU

IOUS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's size classes in square pixels; both bounds belong to the class, so a box of 32² is small and medium."""

FALSE_POSITIVE, IGNORED = -1, -2

_BLOCK = 1 << 15
"""Found boxes matched at a time: all thresholds and sizes of them take 200 times the memory of what is kept."""

_NEAR_ONE = 1 - 1e-10
"""pycocotools never demands a larger IoU."""


@dataclass(frozen=True, eq=False)
class Matches:
    """The boxes that one arm found, in the order that they came in, and what each took at IoU MATCH_IOU.

    `partner` (D,) is the index of a true box in `truth`, FALSE_POSITIVE, or IGNORED (the box lies on a crowd region).
    """

    truth: TrueColumns
    found: FoundColumns
    partner: NDArray[np.int64]

    def counts(self, confidence: float) -> NDArray[np.int64]:
        """True positives, false positives and missed true boxes of each picture at and above a confidence, (N, 3)."""
        sure = self.found.scores >= confidence
        tp, fp = (self._by_picture(self.found.picture[sure & kind]) for kind in (self.partner >= 0, self._is_false))
        return np.stack([tp, fp, self._by_picture(self.truth.picture[~self.truth.crowd]) - tp], axis=1)

    def is_taken(self, confidence: float) -> NDArray[np.bool_]:
        """Which true boxes something took at and above a confidence, (M,); no crowd region is."""
        taken = np.zeros(len(self.truth.crowd), np.bool_)
        taken[self.partner[(self.partner >= 0) & (self.found.scores >= confidence)]] = True
        return taken

    @property
    def _is_false(self) -> NDArray[np.bool_]:
        return np.asarray(self.partner == FALSE_POSITIVE)

    def _by_picture(self, picture: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(picture, minlength=len(self.truth.image_ids))


def match(truth: TrueColumns, found: FoundColumns) -> Matches:
    """Match at IoU MATCH_IOU within each picture and class, best score first; of equal scores the earlier box.

    A found box takes the free true box that it overlaps most, of equals the last; one that finds none but lies on a
    crowd region by as much is ignored. Cutting the result at a confidence equals matching what is above it. These are
    the matches that mAP counts at that IoU, but for its limit of boxes a picture and class: here all count.
    """
    order, rank = by_rank(found)
    parts = [partners[0, 0] for _, partners in partners_of(truth, found[order], rank, (MATCH_IOU,), ("all",))]
    partner = np.empty(len(order), np.int64)
    partner[order] = np.concatenate(parts)
    partner[np.append(truth.crowd, False)[partner]] = IGNORED
    return Matches(truth, found, partner)


def by_rank(found: FoundColumns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order of the boxes by class, picture and score, surest first, and in it each box's rank (D,) among those of
    its picture and class, from 0 on; ties keep their order.
    """
    order = np.lexsort((-found.scores, found.picture, found.category))
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (np.diff(found.picture[order]) != 0) | (np.diff(found.category[order]) != 0)
    rows = np.arange(len(order))
    return order, rows - np.maximum.accumulate(np.where(starts, rows, 0))


def need_not_be_found(truth: TrueColumns, areas: Sequence[str] = tuple(AREAS)) -> NDArray[np.bool_]:
    """Which true boxes are neither found nor missed, (A, M): crowd regions and those of another size."""
    bounds = [(truth.areas < low) | (truth.areas > high) for low, high in map(AREAS.__getitem__, areas)]
    return np.asarray(np.stack(bounds) | truth.crowd)


def partners_of(
    truth: TrueColumns,
    found: FoundColumns,
    rank: NDArray[np.int64],
    ious: Sequence[float] | NDArray[np.float64] = IOUS,
    areas: Sequence[str] = tuple(AREAS),
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """The true box that each found one takes, −1 for none, (A, T, rows), block after block with its rows, at least one.

    `found` is in `by_rank`'s order, `rank` its ranks; `ious` ascend.
    """
    skipped, least_ious = need_not_be_found(truth, areas), np.minimum(ious, _NEAR_ONE)
    firsts = np.append(np.flatnonzero(rank == 0), len(rank))  # pictures and classes stay whole
    edges = np.unique(firsts[np.searchsorted(firsts, np.arange(0, len(rank) + _BLOCK, _BLOCK).clip(max=len(rank)))])
    for begin, end in pairwise(edges) if len(rank) else [(0, 0)]:
        rows = np.arange(begin, end)
        yield rows, _partners(truth, skipped, found[rows], rank[rows], least_ious)


def _partners(
    truth: TrueColumns,
    skipped: NDArray[np.bool_],
    found: FoundColumns,
    rank: NDArray[np.int64],
    least_ious: NDArray[np.float64],
) -> NDArray[np.int32]:
    """The same of one block."""
    groups = (columns.category * len(truth.image_ids) + columns.picture for columns in (found, truth))
    mine, theirs = pairs_within(*groups)
    overlap = overlaps(found.boxes_xywh[mine], truth.boxes_xywh[theirs], truth.crowd[theirs])
    near = overlap >= least_ious[0]
    mine, theirs, overlap = mine[near], theirs[near], overlap[near]
    order = np.lexsort((theirs, overlap, mine, rank[mine]))  # a found box's best pair comes last
    mine, theirs, overlap = mine[order], theirs[order], overlap[order]
    partners = np.full((len(skipped), len(least_ious), len(rank)), -1, np.int32)
    is_taken = np.zeros((len(skipped), len(least_ious), len(truth.ids)), np.bool_)
    ends = np.append(np.flatnonzero(np.diff(rank[mine])) + 1, len(mine))
    for begin, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        if end > begin:
            pairs = mine[begin:end], theirs[begin:end]
            is_near = overlap[begin:end] >= least_ious[:, None]
            _match_round(*pairs, is_near, truth.crowd, skipped, is_taken, partners)
    return partners


def _match_round(
    mine: NDArray[np.int64],
    theirs: NDArray[np.int64],
    is_near: NDArray[np.bool_],
    crowd: NDArray[np.bool_],
    skipped: NDArray[np.bool_],
    is_taken: NDArray[np.bool_],
    partners: NDArray[np.int32],
) -> None:
    """Let every found box of one rank take its best free true box; writes into `is_taken` and `partners`. The P pairs
    of a found and a true box are sorted by found box and overlap; `is_near` (T, P) says which overlap enough.

    A true box that must be found goes before one that is skipped, whatever they overlap; a crowd region is never used
    up.
    """
    pair = np.arange(len(mine), dtype=np.int32)
    is_free = is_near & (~is_taken[:, :, theirs] | crowd[theirs])
    preference = np.where(skipped[:, None, theirs], pair, pair + len(pair))
    starts = np.append(0, np.flatnonzero(np.diff(mine)) + 1)
    best = np.maximum.reduceat(np.where(is_free, preference, np.int32(-1)), starts, axis=2)
    partner = np.concatenate([theirs, theirs, [-1]]).astype(np.int32)[best]
    partners[:, :, mine[starts]] = partner
    area, iou, place = np.nonzero(best >= 0)
    is_taken[area, iou, partner[area, iou, place]] = True

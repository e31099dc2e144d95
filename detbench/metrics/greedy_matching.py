"""COCO's greedy matching, compiled: found boxes, surest first, each take the best true box that is free.

Importing this imports numba, half a second; functions that need it do so themselves.
"""

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.compiled import compiled


@compiled
def overlap(found: NDArray[np.float64], true: NDArray[np.float64], is_crowd: bool) -> float:
    """IoU of two boxes; against a crowd region, intersection over the found box's own area.

    Equal to `columns.overlaps` to the last bit, and so to pycocotools.
    """
    width = min(found[2] + found[0], true[2] + true[0]) - max(found[0], true[0])
    height = min(found[3] + found[1], true[3] + true[1]) - max(found[1], true[1])
    if width <= 0 or height <= 0:
        return 0.0
    intersection = width * height
    own = found[2] * found[3]
    union = own if is_crowd else own + true[2] * true[3] - intersection
    value: float = intersection / union
    return value


@compiled
def near_pairs(
    found_xywh: NDArray[np.float64],
    found_group: NDArray[np.int64],
    true_xywh: NDArray[np.float64],
    true_group: NDArray[np.int64],
    crowd: NDArray[np.bool_],
    least: float,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """The pairs of a found and a true box of one group that overlap by at least `least`.

    Both kinds of boxes are in order of their groups, (D,) and (M,). Returns where each found box's pairs begin,
    (D + 1,), and of each pair the true box, (P,), ascending for each found one, and the overlap, (P,).
    """
    starts = np.zeros(len(found_xywh) + 1, np.int64)
    theirs, overlaps = np.empty(len(found_xywh) + 1, np.int32), np.empty(len(found_xywh) + 1)
    first = count = 0
    for row in range(len(found_xywh)):
        while first < len(true_group) and true_group[first] < found_group[row]:
            first += 1
        true = first
        while true < len(true_group) and true_group[true] == found_group[row]:
            value = overlap(found_xywh[row], true_xywh[true], crowd[true])
            if value >= least:
                if count == len(theirs):
                    theirs, overlaps = np.append(theirs, np.empty_like(theirs)), np.append(overlaps, overlaps)
                theirs[count], overlaps[count] = true, value
                count += 1
            true += 1
        starts[row + 1] = count
    return starts, theirs[:count], overlaps[:count]


@compiled
def best_free(
    pairs: slice,
    theirs: NDArray[np.int32],
    overlaps: NDArray[np.float64],
    crowd: NDArray[np.bool_],
    skipped: NDArray[np.bool_],
    taken: NDArray[np.bool_],
    least: float,
) -> int:
    """The true box that a found one takes, of those it makes `pairs` with; −1 for none.

    It is the free one that overlaps most, of equals the last, and by at least `least`. One that must be found goes
    before one that is `skipped` (M,), whatever they overlap; a crowd region is never used up.
    """
    best, most = -1, 0.0
    for pair in range(pairs.start, pairs.stop):
        true = theirs[pair]
        if overlaps[pair] < least or (taken[true] and not crowd[true]):
            continue
        is_other_kind = best >= 0 and skipped[true] != skipped[best]
        if skipped[best] if is_other_kind else overlaps[pair] >= most:
            best, most = true, overlaps[pair]
    return best


@compiled
def fill_partners(
    starts: NDArray[np.int64],
    theirs: NDArray[np.int32],
    overlaps: NDArray[np.float64],
    crowd: NDArray[np.bool_],
    skipped: NDArray[np.bool_],
    least: float,
    partner: NDArray[np.int32],
) -> None:
    """Write the true box that each found one takes into `partner` (D,), −1 for none, by `best_free`.

    The pairs are those of `near_pairs`, the found boxes within a group the surest first.
    """
    taken = np.zeros(len(crowd), np.bool_)
    for row in range(len(partner)):
        pairs = slice(starts[row], starts[row + 1])
        partner[row] = best_free(pairs, theirs, overlaps, crowd, skipped, taken, least)
        if partner[row] >= 0:
            taken[partner[row]] = True


@compiled
def fill_outcomes(
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    theirs: NDArray[np.int32],
    overlaps: NDArray[np.float64],
    crowd: NDArray[np.bool_],
    skipped: NDArray[np.bool_],
    ious: NDArray[np.float64],
    true_bits: NDArray[np.uint8],
    skipped_bits: NDArray[np.uint8],
) -> None:
    """Set a bit for each size class and IoU, (A, ceil(T / 8), D), where a found box is true, and where it is skipped.

    Only `rows`, the found boxes with pairs, can take one; of those that take none, and of all others, the bits stay as
    they are. `skipped` (A, M) are the true boxes that need not be found. The first IoU has the highest bit of its byte.
    """
    for area in range(len(skipped)):
        for iou in range(len(ious)):
            taken = np.zeros(len(crowd), np.bool_)
            byte, bit = iou // 8, np.uint8(128 >> (iou % 8))
            for row in rows:
                pairs = slice(starts[row], starts[row + 1])
                true = best_free(pairs, theirs, overlaps, crowd, skipped[area], taken, ious[iou])
                if true < 0:
                    continue
                taken[true] = True
                if skipped[area, true]:
                    skipped_bits[area, byte, row] |= bit
                else:
                    true_bits[area, byte, row] |= bit
                    skipped_bits[area, byte, row] &= ~bit

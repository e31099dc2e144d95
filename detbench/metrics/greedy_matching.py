"""COCO's greedy matching, compiled: found boxes, surest first, each take the best true box that is free.

Importing this imports numba, half a second; functions that need it do so themselves.
"""

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.compiled import compiled

_NONE = np.uint64(0)
"""No IoU, of those that a bit each stands for."""


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
    best = -1
    for pair in range(pairs.start, pairs.stop):
        true = theirs[pair]
        if overlaps[pair] < least or (taken[true] and not crowd[true]):
            continue
        if goes_before(pair, best, theirs, overlaps, skipped):
            best = pair
    return -1 if best < 0 else theirs[best]


@compiled
def goes_before(
    pair: int, best: int, theirs: NDArray[np.int32], overlaps: NDArray[np.float64], skipped: NDArray[np.bool_]
) -> bool:
    """Whether a found box takes the true box of `pair` rather than that of the earlier pair `best`; −1 is none."""
    if best < 0:
        return True
    if skipped[theirs[pair]] != skipped[theirs[best]]:
        return bool(skipped[theirs[best]])
    return bool(overlaps[pair] >= overlaps[best])


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

    The pairs are those of `near_pairs`; of found boxes that take none the bits stay as they are. `skipped` (A, M) are
    the true boxes that need not be found, `ious` (T,) at most 64. The first IoU has the highest bit of its byte. All
    IoUs are matched at once, a bit each: which of the free boxes goes first, by `best_free`, is the same at each.
    """
    enough = _enough(overlaps, ious)
    for area in range(len(skipped)):
        taken = np.zeros(len(crowd), np.uint64)
        for row in range(len(starts) - 1):
            true, others, open_ious = _NONE, _NONE, ~_NONE
            while True:
                best, ious_of_best = -1, _NONE
                for pair in range(starts[row], starts[row + 1]):
                    free = enough[pair] & open_ious & ~taken[theirs[pair]]
                    if free and goes_before(pair, best, theirs, overlaps, skipped[area]):
                        best, ious_of_best = pair, free
                if best < 0:
                    break
                open_ious &= ~ious_of_best
                if not crowd[theirs[best]]:
                    taken[theirs[best]] |= ious_of_best
                if skipped[area, theirs[best]]:
                    others |= ious_of_best
                else:
                    true |= ious_of_best
            for byte in range(true_bits.shape[1]):
                shift = np.uint64(56 - 8 * byte)
                true_byte, others_byte = np.uint8(true >> shift), np.uint8(others >> shift)
                true_bits[area, byte, row] |= true_byte
                skipped_bits[area, byte, row] = skipped_bits[area, byte, row] & ~true_byte | others_byte


@compiled
def _enough(overlaps: NDArray[np.float64], ious: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The IoUs (T,) that each overlap (P,) reaches, a bit each, the first the highest."""
    bits = np.zeros(len(overlaps), np.uint64)
    for pair, value in enumerate(overlaps):
        for place, iou in enumerate(ious):
            bits[pair] |= np.uint64(value >= iou) << np.uint64(63 - place)
    return bits

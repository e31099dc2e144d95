"""Precision at given recalls, compiled: one walk over the boxes of a class for each multiset of pictures and each IoU.

Importing this imports numba, half a second; functions that need it do so themselves.
"""

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.compiled import compiled

LIMITS = (1, 10, 100)
"""How many boxes of a picture and class count in COCO's recalls."""

Integers = NDArray[np.int32]

Indices = NDArray[np.uint32]
"""Compiled code need not check whether an index counts from the end."""


@compiled
def events_of(
    true_bits: NDArray[np.uint8],
    skipped_bits: NDArray[np.uint8],
    ious: int,
    rows: NDArray[np.int64],
    classes: NDArray[np.int64],
) -> tuple[Indices, NDArray[np.bool_], NDArray[np.int64]]:
    """The boxes that are true or skipped, IoU by IoU, which of them are true, and where each IoU and class begins.

    `true_bits` and `skipped_bits` (ceil(T / 8), D) are those of `outcomes.Outcomes` at one size class; `rows` (R,) the
    boxes that count, of which those of class k begin at `classes[k]`, (K + 1,). Events (E,) are indices into `rows`,
    ascending at each IoU; those of IoU t and class k begin at `bounds[t, k]`, (T, K + 1).
    """
    most = 0
    for row in rows:
        for byte in range(len(true_bits)):
            either = true_bits[byte, row] | skipped_bits[byte, row]
            for bit in range(8):
                most += (either >> bit) & 1
    events, is_true = np.empty(most + 1, np.uint32), np.empty(most + 1, np.bool_)
    bounds, count = np.empty((ious, len(classes)), np.int64), 0
    for iou in range(ious):
        byte, shift = iou // 8, 7 - iou % 8
        for category in range(len(classes) - 1):
            bounds[iou, category] = count
            for place in range(classes[category], classes[category + 1]):
                true = (true_bits[byte, rows[place]] >> shift) & 1
                events[count], is_true[count] = place, true != 0
                count += true | (skipped_bits[byte, rows[place]] >> shift) & 1
        bounds[iou, -1] = count
    return events[:count], is_true[:count], bounds


@compiled
def fill_needed(positives: int, recalls: NDArray[np.float64], needed: Integers) -> None:
    """Write how many of so many true boxes reach each of the ascending recalls into `needed` (R,), at least one.

    None found reaches not even recall 0: there is no precision to read there.
    """
    for place, recall in enumerate(recalls):
        count = max(1, int(recall * positives))
        while count > 1 and (count - 1) / positives >= recall:
            count -= 1
        while count / positives < recall:
            count += 1
        needed[place] = count


@compiled
def fill_weights(draw: Integers, pictures: Indices, copies: Integers, weight: Integers, seen: Integers) -> None:
    """Write how often each box of a class counts into `weight` (D,), and its sum so far into `seen` (D,).

    `draw` (N,) says how often each picture is in a multiset, `pictures` (D,) where the boxes are, and `copies` (D,)
    which copy of its picture a box stands for, 0 for all of them.
    """
    total = 0
    for row in range(len(pictures)):
        times = draw[pictures[row]]
        if copies[row]:
            times = np.int32(times >= copies[row])
        total += times
        weight[row], seen[row] = times, total


@compiled
def fill_hits(
    events: Indices,
    is_true: NDArray[np.bool_],
    ranks: NDArray[np.uint8],
    weight: Integers,
    seen: Integers,
    hits: Integers,
    counted: Integers,
) -> tuple[int, int, int, int]:
    """Write the weights of true boxes into `hits` (E,) and how many boxes count down to each into `counted` (E,).

    `weight` (D,) says how often each box of a class counts, surest first, and `seen` (D,) is its sum so far. `events`
    (E,) are the rows of boxes that are true or skipped at an IoU, ascending, and `is_true` (E,) tells the two apart.
    Boxes of no weight are left out. Returns how many are written, and the sums of their weights within each of LIMITS;
    `ranks` (D,) are the boxes' places among those of their picture and class.
    """
    written, one, ten, true, skipped = 0, 0, 0, 0, 0
    for event in range(len(events)):
        row = events[event]
        hit = weight[row] * is_true[event]
        skipped += weight[row] - hit
        hits[written], counted[written] = hit, seen[row] - skipped
        written += hit > 0
        one += hit * (ranks[row] < LIMITS[0])
        ten += hit * (ranks[row] < LIMITS[1])
        true += hit
    return written, one, ten, true


@compiled
def fill_curve(hits: Integers, counted: Integers, true: int, needed: Integers, curve: NDArray[np.float64]) -> float:
    """Write into `curve` (R,) the highest precision at each recall or any larger one, 0 where it is not reached; its
    sum is returned.

    `hits` (H,) and `counted` (H,) are from `fill_hits`, `true` is the sum of `hits`, `needed` (R,) from `fill_needed`.
    """
    reached = len(needed)
    while reached and needed[reached - 1] > true:
        reached -= 1
    curve[reached:] = 0.0
    total, best_true, best_counted = 0.0, 0, 1  # a fraction is compared at every box, and divided at few
    for hit in range(len(hits) - 1, -1, -1):
        is_better = true * best_counted > best_true * counted[hit]
        best_true = true if is_better else best_true  # chosen without a jump, which would be hard to foresee
        best_counted = counted[hit] if is_better else best_counted
        true -= hits[hit]
        while reached and needed[reached - 1] > true:
            reached -= 1
            curve[reached] = best_true / best_counted
            total += curve[reached]
    return total


@compiled
def curve_means(
    draws: Integers,
    positives: NDArray[np.int64],
    recalls: NDArray[np.float64],
    pictures: Indices,
    copies: Integers,
    ranks: NDArray[np.uint8],
    classes: NDArray[np.int64],
    events: Indices,
    is_true: NDArray[np.bool_],
    bounds: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean of each curve over R recalls, (T, K, B), and true boxes found within each of LIMITS, (3, T, K, B).

    `draws` (B, N) says how often each picture is in each multiset, `positives` (K, B) how many true boxes there are.
    The D boxes are sorted by class and score: `pictures` (D,), `copies` (D,) which copy of its picture a box stands
    for, 0 for all of them, `ranks` (D,) its place among those of its picture and class; those of class k begin at
    `classes[k]`, (K + 1,). Of the E events of `fill_hits`, those of IoU t and class k begin at `bounds[t, k]`,
    (T, K + 1).
    """
    ious, count, multisets = len(bounds), len(classes) - 1, len(draws)
    means = np.zeros((ious, count, multisets))
    found = np.zeros((len(LIMITS), ious, count, multisets), np.int64)
    weight, seen = np.empty(len(pictures), np.int32), np.empty(len(pictures), np.int32)
    hits, counted = np.empty_like(weight), np.empty_like(weight)
    needed, curve = np.empty(len(recalls), np.int32), np.empty(len(recalls))
    for multiset in range(multisets):
        for category in range(count):
            if positives[category, multiset] == 0:
                continue
            fill_needed(positives[category, multiset], recalls, needed)
            of_class = slice(classes[category], classes[category + 1])
            fill_weights(draws[multiset], pictures[of_class], copies[of_class], weight[of_class], seen[of_class])
            for iou in range(ious):
                some = slice(bounds[iou, category], bounds[iou, category + 1])
                written, one, ten, true = fill_hits(events[some], is_true[some], ranks, weight, seen, hits, counted)
                total = fill_curve(hits[:written], counted[:written], true, needed, curve)
                means[iou, category, multiset] = total / len(recalls)
                for place, within in enumerate((one, ten, true)):
                    found[place, iou, category, multiset] = within
    return means, found

"""Stable orders of many boxes, compiled: a radix sort takes a fifth of the time of NumPy's comparisons.

Importing this imports numba, half a second; functions that need it do so themselves.
"""

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.compiled import compiled

_DIGIT_BITS = 11
_DIGITS = -(-64 // _DIGIT_BITS)
_BUCKETS = 1 << _DIGIT_BITS
_SIGN = np.uint64(1 << 63)


def order_of(group: NDArray[np.int64], scores: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    """The order (D,) by group (D,), none of them negative, then by falling score (D,); ties keep their order.

    Equal to `np.lexsort((-scores, group))`; no score may be NaN.
    """
    order = np.arange(len(group))
    if scores is not None:
        order = sort_stably(_falling(scores), order)
    return np.asarray(sort_stably(group.astype(np.uint64), order))


def _falling(scores: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Whole numbers that ascend where the scores fall."""
    bits = (scores + 0.0).view(np.uint64)  # −0 becomes 0, which it equals
    return np.where(bits & _SIGN, bits, ~(bits | _SIGN))


@compiled
def sort_stably(keys: NDArray[np.uint64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """`order`, indices (D,) into `keys` (D,), sorted by ascending key; equal keys stay in the order given.

    Digit after digit, the lowest first; a digit that all keys share takes no pass.
    """
    keys = keys[order]
    counts = np.zeros((_DIGITS, _BUCKETS), np.int64)
    for key in keys:
        for digit in range(_DIGITS):
            counts[digit, (key >> np.uint64(digit * _DIGIT_BITS)) & np.uint64(_BUCKETS - 1)] += 1
    next_order, next_keys = np.empty_like(order), np.empty_like(keys)
    for digit in range(_DIGITS):
        if counts[digit].max() == len(keys):
            continue
        places = np.cumsum(counts[digit]) - counts[digit]
        for row in range(len(keys)):
            bucket = (keys[row] >> np.uint64(digit * _DIGIT_BITS)) & np.uint64(_BUCKETS - 1)
            next_order[places[bucket]], next_keys[places[bucket]] = order[row], keys[row]
            places[bucket] += 1
        order, next_order, keys, next_keys = next_order, order, next_keys, keys
    return order

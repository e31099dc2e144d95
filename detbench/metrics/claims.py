"""When a difference between arms is claimed, and when it may be chance: one rule for every place that says so."""

from collections.abc import Mapping
from typing import TypeVar

from detbench.types import Estimate

ALPHA = 0.05
"""How often, at most, a difference that is none may be claimed."""

FEWEST_PICTURES = 10
"""Nothing is claimed over fewer pictures. The permutation test of N pictures has 2^N exchanges, so p is at least
2 / 2^N: of 5 pictures none can be below .05. Bootstrap intervals hold their level only from about 10 pictures on.
"""

Key = TypeVar("Key")


def is_shown(difference: Estimate, p_value: float | None, p_holm: float | None = None) -> bool:
    """Whether a difference is claimed: its interval leaves out 0, the permutation p-value is below ALPHA, and
    both are of at least FEWEST_PICTURES pictures.

    Of several tests `p_holm`, the adjusted p-value, decides. Without an interval or a p-value nothing is claimed.
    """
    low, high, decisive = difference.low, difference.high, p_value if p_holm is None else p_holm
    if low is None or high is None or decisive is None:
        return False
    return difference.n >= FEWEST_PICTURES and not low <= 0 <= high and decisive < ALPHA


def holm(p_values: Mapping[Key, float | None]) -> dict[Key, float | None]:
    """P-values of several tests adjusted so that all of them together claim falsely at most as often as ALPHA says.

    Holm's step-down method (Scandinavian Journal of Statistics 6, 1979): the smallest of m is multiplied by m, the next
    by m − 1, and none is smaller than the one before. What was not tested (None) stays so and does not count.
    """
    tested = sorted((value, place) for place, value in enumerate(p_values.values()) if value is not None)
    adjusted: dict[int, float] = {}
    largest = 0.0
    for rank, (value, place) in enumerate(tested):
        largest = max(largest, min(1.0, value * (len(tested) - rank)))
        adjusted[place] = largest
    return {key: adjusted.get(place) for place, key in enumerate(p_values)}

"""When a difference between arms is claimed, and when it may be chance: one rule for every place that says so."""

from collections.abc import Mapping
from typing import TypeVar

from detbench.types import Estimate

ALPHA = 0.05
"""How often, at most, a difference that is none may be claimed."""

Key = TypeVar("Key")


def is_shown(difference: Estimate, p_value: float | None) -> bool:
    """Whether a difference is claimed: its interval leaves out 0, and the permutation p-value is below ALPHA.

    Without an interval or a p-value nothing is claimed.
    """
    low, high = difference.low, difference.high
    return low is not None and high is not None and not low <= 0 <= high and p_value is not None and p_value < ALPHA


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

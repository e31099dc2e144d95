"""The true boxes that one arm finds and another misses, one by one: what stands behind a difference of two recalls."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.metrics.columns import TrueColumns


def flip_rows(
    is_taken: Mapping[Arm, NDArray[np.bool_]], arms: Iterable[Arm], truth: TrueColumns, classes: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The rows of `flips.csv`: boxes that the blurred arm lost or gained against the sharp one, and each deblurrer
    against the blurred one; `arms` are those to list, in their order.

    `is_taken` (M,) says for each arm which true boxes it finds at the stated confidence and IoU.
    """
    pairs = [(arm, SHARP if arm == BLURRED else BLURRED) for arm in arms if arm != SHARP]
    return [
        {"arm": arm.name, "against": against.name, **flip}
        for arm, against in pairs
        if against in is_taken
        for flip in flips_between(is_taken[against], is_taken[arm], truth, classes)
    ]


def flips_between(
    before: NDArray[np.bool_], after: NDArray[np.bool_], truth: TrueColumns, classes: Mapping[int, str]
) -> Iterator[dict[str, Any]]:
    """The true boxes that only one of two finds; `before` and `after` (M,) say which each finds."""
    for box in np.flatnonzero(before != after):
        yield {
            "image_id": int(truth.image_ids[truth.picture[box]]),
            "annotation_id": int(truth.ids[box]),
            "class": classes[int(truth.category_ids[truth.category[box]])],
            "change": "gained" if after[box] else "lost",
        }

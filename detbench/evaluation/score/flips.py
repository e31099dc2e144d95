"""The true boxes that one arm finds and another misses, one by one: what stands behind a difference of two recalls."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.evaluation.measure.rows import ArmPicture
from detbench.metrics.matching import is_found
from detbench.metrics.specs import CONFIDENCE


def flip_rows(
    rows: Mapping[str, Sequence[ArmPicture]], arms: Sequence[str], classes: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The rows of `flips.csv`: boxes that the blurred arm lost or gained against the sharp one, and each deblurrer
    against the blurred one, at the stated confidence and IoU; `arms` are those to look at, in their order.
    """
    pairs = [(arm, "sharp" if arm == "blurred" else "blurred") for arm in arms if arm != "sharp"]
    return [
        {"arm": arm, "against": against, **flip}
        for arm, against in pairs
        if against in rows
        for after, before in zip(rows[arm], rows[against], strict=True)
        for flip in _flips(before, after, classes)
    ]


def _flips(before: ArmPicture, after: ArmPicture, classes: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    truth = after.sample.truth
    found_before, found_after = _found(before), _found(after)
    for index in np.flatnonzero(found_before != found_after):
        yield {
            "image_id": after.sample.id,
            "annotation_id": int(truth.ids[index]),
            "class": classes[int(truth.labels[index])],
            "change": "gained" if found_after[index] else "lost",
        }


def _found(row: ArmPicture) -> NDArray[np.bool_]:
    return is_found(row.matches, CONFIDENCE, len(row.sample.truth))

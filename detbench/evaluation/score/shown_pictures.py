"""Which pictures a report shows."""

from collections.abc import Mapping, Set

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, Arm

SHOWN_PICTURES = 24
SHOWN_PANELS = 120
"""The report embeds about so many pictures over all arms: some 3 MB, whatever the size of the run."""
_NO_CHANGE = (0, 0)


def shown_ids(
    counts: Mapping[Arm, NDArray[np.int64]], image_ids: NDArray[np.int64], kept: Set[int] | None = None
) -> tuple[int, ...]:
    """The pictures that the report shows: first where deblurrers regained most true boxes, then where they lost most.

    `counts` (N, 3) are each arm's true positives, false positives and misses in the pictures `image_ids` (N,). Each
    deblurrer names as many of both kinds, so that no one's harm hides behind another's gain; at equal change fewer
    false alarms win, then the smaller id. What a deblurrer names among all pictures it names among any part of them
    too, so that shards keep what the whole run shows. `kept` are the ids to choose from, None for all.
    """
    restored = [of_arm for arm, of_arm in counts.items() if arm.is_restored_blurred]
    arms = len(restored) + 2
    each = max(1, min(SHOWN_PICTURES // 2, SHOWN_PANELS // (2 * max(1, len(restored)) * arms)))
    ranked = [_by_gain(counts[BLURRED], of_arm, image_ids, kept) for of_arm in restored]
    gains = [number for changes in ranked for change, number in changes[:each] if change > _NO_CHANGE]
    losses = [number for changes in ranked for change, number in changes[: -each - 1 : -1] if change < _NO_CHANGE]
    shown = tuple(dict.fromkeys((*gains, *losses)))
    room = min(SHOWN_PICTURES, SHOWN_PANELS // arms)
    if shown and len(image_ids) > room:
        return shown
    everything = sorted(number for number in image_ids.tolist() if kept is None or number in kept)
    return (*shown, *[number for number in everything if number not in shown])[:room]


def _by_gain(
    before: NDArray[np.int64], after: NDArray[np.int64], image_ids: NDArray[np.int64], kept: Set[int] | None
) -> list[tuple[tuple[int, int], int]]:
    """Each picture's change (true boxes gained, false alarms lost) and id, largest gain first, largest loss last."""
    gained, fewer_false = (after - before)[:, 0].tolist(), (before - after)[:, 1].tolist()
    changes = [
        ((more, fewer), -number)
        for more, fewer, number in zip(gained, fewer_false, image_ids.tolist(), strict=True)
        if kept is None or number in kept
    ]
    return [(change, -number) for change, number in sorted(changes, reverse=True)]

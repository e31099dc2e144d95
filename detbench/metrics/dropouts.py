"""Objects that a detector loses for one frame of a video: found, lost, found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.columns import TrueColumns, overlaps, pairs_within

LINK_IOU = 0.3
"""Without numbers of objects, true boxes of one class in successive frames are one object from this IoU on, the
threshold of SORT (Bewley et al., ICIP 2016).
"""


@dataclass(frozen=True)
class Dropouts:
    """`count` objects, frame by frame, were lost for one frame, of `chances` that were there in three successive frames
    and found in the first and the last.
    """

    count: int
    chances: int

    @property
    def share(self) -> float | None:
        """The share that was lost, None without a chance."""
        return self.count / self.chances if self.chances else None


def dropouts_of(is_taken: NDArray[np.bool_], triples: NDArray[np.int64]) -> Dropouts:
    """The drop-outs of one arm; `is_taken` (M,) says which true boxes it finds, `triples` are `triples_of` those."""
    first, middle, last = is_taken[triples].T
    chances = first & last
    return Dropouts(int((chances & ~middle).sum()), int(chances.sum()))


def triples_of(truth: TrueColumns, clips: Sequence[Sequence[int]], tracks: Mapping[int, int]) -> NDArray[np.int64]:
    """The true boxes of each object in each three successive frames, (T, 3): indices into the columns of `truth`.

    `clips` are image ids in the order of time; `tracks` maps annotation ids to numbers of objects. Where it lacks one,
    boxes are linked by their IoU. Crowd regions are no objects.
    """
    places = {identity: place for place, identity in enumerate(truth.image_ids.tolist())}
    boxes_of = _boxes_by_picture(truth)
    is_tracked = all(identity in tracks for identity in truth.ids[~truth.crowd].tolist())
    triples: list[tuple[int, int, int]] = []
    for clip in clips:
        frames = [boxes_of.get(places[identity], _NONE) for identity in clip]
        links = [_by_track(truth, *pair, tracks) if is_tracked else _by_iou(truth, *pair) for pair in pairwise(frames)]
        for earlier, later in pairwise(links):
            triples += [(box, middle, later[middle]) for box, middle in earlier.items() if middle in later]
    return np.array(triples, np.int64).reshape(-1, 3)


_NONE = np.zeros(0, np.int64)


def _boxes_by_picture(truth: TrueColumns) -> dict[int, NDArray[np.int64]]:
    """Indices of the true boxes that are no crowd regions, by the picture's index."""
    boxes = np.flatnonzero(~truth.crowd)
    pictures = truth.picture[boxes]
    return {picture: boxes[pictures == picture] for picture in np.unique(pictures).tolist()}


def _by_track(
    truth: TrueColumns, before: NDArray[np.int64], after: NDArray[np.int64], tracks: Mapping[int, int]
) -> dict[int, int]:
    """The later box of each earlier one with its number."""
    later = {tracks[truth.ids[box]]: box for box in after.tolist()}
    return {box: later[number] for box in before.tolist() if (number := tracks[truth.ids[box]]) in later}


def _by_iou(truth: TrueColumns, before: NDArray[np.int64], after: NDArray[np.int64]) -> dict[int, int]:
    """The later box of each earlier one of its class, the pairs of largest IoU first, each box once."""
    earlier, later = pairs_within(truth.category[before], truth.category[after])
    first, second = before[earlier], after[later]
    iou = overlaps(truth.boxes_xywh[first], truth.boxes_xywh[second], np.zeros(len(first), np.bool_))
    links: dict[int, int] = {}
    taken: set[int] = set()
    for pair in np.argsort(-iou, kind="stable").tolist():
        box, other = int(first[pair]), int(second[pair])
        if iou[pair] >= LINK_IOU and box not in links and other not in taken:
            links[box] = other
            taken.add(other)
    return links

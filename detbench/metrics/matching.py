"""COCO's matching of found boxes to true ones: whatever is said of a match, in any number or picture, is said by it.

After Lin et al. 2014 as pycocotools does it, decision for decision.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.columns import FoundColumns, TrueColumns
from detbench.metrics.outcomes import Outcomes
from detbench.metrics.specs import MATCH_IOU

IOUS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's size classes in square pixels; both bounds belong to the class, so a box of 32² is small and medium."""

FALSE_POSITIVE, IGNORED = -1, -2

_NEAR_ONE = 1 - 1e-10
"""pycocotools never demands a larger IoU."""


@dataclass(frozen=True, eq=False)
class Matches:
    """The boxes that one arm found, in the order that they came in, and what each took at IoU MATCH_IOU.

    `partner` (D,) is the index of a true box in `truth`, FALSE_POSITIVE, or IGNORED (the box lies on a crowd region).
    """

    truth: TrueColumns
    found: FoundColumns
    partner: NDArray[np.int64]

    def counts(self, confidence: float) -> NDArray[np.int64]:
        """True positives, false positives and missed true boxes of each picture at and above a confidence, (N, 3)."""
        sure = self.found.scores >= confidence
        tp, fp = (self._by_picture(self.found.picture[sure & kind]) for kind in (self.partner >= 0, self._is_false))
        return np.stack([tp, fp, self._by_picture(self.truth.picture[~self.truth.crowd]) - tp], axis=1)

    def is_taken(self, confidence: float) -> NDArray[np.bool_]:
        """Which true boxes something took at and above a confidence, (M,); no crowd region is."""
        taken = np.zeros(len(self.truth.crowd), np.bool_)
        taken[self.partner[(self.partner >= 0) & (self.found.scores >= confidence)]] = True
        return taken

    @property
    def _is_false(self) -> NDArray[np.bool_]:
        return np.asarray(self.partner == FALSE_POSITIVE)

    def _by_picture(self, picture: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(picture, minlength=len(self.truth.image_ids))


def match(truth: TrueColumns, found: FoundColumns) -> Matches:
    """Match at IoU MATCH_IOU within each picture and class, best score first; of equal scores the earlier box.

    A found box takes the free true box that it overlaps most, of equals the last; one that finds none but lies on a
    crowd region by as much is ignored. Cutting the result at a confidence equals matching what is above it. These are
    the matches that mAP counts at that IoU, but for its limit of boxes a picture and class: here all count.
    """
    order, _ = by_rank(found)
    partner = np.empty(len(order), np.int64)
    partner[order] = partners(truth, found[order], MATCH_IOU)
    partner[np.append(truth.crowd, False)[partner]] = IGNORED
    return Matches(truth, found, partner)


def by_rank(found: FoundColumns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order of the boxes by class, picture and score, surest first, and in it each box's rank (D,) among those of
    its picture and class, from 0 on; ties keep their order.
    """
    from detbench.metrics.radix_order import order_of

    group = found.category * (1 + found.picture.max(initial=0)) + found.picture
    order = order_of(group, found.scores)
    starts = np.ones(len(order), np.bool_)
    starts[1:] = np.diff(group[order]) != 0
    rows = np.arange(len(order))
    return order, rows - np.maximum.accumulate(np.where(starts, rows, 0))


def need_not_be_found(truth: TrueColumns) -> NDArray[np.bool_]:
    """Which true boxes are neither found nor missed, (A, M): crowd regions and those of another size."""
    return np.asarray(_outside(truth.areas) | truth.crowd)


def _outside(areas: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which areas are not of each size class, (A, M)."""
    return np.stack([(areas < low) | (areas > high) for low, high in AREAS.values()])


def partners(truth: TrueColumns, found: FoundColumns, iou: float) -> NDArray[np.int32]:
    """The true box that each found one takes, −1 for none, (D,); `found` is in `by_rank`'s order."""
    from detbench.metrics.greedy_matching import fill_partners

    order, *near = _near_pairs(truth, found, iou)
    partner = np.empty(len(found.scores), np.int32)
    need_not = need_not_be_found(truth)[list(AREAS).index("all"), order]
    fill_partners(*near, truth.crowd[order], need_not, min(iou, _NEAR_ONE), partner)
    return np.where(partner < 0, np.int32(-1), np.append(order, -1).astype(np.int32)[partner])


def outcomes_of(truth: TrueColumns, found: FoundColumns) -> Outcomes:
    """What each found box is at each of AREAS and IOUS; `found` is in `by_rank`'s order.

    One that takes none counts as false only where its own area is of the size class.
    """
    from detbench.metrics.greedy_matching import fill_outcomes

    order, starts, *pairs = _near_pairs(truth, found, IOUS[0])
    everywhere = np.packbits(np.ones(len(IOUS), np.bool_))
    skipped = np.where(_outside(found.boxes_xywh[:, 2] * found.boxes_xywh[:, 3])[:, None], everywhere[:, None], 0)
    outcomes = Outcomes(np.zeros_like(skipped), skipped, len(IOUS))
    need_not = np.ascontiguousarray(need_not_be_found(truth)[:, order])
    ious = np.minimum(IOUS, _NEAR_ONE)
    fill_outcomes(starts, *pairs, truth.crowd[order], need_not, ious, outcomes.true, outcomes.skipped)
    return outcomes


def _near_pairs(
    truth: TrueColumns, found: FoundColumns, iou: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """The order of the true boxes by picture and class, and the pairs of `greedy_matching.near_pairs` in it."""
    from detbench.metrics.greedy_matching import near_pairs
    from detbench.metrics.radix_order import order_of

    mine, theirs = (columns.category * len(truth.image_ids) + columns.picture for columns in (found, truth))
    order = order_of(theirs)
    boxes = np.ascontiguousarray(found.boxes_xywh), truth.boxes_xywh[order]
    pairs = near_pairs(boxes[0], mine, boxes[1], theirs[order], truth.crowd[order], min(iou, _NEAR_ONE))
    return (order, *pairs)

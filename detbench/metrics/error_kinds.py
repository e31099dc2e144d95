"""What kinds of error an arm makes, and what each costs: TIDE's question (Bolya et al., ECCV 2020, section 2).

A kind's cost is the mAP50 that would be gained if the errors of that kind alone were put right. A false box's kind
follows from the true box that it overlaps most, crowd regions aside (of equal ones, one of its own class).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detbench.metrics.columns import FoundColumns, TrueColumns, overlaps, pairs_within
from detbench.metrics.matching import partners
from detbench.metrics.outcomes import FALSE, SKIPPED, TRUE, pack
from detbench.metrics.ranking import Ranking, surest
from detbench.metrics.resampled import average_precision, unit_weights

FOREGROUND_IOU, BACKGROUND_IOU = 0.5, 0.1
KINDS = {
    "class": "a true box is met from IoU .5 on, but of another class",
    "localisation": "a true box of the class is met at IoU .1 to .5",
    "both": "a true box of another class is met at IoU .1 to .5",
    "duplicate": "a true box of the class is met from IoU .5 on, and a surer box took it",
    "background": "no true box is met at IoU .1 or more",
    "missed": "a true box that nothing found, no box of wrong class or place either",
}
"""What each kind is; all but the last are kinds of false boxes."""

_PLACE = {kind: place for place, kind in enumerate(KINDS)}
_MENDED = ("class", "localisation")
"""Kinds that are put right by making the box the true one; false boxes of the others are taken away."""


_BLOCK = 1 << 15
"""Found boxes in one block: each is compared with all true ones of its picture."""


@dataclass(frozen=True)
class ErrorKind:
    """How often an error was made, at whatever score, and the mAP50 that it costs (None where mAP50 is undefined)."""

    count: int
    cost: float | None


@dataclass(frozen=True, eq=False)
class _Classified:
    """Found boxes, sorted by picture and class, with what came of each at IoU .5: `partner` (D,) is the true box that
    it took, else −1; `kind` (D,) is its place in KINDS, −1 unless it is false; `target` (D,) is the true box it should
    have been, else −1.
    """

    found: FoundColumns
    rank: NDArray[np.int64]
    outcome: NDArray[np.uint8]
    partner: NDArray[np.int64]
    kind: NDArray[np.int8]
    target: NDArray[np.int64]


def error_kinds(truth: TrueColumns, found: FoundColumns) -> Mapping[str, ErrorKind]:
    """Counts and costs of one arm's errors, by the keys of KINDS."""
    boxes = _classified(truth, found)
    missed = _missed(truth, boxes)
    before = _map50(truth, boxes, np.ones(len(boxes.kind), np.bool_), ~truth.crowd)
    kinds = {}
    for kind in KINDS:
        after = _map50(truth, *_put_right(truth, boxes, kind, missed))
        count = int(missed.sum() if kind == "missed" else (boxes.kind == _PLACE[kind]).sum())
        kinds[kind] = ErrorKind(count, None if before is None or after is None else after - before)
    return kinds


def _classified(truth: TrueColumns, found: FoundColumns) -> _Classified:
    found, rank = surest(found)
    partner = partners(truth, found, FOREGROUND_IOU).astype(np.int64)
    on_crowd = np.append(truth.crowd, False)[partner]
    outcome = np.where(partner < 0, FALSE, np.where(on_crowd, SKIPPED, TRUE)).astype(np.uint8)
    overlap, target = _nearest(truth, found)
    same = (target >= 0) & (np.append(truth.category, -1)[target] == found.category)
    kind = np.where(
        overlap >= FOREGROUND_IOU,
        np.where(same, _PLACE["duplicate"], _PLACE["class"]),
        np.where(
            overlap < BACKGROUND_IOU, _PLACE["background"], np.where(same, _PLACE["localisation"], _PLACE["both"])
        ),
    ).astype(np.int8)
    kind[outcome != FALSE] = -1
    return _Classified(found, rank, outcome, partner, kind, np.where(kind < 0, -1, target))


def _nearest(truth: TrueColumns, found: FoundColumns) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The largest overlap of each found box with a true box of any class, and that box (0 and −1 for none)."""
    blocks = [np.arange(first, min(first + _BLOCK, len(found.scores))) for first in range(0, len(found.scores), _BLOCK)]
    parts = [_nearest_of(truth, found[rows]) for rows in blocks]
    none = np.empty(0), np.empty(0, np.int64)
    overlap, target = (np.concatenate(columns) for columns in zip(none, *parts, strict=True))
    return overlap, target


def _nearest_of(truth: TrueColumns, found: FoundColumns) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The same of one block of found boxes."""
    mine, theirs = pairs_within(found.picture, np.where(truth.crowd, -1, truth.picture))
    overlap = overlaps(found.boxes_xywh[mine], truth.boxes_xywh[theirs], truth.crowd[theirs])
    same = found.category[mine] == truth.category[theirs]
    order = np.lexsort((same, overlap, mine))  # a found box's best pair comes last, and is written last
    largest, target = np.zeros(len(found.scores)), np.full(len(found.scores), -1)
    largest[mine[order]], target[mine[order]] = overlap[order], theirs[order]
    return largest, target


def _missed(truth: TrueColumns, boxes: _Classified) -> NDArray[np.bool_]:
    """True boxes that nothing took and that no box of wrong class or place stands for, (M,)."""
    stood_for = boxes.target[np.isin(boxes.kind, [_PLACE[kind] for kind in _MENDED])]
    is_met = np.zeros(len(truth.crowd) + 1, np.bool_)  # the last stands for no true box
    is_met[boxes.partner] = is_met[stood_for] = True
    return ~truth.crowd & ~is_met[:-1]


def _put_right(
    truth: TrueColumns, boxes: _Classified, kind: str, missed: NDArray[np.bool_]
) -> tuple[_Classified, NDArray[np.bool_], NDArray[np.bool_]]:
    """The boxes with one kind of error put right, which found boxes are left (D,), and which true ones (M,).

    Where several boxes would then be the same true one, the surest is, and the others are taken away.
    """
    wrong = boxes.kind == _PLACE[kind]
    if kind not in _MENDED:
        return boxes, ~wrong, ~truth.crowd & ~missed if kind == "missed" else ~truth.crowd
    claim = np.where(wrong, boxes.target, np.where(boxes.outcome == TRUE, boxes.partner, -1))
    order = np.lexsort((-boxes.found.scores, claim))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.diff(claim[order]) != 0
    kept = np.ones(len(order), np.bool_)
    kept[order] = first | (claim[order] < 0)
    category = np.where(wrong, np.append(truth.category, -1)[boxes.target], boxes.found.category)
    outcome = np.where(wrong, TRUE, boxes.outcome).astype(np.uint8)
    mended = replace(boxes, found=replace(boxes.found, category=category), outcome=outcome)
    return mended, kept, ~truth.crowd


def _map50(truth: TrueColumns, boxes: _Classified, kept: NDArray[np.bool_], to_find: NDArray[np.bool_]) -> float | None:
    """mAP at IoU .5 of the found boxes that are left; None without true boxes."""
    found = boxes.found[kept]
    order = np.lexsort((boxes.rank[kept], found.picture, -found.scores, found.category))
    shape = 1, len(truth.image_ids), len(truth.category_ids)
    place = truth.picture[to_find] * shape[2] + truth.category[to_find]
    counts = np.bincount(place, minlength=shape[1] * shape[2]).reshape(shape)
    found = found[order]
    outcomes = boxes.outcome[kept][order][None, None]
    ranking = Ranking(found.picture, found.category, found.scores, boxes.rank[kept][order], pack(outcomes), counts)
    values = average_precision(ranking, unit_weights(len(truth.image_ids)))
    return float(np.nanmean(values)) if not np.isnan(values).all() else None

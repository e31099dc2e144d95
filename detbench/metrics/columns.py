"""A dataset's true boxes and an arm's found ones as columns: work on all of them takes no loop over pictures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = Sequence[Mapping[str, Any]]
"""Annotations or results as COCO's JSON has them."""

Getter = Callable[[str], Callable[[Any], Any]]
"""What makes a reader of one key: `itemgetter` for dictionaries, `attrgetter` for objects with attributes."""


@dataclass(frozen=True, eq=False)
class TrueColumns:
    """All M true boxes, in COCO's terms and in the order of the annotations.

    `image_ids` (N,) and `category_ids` (K,) ascend; `picture` (M,) and `category` (M,) are indices into them.
    `boxes_xywh` (M, 4) is left, top, width, height in pixels; `areas` (M,) square pixels; `crowd` (M,) marks regions
    that are neither found nor missed; `ids` (M,) annotation ids.
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    picture: NDArray[np.int64]
    category: NDArray[np.int64]
    boxes_xywh: NDArray[np.float64]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    ids: NDArray[np.int64]

    @cached_property
    def place_of_image(self) -> Mapping[int, int]:
        """The index of each picture by its id."""
        return _places(self.image_ids)

    @cached_property
    def place_of_category(self) -> Mapping[int, int]:
        """The index of each category by its id."""
        return _places(self.category_ids)


@dataclass(frozen=True, eq=False)
class FoundColumns:
    """All D found boxes of one arm: indices as in TrueColumns, `boxes_xywh` (D, 4), `scores` (D,)."""

    picture: NDArray[np.int64]
    category: NDArray[np.int64]
    boxes_xywh: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "FoundColumns":
        return FoundColumns(self.picture[rows], self.category[rows], self.boxes_xywh[rows], self.scores[rows])


def true_columns(truth: Mapping[str, Any], get: Getter = itemgetter) -> TrueColumns:
    """The columns of a document in COCO's instances format; `get` reads a key of its records."""
    annotations = truth["annotations"]
    image_ids = np.unique(_column(truth["images"], "id", np.int64, get))
    category_ids = np.unique(_column(truth["categories"], "id", np.int64, get))
    return TrueColumns(
        image_ids,
        category_ids,
        _indices(annotations, "image_id", _places(image_ids), get),
        _indices(annotations, "category_id", _places(category_ids), get),
        _boxes(annotations, get),
        _column(annotations, "area", np.float64, get),
        _column(annotations, "iscrowd", np.bool_, get),
        _column(annotations, "id", np.int64, get),
    )


def found_columns(results: Sequence[Any], truth: TrueColumns, get: Getter = itemgetter) -> FoundColumns:
    """The columns of results in COCO's format, whose keys `get` reads; raises ValueError for a picture or category that
    the truth lacks.
    """
    return FoundColumns(
        _indices(results, "image_id", truth.place_of_image, get),
        _indices(results, "category_id", truth.place_of_category, get),
        _boxes(results, get),
        _column(results, "score", np.float64, get),
    )


def joined(pieces: Iterable[FoundColumns]) -> FoundColumns:
    """The boxes of all pieces, of which there is at least one, in their order."""
    columns = zip(*((each.picture, each.category, each.boxes_xywh, each.scores) for each in pieces), strict=True)
    return FoundColumns(*(np.concatenate(column) for column in columns))


def pairs_within(
    found_group: NDArray[np.int64], true_group: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices (P,), (P,) of every found box with every true box of the same group."""
    order = np.argsort(true_group, kind="stable")
    ordered = true_group[order]
    first = np.searchsorted(ordered, found_group, "left")
    count = np.searchsorted(ordered, found_group, "right") - first
    found = np.repeat(np.arange(len(found_group)), count)
    within = np.arange(len(found)) - np.repeat(np.cumsum(count) - count, count)
    return found, order[np.repeat(first, count) + within]


def overlaps(
    found_xywh: NDArray[np.float64], true_xywh: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """IoU (P,) of boxes (P, 4) in pairs; against a crowd region, intersection over the found box's own area.

    In the order of operations of pycocotools, on left, top, width, height, so that it agrees to the last bit: an IoU
    may lie exactly on a threshold.
    """
    sides = np.minimum(found_xywh[:, 2:] + found_xywh[:, :2], true_xywh[:, 2:] + true_xywh[:, :2])
    sides -= np.maximum(found_xywh[:, :2], true_xywh[:, :2])
    intersection = np.where((sides > 0).all(axis=1), sides[:, 0] * sides[:, 1], 0.0)
    found_area, true_area = found_xywh[:, 2] * found_xywh[:, 3], true_xywh[:, 2] * true_xywh[:, 3]
    union = np.where(crowd, found_area, found_area + true_area - intersection)
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=intersection > 0)


def _places(ids: NDArray[np.int64]) -> Mapping[int, int]:
    return {number: place for place, number in enumerate(ids.tolist())}


def _indices(records: Sequence[Any], key: str, places: Mapping[int, int], get: Getter) -> NDArray[np.int64]:
    """The index of each record's id; a dictionary finds it in half the time of a search among sorted ids."""
    try:
        return np.fromiter(map(places.__getitem__, map(get(key), records)), np.int64, len(records))
    except KeyError:
        unknown = min(number for number in map(get(key), records) if number not in places)
        raise ValueError(f"{key} {unknown} is not in the truth") from None


def _boxes(records: Sequence[Any], get: Getter) -> NDArray[np.float64]:
    sides = chain.from_iterable(map(get("bbox"), records))
    return np.fromiter(sides, np.float64, 4 * len(records)).reshape(-1, 4)


def _column(records: Sequence[Any], key: str, kind: type[np.generic], get: Getter) -> NDArray[Any]:
    try:
        return np.fromiter(map(get(key), records), kind, len(records))
    except OverflowError as error:
        raise ValueError(f"{key}: {error}") from error

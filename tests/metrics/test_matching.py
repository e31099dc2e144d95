from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detbench.core.boxes import xywh_to_xyxy
from detbench.metrics.matching import (
    FALSE_POSITIVE,
    IGNORED,
    Counts,
    count,
    f1,
    match,
    precision,
    recall,
    total,
)
from detbench.types import Detections, GroundTruth

CAR, BUS = 1, 2
WIDE = (10.0, 20.0, 110.0, 60.0)  # not square, and nowhere near its own mirror image
FAR = (300.0, 5.0, 330.0, 90.0)
CROWD = (0.0, 100.0, 400.0, 200.0)


def truth(*boxes: Sequence[float], labels: Sequence[int] | None = None, crowd: Sequence[int] = ()) -> GroundTruth:
    """True boxes x1, y1, x2, y2, cars unless said otherwise; `crowd` lists the indices of crowd regions."""
    size = len(boxes)
    table = np.array(boxes, np.float64).reshape(-1, 4)
    marks = np.isin(np.arange(size), crowd)
    given_labels = np.array(labels or [CAR] * size, np.int64)
    return GroundTruth(table, given_labels, marks, np.ones(size), np.arange(1, size + 1))


def found(*rows: tuple[Sequence[float], float], labels: Sequence[int] | None = None) -> Detections:
    """Found boxes with their scores, cars unless said otherwise."""
    boxes = np.array([box for box, _ in rows], np.float64).reshape(-1, 4)
    scores = np.array([score for _, score in rows], np.float64)
    return Detections(boxes, scores, np.array(labels or [CAR] * len(rows), np.int64))


def partners(true: GroundTruth, boxes: Detections, min_iou: float = 0.5) -> list[int]:
    """Whom each found box took."""
    return match(true, boxes, min_iou).partner.tolist()


def moved(box: Sequence[float], right: float) -> tuple[float, ...]:
    """The box, shifted to the right by pixels."""
    return (box[0] + right, box[1], box[2] + right, box[3])


def test_perfect_boxes_are_all_true() -> None:
    """Every true box found in its place: no false positive, no miss, all three ratios are 1."""
    matches = match(truth(WIDE, FAR), found((FAR, 0.6), (WIDE, 0.9)), 0.5)
    assert matches.partner.tolist() == [1, 0]
    counts = count(matches, 0.25)
    assert counts == Counts(tp=2, fp=0, fn=0)
    assert (precision(counts), recall(counts), f1(counts)) == (1, 1, 1)


def test_a_duplicate_is_a_false_positive() -> None:
    """Of two boxes on one object the surer one is true, wherever it stands in the list."""
    assert partners(truth(WIDE), found((WIDE, 0.4), (WIDE, 0.8))) == [FALSE_POSITIVE, 0]
    assert count(match(truth(WIDE), found((WIDE, 0.4), (WIDE, 0.8)), 0.5), 0) == Counts(1, 1, 0)


def test_another_class_never_matches() -> None:
    """A bus exactly where a car stands is a false positive, and the car is missed."""
    matches = match(truth(WIDE), found((WIDE, 0.9), labels=[BUS]), 0.5)
    assert count(matches, 0) == Counts(0, 1, 1)


def test_the_best_overlap_wins() -> None:
    """A found box takes the true box that it overlaps most, wherever that stands in the list."""
    near, exact = moved(WIDE, 20), moved(WIDE, 2)
    assert partners(truth(near, exact), found((WIDE, 0.9))) == [1]
    assert partners(truth(exact, near), found((WIDE, 0.9))) == [0]


def test_of_equal_overlaps_the_last_wins() -> None:
    """Between two true boxes that are overlapped alike, COCO takes the later one."""
    assert partners(truth(moved(WIDE, -10), moved(WIDE, 10)), found((WIDE, 0.9))) == [1]


def test_the_second_best_is_taken_where_the_best_is_gone() -> None:
    """A true box is taken once; the next found box settles for what is left and overlaps enough."""
    assert partners(truth(WIDE, moved(WIDE, 20)), found((WIDE, 0.9), (moved(WIDE, 5), 0.8))) == [0, 1]


@pytest.mark.parametrize(("right", "expected"), [(100 / 3 - 1e-9, 0), (100 / 3 + 1e-9, FALSE_POSITIVE)])
def test_an_overlap_counts_from_the_stated_iou_on(right: float, expected: int) -> None:
    """A third of the width aside is an IoU of .5, which just counts; any further does not."""
    assert partners(truth(WIDE), found((moved(WIDE, right), 0.9))) == [expected]


def test_exactly_the_stated_iou_counts() -> None:
    """At IoU .5 to the last bit a box is found."""
    assert partners(truth((0, 0, 8, 16)), found(((0, 0, 8, 8), 0.5))) == [0]


def test_boxes_on_a_crowd_region_are_ignored() -> None:
    """On a crowd region any number of boxes are neither right nor wrong, and the region is never missed."""
    inside = [((10.0, 110.0, 30.0, 150.0), 0.9), ((200.0, 120.0, 260.0, 190.0), 0.8), (FAR, 0.7)]
    matches = match(truth(CROWD, crowd=[0]), found(*inside), 0.5)
    assert matches.partner.tolist() == [IGNORED, IGNORED, FALSE_POSITIVE]
    assert count(matches, 0) == Counts(tp=0, fp=1, fn=0)


def test_an_object_on_a_crowd_region_comes_first() -> None:
    """A true box is taken before the crowd region around it, though the region overlaps more."""
    person = (20.0, 110.0, 60.0, 190.0)
    boxes = found((moved(person, 4), 0.9), (person, 0.8))
    assert partners(truth(CROWD, person, crowd=[0]), boxes) == [1, IGNORED]


def test_a_crowd_of_another_class_ignores_nothing() -> None:
    """A crowd of buses says nothing of a car."""
    car = found(((10.0, 110.0, 30.0, 150.0), 0.9))
    assert partners(truth(CROWD, labels=[BUS], crowd=[0]), car) == [FALSE_POSITIVE]


def test_equal_scores_keep_their_order() -> None:
    """Of two equally sure boxes the earlier one is asked first, as COCO does."""
    assert partners(truth(WIDE), found((moved(WIDE, 9), 0.5), (WIDE, 0.5))) == [0, FALSE_POSITIVE]


@pytest.mark.parametrize(
    ("true", "boxes", "counts"),
    [
        (truth(), found(), Counts(0, 0, 0)),
        (truth(WIDE), found(), Counts(0, 0, 1)),
        (truth(), found((WIDE, 0.9)), Counts(0, 1, 0)),
    ],
    ids=["both", "found", "true"],
)
def test_empty_sides(true: GroundTruth, boxes: Detections, counts: Counts) -> None:
    """Nothing found, nothing there, or neither: counts stay right."""
    assert count(match(true, boxes, 0.5), 0) == counts


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(0, 0, 0), (None, None, None)),
        (Counts(0, 0, 4), (None, 0, 0)),
        (Counts(0, 3, 0), (0, None, 0)),
        (Counts(0, 3, 4), (0, 0, 0)),
        (Counts(3, 1, 2), (3 / 4, 3 / 5, 6 / 9)),
    ],
)
def test_ratios_are_undefined_where_nothing_is_counted(counts: Counts, expected: tuple[float | None, ...]) -> None:
    """Precision needs something found, recall something to find, F1 either; otherwise there is no number."""
    assert (precision(counts), recall(counts), f1(counts)) == expected


def test_counts_add_up_over_pictures() -> None:
    """The total is the sum of each part; over no picture it is nothing."""
    assert total([Counts(1, 2, 3), Counts(10, 20, 30)]) == Counts(11, 22, 33)
    assert total([]) == Counts(0, 0, 0)


corners = st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 12)] * 2).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)
scored = st.tuples(corners, st.integers(0, 10).map(lambda tenths: tenths / 10), st.sampled_from([CAR, BUS]))


@given(
    st.lists(st.tuples(corners, st.sampled_from([CAR, BUS]), st.booleans()), max_size=6),
    st.lists(scored, max_size=10),
    st.integers(0, 10),
)
def test_cutting_equals_matching_what_is_above(
    true: list[tuple[tuple[int, ...], int, bool]], boxes: list[tuple[tuple[int, ...], float, int]], tenths: int
) -> None:
    """Counting at a confidence gives what matching only the boxes at or above it gives."""
    crowds = [index for index, (_, _, crowd) in enumerate(true) if crowd]
    there = truth(*(box for box, _, _ in true), labels=[label for _, label, _ in true], crowd=crowds)
    confidence = tenths / 10
    sure = [row for row in boxes if row[1] >= confidence]
    everything, above = (
        match(there, found(*((box, score) for box, score, _ in rows), labels=[label for *_, label in rows]), 0.5)
        for rows in (boxes, sure)
    )
    assert count(everything, confidence) == count(above, 0)


@pytest.mark.parametrize("crowd_share", [0.0, 0.3])
def test_assignment_is_pycocotools_own(draw_coco: Callable, coco_evaluator: Callable, crowd_share: float) -> None:
    """At IoU .5 every found box takes the very true box that pycocotools gives it, ties and crowds included."""
    compared = 0
    for seed in range(60):
        document, results = draw_coco(np.random.default_rng(seed), crowd_share)
        if not results:
            continue
        evaluator = coco_evaluator(document, results)
        theirs = _their_partners(evaluator)
        numbered = [{**result, "id": number} for number, result in enumerate(results, start=1)]
        for image in document["images"]:
            compared += _assert_equal_partners(document, numbered, image["id"], theirs)
    assert compared > 1000


def _their_partners(evaluator: object) -> dict[int, int]:
    """Result id → annotation id, FALSE_POSITIVE or IGNORED, over all areas at IoU .5."""
    partner_of: dict[int, int] = {}
    for picture in evaluator.evalImgs:  # type: ignore[attr-defined]
        if picture is None or picture["aRng"] != [0, 1e10]:
            continue
        columns = (picture["dtIds"], picture["dtMatches"][0], picture["dtIgnore"][0])
        for number, matched, ignored in zip(*columns, strict=True):
            partner_of[number] = IGNORED if ignored else int(matched) or FALSE_POSITIVE
    return partner_of


def _assert_equal_partners(document: dict, results: list[dict], image_id: int, theirs: dict[int, int]) -> int:
    """Compare one picture; returns how many found boxes it has."""
    true = [row for row in document["annotations"] if row["image_id"] == image_id]
    mine = [row for row in results if row["image_id"] == image_id]
    there = truth(
        *xywh_to_xyxy(np.array([row["bbox"] for row in true], np.float64).reshape(-1, 4)),
        labels=[row["category_id"] for row in true],
        crowd=[index for index, row in enumerate(true) if row["iscrowd"]],
    )
    boxes = xywh_to_xyxy(np.array([row["bbox"] for row in mine], np.float64).reshape(-1, 4))
    scores = [row["score"] for row in mine]
    ours = match(there, found(*zip(boxes, scores, strict=True), labels=[row["category_id"] for row in mine]), 0.5)
    ids = [true[index]["id"] if index >= 0 else index for index in ours.partner.tolist()]
    assert ids == [theirs[row["id"]] for row in mine]
    return len(mine)

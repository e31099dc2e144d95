from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detbench.metrics.columns import FoundColumns, TrueColumns, found_columns, overlaps, true_columns
from detbench.metrics.matching import FALSE_POSITIVE, IGNORED, Matches, by_rank, match
from detbench.metrics.outcomes import FALSE, SKIPPED, TRUE
from detbench.metrics.ranking import MAX_FOUND, ranked
from detbench.metrics.specs import CONFIDENCE

CAR, BUS = 1, 2
WIDE = (10.0, 20.0, 100.0, 40.0)  # not square, and nowhere near its own mirror image
FAR = (300.0, 5.0, 30.0, 85.0)
CROWD = (0.0, 100.0, 400.0, 100.0)
Box = Sequence[float]


def truth(*boxes: Box, labels: Sequence[int] | None = None, crowd: Sequence[int] = ()) -> TrueColumns:
    """One picture's true boxes left, top, width, height, cars unless said otherwise; `crowd` has the indices of crowd
    regions.
    """
    annotations = [
        {"id": n + 1, "image_id": 1, "category_id": label, "bbox": list(box), "area": 1.0, "iscrowd": int(n in crowd)}
        for n, (box, label) in enumerate(zip(boxes, labels or [CAR] * len(boxes), strict=True))
    ]
    return true_columns({"images": [{"id": 1}], "categories": [{"id": CAR}, {"id": BUS}], "annotations": annotations})


def found(true: TrueColumns, *rows: tuple[Box, float], labels: Sequence[int] | None = None) -> FoundColumns:
    """Found boxes with their scores, cars unless said otherwise."""
    results = [
        {"image_id": 1, "category_id": label, "bbox": list(box), "score": score}
        for (box, score), label in zip(rows, labels or [CAR] * len(rows), strict=True)
    ]
    return found_columns(results, true)


def matches(true: TrueColumns, *rows: tuple[Box, float], labels: Sequence[int] | None = None) -> Matches:
    """What the boxes took."""
    return match(true, found(true, *rows, labels=labels))


def partners(true: TrueColumns, *rows: tuple[Box, float], labels: Sequence[int] | None = None) -> list[int]:
    """Which true box each found one took."""
    return matches(true, *rows, labels=labels).partner.tolist()


def counts(of: Matches, confidence: float = 0.0) -> list[int]:
    """The picture's true positives, false positives and misses."""
    return of.counts(confidence)[0].tolist()


def moved(box: Box, right: float) -> tuple[float, ...]:
    """The box, shifted to the right by pixels."""
    return (box[0] + right, *box[1:])


def test_perfect_boxes_are_all_true() -> None:
    """Every true box found in its place: no false positive, no miss."""
    perfect = matches(truth(WIDE, FAR), (FAR, 0.6), (WIDE, 0.9))
    assert perfect.partner.tolist() == [1, 0]
    assert counts(perfect, 0.25) == [2, 0, 0]
    assert perfect.is_taken(0.25).tolist() == [True, True]
    assert perfect.is_taken(0.7).tolist() == [True, False]


def test_a_duplicate_is_a_false_positive() -> None:
    """Of two boxes on one object the surer one is true, wherever it stands in the list."""
    assert partners(truth(WIDE), (WIDE, 0.4), (WIDE, 0.8)) == [FALSE_POSITIVE, 0]
    assert counts(matches(truth(WIDE), (WIDE, 0.4), (WIDE, 0.8))) == [1, 1, 0]


def test_another_class_never_matches() -> None:
    """A bus exactly where a car stands is a false positive, and the car is missed."""
    assert counts(matches(truth(WIDE), (WIDE, 0.9), labels=[BUS])) == [0, 1, 1]


def test_the_best_overlap_wins() -> None:
    """A found box takes the true box that it overlaps most, wherever that stands in the list."""
    near, exact = moved(WIDE, 20), moved(WIDE, 2)
    assert partners(truth(near, exact), (WIDE, 0.9)) == [1]
    assert partners(truth(exact, near), (WIDE, 0.9)) == [0]


def test_of_equal_overlaps_the_last_wins() -> None:
    """Between two true boxes that are overlapped alike, COCO takes the later one."""
    assert partners(truth(moved(WIDE, -10), moved(WIDE, 10)), (WIDE, 0.9)) == [1]


def test_the_second_best_is_taken_where_the_best_is_gone() -> None:
    """A true box is taken once; the next found box settles for what is left and overlaps enough."""
    assert partners(truth(WIDE, moved(WIDE, 20)), (WIDE, 0.9), (moved(WIDE, 5), 0.8)) == [0, 1]


@pytest.mark.parametrize(("right", "expected"), [(100 / 3 - 1e-9, 0), (100 / 3 + 1e-9, FALSE_POSITIVE)])
def test_an_overlap_counts_from_the_stated_iou_on(right: float, expected: int) -> None:
    """A third of the width aside is an IoU of .5, which just counts; any further does not."""
    assert partners(truth(WIDE), (moved(WIDE, right), 0.9)) == [expected]


def test_boxes_on_a_crowd_region_are_ignored() -> None:
    """On a crowd region any number of boxes are neither right nor wrong, and the region is never missed or taken."""
    inside = [((10.0, 110.0, 20.0, 40.0), 0.9), ((200.0, 120.0, 60.0, 70.0), 0.8), (FAR, 0.7)]
    on_crowd = matches(truth(CROWD, crowd=[0]), *inside)
    assert on_crowd.partner.tolist() == [IGNORED, IGNORED, FALSE_POSITIVE]
    assert counts(on_crowd) == [0, 1, 0]
    assert on_crowd.is_taken(0).tolist() == [False]


def test_an_object_on_a_crowd_region_comes_first() -> None:
    """A true box is taken before the crowd region around it, though the region overlaps more."""
    person = (20.0, 110.0, 40.0, 80.0)
    assert partners(truth(CROWD, person, crowd=[0]), (moved(person, 4), 0.9), (person, 0.8)) == [1, IGNORED]


def test_a_crowd_of_another_class_ignores_nothing() -> None:
    """A crowd of buses says nothing of a car."""
    assert partners(truth(CROWD, labels=[BUS], crowd=[0]), ((10.0, 110.0, 20.0, 40.0), 0.9)) == [FALSE_POSITIVE]


def test_equal_scores_keep_their_order() -> None:
    """Of two equally sure boxes the earlier one chooses first, as in COCO."""
    assert partners(truth(WIDE), (moved(WIDE, 9), 0.5), (WIDE, 0.5)) == [0, FALSE_POSITIVE]


@pytest.mark.parametrize(
    ("true", "boxes", "expected"),
    [((), (), [0, 0, 0]), ((WIDE,), (), [0, 0, 1]), ((), ((WIDE, 0.9),), [0, 1, 0])],
    ids=["both", "found", "true"],
)
def test_empty_sides(true: tuple[Box, ...], boxes: tuple[tuple[Box, float], ...], expected: list[int]) -> None:
    """Nothing found, nothing there, or neither: counts stay right."""
    assert counts(matches(truth(*true), *boxes)) == expected


def half_covered(rng: np.random.Generator) -> tuple[Box, Box]:
    """A true and a found box that overlap by one half as real numbers; computed, many come out a bit to the side."""
    left, top, width, height = rng.uniform(0, 500, 4)
    shapes = [
        (left, top, width / 2, height),
        (left, top, width, height / 2),
        (left, top, width, 2 * height),
        (left + width / 3, top, width, height),
    ]
    return (left, top, width, height), shapes[rng.integers(len(shapes))]


def test_at_exactly_one_half_counts_flips_and_map_agree() -> None:
    """Of 4,000 pairs built to overlap by exactly one half, in pictures of their own, each is a true positive for
    precision and recall, a box found for `flips.csv`, and true for mAP, or none of these.
    """
    rng = np.random.default_rng(0)
    pairs = [half_covered(rng) for _ in range(4000)]
    annotations = [
        {"id": n, "image_id": n, "category_id": CAR, "bbox": list(box), "area": 1.0, "iscrowd": 0}
        for n, (box, _) in enumerate(pairs, start=1)
    ]
    images = [{"id": n} for n in range(1, len(pairs) + 1)]
    true = true_columns({"images": images, "categories": [{"id": CAR}], "annotations": annotations})
    results = [
        {"image_id": n, "category_id": CAR, "bbox": list(box), "score": 0.9}
        for n, (_, box) in enumerate(pairs, start=1)
    ]
    boxes = found_columns(results, true)
    one, ranking = match(true, boxes), ranked(true, boxes)
    is_true = np.zeros(len(pairs), np.bool_)
    is_true[ranking.picture] = ranking.outcomes.of_area(0)[0] == TRUE
    np.testing.assert_array_equal(one.counts(CONFIDENCE)[:, 0] == 1, is_true)
    np.testing.assert_array_equal(one.counts(CONFIDENCE)[:, 1] == 0, is_true)
    np.testing.assert_array_equal(one.is_taken(CONFIDENCE), is_true)
    overlap = overlaps(boxes.boxes_xywh, true.boxes_xywh, true.crowd)
    np.testing.assert_allclose(overlap, 0.5, rtol=0, atol=1e-12)
    assert 400 < is_true.sum() < 3600, "the pairs lie on both sides of one half"


def test_matches_are_those_that_map_counts(draw_coco: Callable[..., Any]) -> None:
    """On random data, ties and crowds included, every box's partner is its outcome in the ranking at IoU .5."""
    compared = 0
    for seed in range(40):
        document, results = draw_coco(np.random.default_rng(seed))
        true = true_columns(document)
        boxes = found_columns(results, true)
        order, rank = by_rank(boxes)
        surest = order[rank < MAX_FOUND]
        ranking, partner = ranked(true, boxes), match(true, boxes).partner[surest]
        place = np.lexsort((-boxes.scores[surest], boxes.category[surest]))
        kinds = np.where(partner >= 0, TRUE, np.where(partner == IGNORED, SKIPPED, FALSE))
        np.testing.assert_array_equal(ranking.outcomes.of_area(0)[0], kinds[place])
        compared += len(partner)
    assert compared > 1000


corners = st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 12)] * 2)
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
    everything, above = (
        matches(there, *((box, score) for box, score, _ in rows), labels=[label for *_, label in rows])
        for rows in (boxes, [row for row in boxes if row[1] >= confidence])
    )
    assert counts(everything, confidence) == counts(above)


@pytest.mark.parametrize("crowd_share", [0.0, 0.3])
def test_assignment_is_pycocotools_own(
    draw_coco: Callable[..., Any], coco_partners: Callable[..., list[int]], crowd_share: float
) -> None:
    """At IoU .5 every found box takes the very true box that pycocotools gives it, ties and crowds included."""
    compared = 0
    for seed in range(60):
        document, results = draw_coco(np.random.default_rng(seed), crowd_share)
        true = true_columns(document)
        ours = match(true, found_columns(results, true)).partner.tolist()
        ids = [int(true.ids[index]) if index >= 0 else index for index in ours]
        assert ids == coco_partners(document, results)
        compared += len(ids)
    assert compared > 1000

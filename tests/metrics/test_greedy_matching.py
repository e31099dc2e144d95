"""The compiled matching by itself; tests of matching and ranking hold its decisions against pycocotools."""

import numpy as np
import pytest

from detbench.metrics.columns import overlaps, pairs_within
from detbench.metrics.greedy_matching import fill_outcomes, fill_partners, near_pairs, overlap


def boxes(random: np.random.Generator, count: int) -> np.ndarray:
    """Boxes on a coarse grid, so that many touch, many are equal, and some have no width."""
    return np.concatenate([random.integers(0, 12, (count, 2)), random.integers(0, 9, (count, 2))], axis=1) * 1.1


def test_an_overlap_is_that_of_the_columns_to_the_last_bit() -> None:
    """For 20,000 pairs, crowd regions and boxes without an area among them."""
    random = np.random.default_rng(0)
    found, true, crowd = boxes(random, 20_000), boxes(random, 20_000), random.random(20_000) < 0.2
    each = [overlap(*pair) for pair in zip(found, true, crowd, strict=True)]
    np.testing.assert_array_equal(each, overlaps(found, true, crowd))


@pytest.mark.parametrize("seed", range(20))
def test_near_pairs_are_all_that_overlap_enough_within_a_group(seed: int) -> None:
    """As many as there are, in the order of the found and then of the true boxes, whatever groups are empty."""
    random = np.random.default_rng(seed)
    found_group, true_group = np.sort(random.integers(0, 5, 60)), np.sort(random.integers(1, 7, 30))
    found, true, crowd = boxes(random, 60), boxes(random, 30), random.random(30) < 0.2
    starts, theirs, values = near_pairs(found, found_group, true, true_group, crowd, 0.1)
    mine, expected = pairs_within(found_group, true_group)
    all_values = overlaps(found[mine], true[expected], crowd[expected])
    near = all_values >= 0.1
    np.testing.assert_array_equal(np.repeat(np.arange(60), np.diff(starts)), mine[near])
    np.testing.assert_array_equal(theirs, expected[near])
    np.testing.assert_array_equal(values, all_values[near])


def partners(
    overlap_of: dict[tuple[int, int], float], crowd: list[bool], skipped: list[bool], least: float
) -> list[int]:
    """Who takes whom, of three found boxes and two true ones."""
    starts = np.searchsorted([row for row, _ in overlap_of], np.arange(4))
    theirs, values = np.array([true for _, true in overlap_of], np.int32), np.array([*overlap_of.values()])
    partner = np.empty(3, np.int32)
    fill_partners(starts, theirs, values, np.array(crowd), np.array(skipped), least, partner)
    return partner.tolist()


def test_a_box_takes_what_it_overlaps_most_of_equals_the_last() -> None:
    """And what is taken is gone for those that come after it; an overlap below the least counts for nothing."""
    no = [False, False]
    assert partners({(0, 0): 0.6, (0, 1): 0.7, (1, 1): 0.9, (2, 0): 0.5}, no, no, 0.5) == [1, -1, 0]
    assert partners({(0, 0): 0.6, (0, 1): 0.6, (1, 1): 0.9, (2, 0): 0.4}, no, no, 0.5) == [1, -1, -1]


def test_what_must_be_found_goes_before_what_is_skipped() -> None:
    """However much less it overlaps, and wherever it stands; a crowd region is taken again and again."""
    both = {(0, 0): 0.9, (0, 1): 0.6, (1, 0): 0.8, (1, 1): 0.9, (2, 0): 0.7}
    assert partners(both, [True, False], [True, False], 0.5) == [1, 0, 0]
    assert partners(both, [False, False], [False, True], 0.5) == [0, 1, -1]


@pytest.mark.parametrize("seed", range(10))
def test_outcomes_are_the_partners_at_every_size_and_iou(seed: int) -> None:
    """Ten IoUs take two bytes; of boxes without a partner the bits stay as they came."""
    random = np.random.default_rng(seed)
    ious = np.linspace(0.5, 0.95, 10)
    groups = np.sort(random.integers(0, 9, 80)), np.sort(random.integers(0, 9, 40))
    found, true, crowd = boxes(random, 80), boxes(random, 40), random.random(40) < 0.1
    skipped = np.stack([crowd, crowd | (random.random(40) < 0.5)])
    starts, *pairs = near_pairs(found, groups[0], true, groups[1], crowd, ious[0])
    before = random.integers(0, 2, (2, 1, 80), dtype=np.uint8) * np.packbits(np.ones(10, np.uint8))[:, None]
    bits = np.zeros_like(before), before.copy()
    fill_outcomes(starts, *pairs, crowd, skipped, ious, *bits)
    is_true, is_skipped = (np.unpackbits(each, axis=1, count=10) for each in bits)
    partner = np.empty(80, np.int32)
    for area in range(2):
        for place, iou in enumerate(ious):
            fill_partners(starts, *pairs, crowd, skipped[area], iou, partner)
            takes_skipped = skipped[area][partner] & (partner >= 0)
            np.testing.assert_array_equal(is_true[area, place], (partner >= 0) & ~takes_skipped)
            np.testing.assert_array_equal(
                is_skipped[area, place], np.where(partner < 0, before[area, 0] > 0, takes_skipped)
            )

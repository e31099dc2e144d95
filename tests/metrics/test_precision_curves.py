import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from detbench.metrics.outcomes import SKIPPED, TRUE, pack
from detbench.metrics.precision_curves import curve_means, events_of, fill_curve, fill_hits, fill_needed, fill_weights
from detbench.metrics.resampled import RECALLS


def curve_of(true: list[int], weights: list[int], positives: int, skipped: tuple[int, ...] = ()) -> np.ndarray:
    """The curve of one class whose boxes, each of its own picture, are true in those rows and skipped in those."""
    events = np.array(sorted({*true, *skipped}), np.uint32)
    is_true, ranks = np.isin(events, true), np.zeros(len(weights), np.uint8)
    weight, seen, hits, counted = (np.empty(len(weights), np.int32) for _ in range(4))
    needed, curve = np.empty(len(RECALLS), np.int32), np.full(len(RECALLS), np.nan)
    pictures, copies = np.arange(len(weights), dtype=np.uint32), np.zeros(len(weights), np.int32)
    fill_weights(np.array(weights, np.int32), pictures, copies, weight, seen)
    written, *_, found = fill_hits(events, is_true, ranks, weight, seen, hits, counted)
    fill_needed(positives, RECALLS, needed)
    total = fill_curve(hits[:written], counted[:written], found, needed, curve)
    assert total == pytest.approx(curve.sum(), abs=1e-12)
    return curve


def test_a_known_curve() -> None:
    """Right, wrong, right of four true boxes: precision 1 up to recall .25, 2/3 up to .5, none beyond."""
    assert curve_of([0, 2], [1, 1, 1], 4) == pytest.approx(np.repeat([1, 2 / 3, 0], [26, 25, 50]))


def test_precision_is_the_highest_of_larger_recalls() -> None:
    """Wrong, right, right, right: 3/4 at every recall, though the first true box has 1/2."""
    assert curve_of([1, 2, 3], [1, 1, 1, 1], 3) == pytest.approx(np.full(101, 0.75))


def test_skipped_boxes_count_for_nothing() -> None:
    """A skipped box before a true one leaves its precision at 1; as a false one it halves it."""
    assert curve_of([1], [1, 1], 1, skipped=(0,)) == pytest.approx(np.ones(101))
    assert curve_of([1], [1, 1], 1) == pytest.approx(np.full(101, 0.5))


def test_weights_are_repetitions() -> None:
    """A picture of weight 3 is three boxes, one of weight 0 none."""
    once = curve_of([0, 1, 2, 5, 6, 7], [1] * 8, 9)
    assert curve_of([0, 1, 3], [3, 0, 2, 3], 9) == pytest.approx(once)


def test_events_are_the_boxes_that_are_true_or_skipped() -> None:
    """At every IoU of both bytes, and among the rows that count alone; a class without rows has none."""
    plain = np.random.default_rng(0).integers(0, 3, (1, 10, 23)).astype(np.uint8)
    packed, rows, classes = pack(plain), np.array([0, 3, 4, 9, 15, 22]), np.array([0, 2, 2, 6])
    events, is_true, bounds = events_of(packed.true[0], packed.skipped[0], packed.ious, rows, classes)
    for iou, kinds in enumerate(plain[0][:, rows]):
        expected = np.flatnonzero((kinds == TRUE) | (kinds == SKIPPED))
        at_iou = slice(*bounds[iou, [0, -1]])
        assert events[at_iou].tolist() == expected.tolist()
        assert is_true[at_iou].tolist() == (kinds[expected] == TRUE).tolist()
        assert (bounds[iou] - bounds[iou, 0]).tolist() == np.searchsorted(expected, classes).tolist()
    assert bounds[-1, -1] == len(events)


@pytest.mark.parametrize("positives", [*range(1, 130), 9_999, 54_000])
def test_recalls_are_reached_as_pycocotools_counts(positives: int) -> None:
    """The fewest true boxes whose share, in double precision, is not below a recall; at least one."""
    needed = np.empty(len(RECALLS), np.int32)
    fill_needed(positives, RECALLS, needed)
    shares = np.arange(1, positives + 1) / positives
    assert needed.tolist() == (np.searchsorted(shares, RECALLS, side="left") + 1).tolist()


def test_true_boxes_are_counted_within_limits() -> None:
    """Of three true boxes with ranks 0, 9 and 10, in pictures that are drawn 2, 1 and 4 times, one counts among the
    first, two among ten, and all among a hundred; without positives nothing does.
    """
    rows, ranks = np.arange(3, dtype=np.uint32), np.array([0, 9, 10], np.uint8)
    one_class = np.array([0, 3], np.int64)
    draws = np.array([[2, 1, 4], [1, 1, 1]], np.int32)
    means, found = curve_means(
        draws, np.array([[7, 0]]), RECALLS, rows, np.zeros(3, np.int32), ranks, one_class, rows,
        np.ones(3, np.bool_), one_class[None],
    )  # fmt: skip
    assert found[:, 0, 0].tolist() == [[2, 0], [3, 0], [7, 0]]
    assert means[0, 0].tolist() == [pytest.approx(1), 0]


def test_a_copy_counts_where_its_picture_is_drawn_so_often() -> None:
    """The second copy of a box counts once from two draws on; a box that stands for all copies counts each time."""
    weight, seen = np.empty(3, np.int32), np.empty(3, np.int32)
    for drawn, expected in ((0, [0, 0, 0]), (1, [1, 1, 0]), (2, [2, 1, 1]), (5, [5, 1, 1])):
        draw = np.array([drawn], np.int32)
        fill_weights(draw, np.zeros(3, np.uint32), np.array([0, 1, 2], np.int32), weight, seen)
        assert weight.tolist() == expected
        assert seen.tolist() == np.cumsum(expected).tolist()


@pytest.mark.parametrize(
    "before",
    [
        "import os; os.environ['NUMBA_CACHE_DIR'] = '/dev/null/nowhere'",
        "import numba.core.caching as caching\n"
        "def refuse(*_): raise OSError\n"
        "caching._CacheLocator.ensure_cache_path = refuse",
    ],
    ids=["the folder that is named", "every folder"],
)
def test_it_works_where_compiled_code_cannot_be_kept(before: str) -> None:
    """A cache that cannot be written costs time alone, and nothing is said of it."""
    code = (
        f"{before}\nimport numpy as np\nfrom detbench.metrics.precision_curves import fill_needed\n"
        "needed = np.empty(3, np.int32)\nfill_needed(4, np.array([0, 0.3, 1]), needed)\nprint(needed.tolist())"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[1, 2, 4]\n", "")


def test_every_argument_has_one_type(draw_coco: Callable) -> None:
    """Whatever integers the pictures' weights come in, one machine code does: another would take seconds to compile."""
    from detbench.metrics.columns import found_columns, true_columns
    from detbench.metrics.error_kinds import error_kinds
    from detbench.metrics.ranking import ranked
    from detbench.metrics.resampled import coco_numbers, interpolated_precision, unit_weights

    truth, results = draw_coco(np.random.default_rng(3))
    columns = true_columns(truth)
    found = found_columns(results, columns)
    ranking = ranked(columns, found)
    pictures = len(columns.image_ids)
    for kind in (np.uint8, np.uint16, np.int32, np.int64):
        coco_numbers(ranking, np.full((70, pictures), 2, kind))
    coco_numbers(ranking, unit_weights(pictures))
    interpolated_precision(ranking)
    error_kinds(columns, found)
    compiled = [len(each.signatures) for each in (curve_means, fill_curve, fill_hits, fill_needed, fill_weights)]
    assert compiled == [1, 1, 1, 1, 1]

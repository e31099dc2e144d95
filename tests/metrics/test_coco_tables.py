from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.metrics.coco_tables import tables
from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.error_kinds import error_kinds
from detbench.metrics.ranking import ranked


def defined(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """pycocotools' array, with NaN for its -1."""
    return np.where(table < 0, np.nan, table)


def test_the_tables_are_pycocotools_own(draw_coco: Callable, coco_evaluator: Callable) -> None:
    """On random data precision by IoU, recall, class and size, and recall by the number of boxes, are pycocotools'
    arrays to the last bit.
    """
    compared = 0
    for seed in range(60):
        truth, results = draw_coco(np.random.default_rng(seed))
        if not results:
            continue
        columns = true_columns(truth)
        ours = tables(ranked(columns, found_columns(results, columns)))
        theirs = coco_evaluator(truth, results)
        theirs.accumulate()
        np.testing.assert_array_equal(ours.precision, defined(theirs.eval["precision"][..., -1]))
        np.testing.assert_array_equal(ours.recall, defined(theirs.eval["recall"]))
        compared += 1
    assert compared > 40


def test_without_any_box_nothing_is_defined() -> None:
    """A truth without boxes leaves every entry undefined, one without found boxes makes them 0."""
    empty = {"images": [{"id": 1}], "categories": [{"id": 7}], "annotations": []}
    box = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [0.0, 0.0, 40.0, 40.0], "area": 1600.0, "iscrowd": 0}
    for truth, of_medium in ((empty, np.nan), ({**empty, "annotations": [box]}, 0.0)):
        columns = true_columns(truth)
        found = tables(ranked(columns, found_columns([], columns)))
        np.testing.assert_array_equal(found.precision[:, :, 0, 2], np.full((10, 101), of_medium))
        assert np.isnan(found.precision[..., 1]).all()
        assert np.isnan(found.recall[:, :, 1]).all()


def test_blocks_change_nothing(draw_coco: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matched a few boxes at a time, every array is as it is from all of them at once."""
    for seed in range(20):
        truth, results = draw_coco(np.random.default_rng(seed))
        columns = true_columns(truth)
        found = found_columns(results, columns)
        whole, errors = ranked(columns, found), error_kinds(columns, found)
        with monkeypatch.context() as patch:
            patch.setattr("detbench.metrics.ranking._BLOCK", 3)
            patch.setattr("detbench.metrics.error_kinds._BLOCK", 3)
            patch.setattr("detbench.metrics.resampled._BLOCK", 3)
            blocks = ranked(columns, found)
            assert error_kinds(columns, found) == errors
        for name in ("picture", "category", "scores", "rank", "true_boxes"):
            np.testing.assert_array_equal(getattr(blocks, name), getattr(whole, name))
        np.testing.assert_array_equal(blocks.outcomes.whole(), whole.outcomes.whole())

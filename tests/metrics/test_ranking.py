from collections.abc import Callable

import numpy as np
import pytest

from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.error_kinds import error_kinds
from detbench.metrics.matching import match
from detbench.metrics.outcomes import FALSE, SKIPPED, TRUE
from detbench.metrics.ranking import MAX_FOUND, ranked
from detbench.metrics.resampled import coco_numbers


def test_blocks_change_nothing(draw_coco: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of a few boxes at a time, and numbers of a few draws at a time, are as they are from all at once."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        truth, results = draw_coco(random)
        columns = true_columns(truth)
        found = found_columns(results, columns)
        draws = random.integers(0, 3, (8, len(columns.image_ids)))
        errors, numbers = error_kinds(columns, found), coco_numbers(ranked(columns, found), draws)
        with monkeypatch.context() as patch:
            patch.setattr("detbench.metrics.error_kinds._BLOCK", 3)
            patch.setattr("detbench.metrics.resampled._BLOCK", 3)
            assert error_kinds(columns, found) == errors
            some = coco_numbers(ranked(columns, found), draws)
        for key, values in numbers.items():
            np.testing.assert_array_equal(some[key], values)


def test_among_some_pictures_it_is_their_own_ranking(draw_coco: Callable) -> None:
    """Every array equals that of a dataset which has these pictures alone; among all it is the same object."""
    for seed in range(20):
        truth, results = draw_coco(np.random.default_rng(seed))
        columns = true_columns(truth)
        whole = ranked(columns, found_columns(results, columns))
        few = np.arange(0, len(columns.image_ids), 2)
        ids = set(columns.image_ids[few].tolist())
        own = true_columns({
            **truth,
            "images": [each for each in truth["images"] if each["id"] in ids],
            "annotations": [each for each in truth["annotations"] if each["image_id"] in ids],
        })  # fmt: skip
        alone = ranked(own, found_columns([each for each in results if each["image_id"] in ids], own))
        among = whole.among(few)
        for name in ("picture", "category", "scores", "rank", "true_boxes"):
            np.testing.assert_array_equal(getattr(among, name), getattr(alone, name))
        for name in ("true", "skipped"):
            np.testing.assert_array_equal(getattr(among.outcomes, name), getattr(alone.outcomes, name))
        assert whole.among(np.arange(len(columns.image_ids))) is whole


def test_only_the_surest_boxes_count() -> None:
    """Of 130 boxes of a picture and class the ranking has the 100 surest; precision and recall count all."""
    box = [10.0, 20.0, 50.0, 40.0]
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 2000.0, "iscrowd": 0}
    truth = true_columns({"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": [annotation]})
    results = [
        {"image_id": 1, "category_id": 1, "bbox": box if place == 120 else [300.0, 5.0, 30.0, 60.0], "score": score}
        for place, score in enumerate(np.linspace(0.99, 0.5, 130).tolist())
    ]
    found = found_columns(results, truth)
    ranking = ranked(truth, found)
    assert len(ranking) == MAX_FOUND
    assert set(np.unique(ranking.outcomes.whole())) == {FALSE, SKIPPED}
    assert TRUE not in ranking.outcomes.of_area(0)
    assert match(truth, found).counts(0.25).tolist() == [[1, 129, 0]]

import numpy as np
import pytest

from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.matching import match
from detbench.metrics.precision_recall import CONFIDENCES, confidence_sweep, precision_recall_f1
from detbench.metrics.specs import CONFIDENCE

BOX, FAR = [10.0, 20.0, 50.0, 40.0], [300.0, 5.0, 30.0, 60.0]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 0, 0), (None, None, None)),
        ((0, 0, 4), (None, 0, 0)),
        ((0, 3, 0), (0, None, 0)),
        ((0, 3, 4), (0, 0, 0)),
        ((3, 1, 2), (3 / 4, 3 / 5, 6 / 9)),
    ],
)
def test_ratios_are_undefined_where_nothing_is_counted(
    counts: tuple[int, int, int], expected: tuple[float | None, ...]
) -> None:
    """Precision needs something found, recall something to find, F1 either; otherwise there is no number."""
    ratios = precision_recall_f1(*(np.array([count]) for count in counts))
    assert list(ratios) == ["precision", "recall", "f1"]
    assert [None if np.isnan(value[0]) else value[0] for value in ratios.values()] == list(expected)


def test_the_sweep_counts_from_each_confidence_on() -> None:
    """Of a right box of score .6 and a wrong one of .3, both count up to .3, one up to .6, none above."""
    truth = true_columns(
        {
            "images": [{"id": 1}],
            "categories": [{"id": 1}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": BOX, "area": 2000.0, "iscrowd": 0}],
        }
    )
    results = [
        {"image_id": 1, "category_id": 1, "bbox": box, "score": score} for box, score in ((BOX, 0.6), (FAR, 0.3))
    ]
    sweep = confidence_sweep(match(truth, found_columns(results, truth)))
    assert CONFIDENCE in CONFIDENCES
    assert sweep["recall"].tolist() == [float(confidence <= 0.6) for confidence in CONFIDENCES]
    assert sweep["precision"][CONFIDENCES <= 0.3].tolist() == [0.5] * 6
    assert sweep["precision"][(CONFIDENCES > 0.3) & (CONFIDENCES <= 0.6)].tolist() == [1.0] * 6
    assert np.isnan(sweep["precision"][CONFIDENCES > 0.6]).all()
    assert sweep["f1"][0] == pytest.approx(2 / 3)

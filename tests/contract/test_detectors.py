"""What every registered detector must do, whatever it is made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.errors import WeightsError
from detbench.plugins.backend import resolve_detector
from detbench.plugins.builtin import DETECTORS
from detbench.types import Detections, Image


@pytest.fixture(scope="module", params=[*(entry.name for entry in DETECTORS.entries()), "weights/yolov8n.pt"])
def detector(request: pytest.FixtureRequest, shared_file: Callable[[str], Path]) -> Any:
    """Each registered detector, and the adapter of checkpoints; skipped where the weights are not there."""
    word = str(shared_file(request.param)) if request.param.endswith(".pt") else request.param
    try:
        return resolve_detector(word, "cpu").build()
    except WeightsError as error:
        pytest.skip(str(error))


def picture(height: int, width: int) -> Image:
    """A picture with something in it."""
    image = np.random.default_rng(3).integers(90, 120, (height, width, 3), dtype=np.uint8)
    image[height // 4 : height // 2, width // 4 : width // 2] = (220, 30, 30)
    return image


@pytest.mark.parametrize(("height", "width"), [(96, 128), (51, 37), (1, 1), (2, 3)])
def test_any_size_gives_detections(detector: Any, height: int, width: int) -> None:
    """Any size gives Detections with named labels and boxes inside the picture; the picture is left as it was."""
    image = picture(height, width)
    before = image.copy()
    found = detector(image)
    assert isinstance(found, Detections)
    assert np.array_equal(image, before)
    if len(found):
        assert 0 <= found.labels.min() <= found.labels.max() < len(detector.classes)
        assert found.boxes.min() >= 0
        assert (found.boxes.max(axis=0) <= [width, height, width, height]).all()


def test_same_picture_same_detections(detector: Any) -> None:
    """Asked twice, a detector gives the same boxes and scores to the last bit."""
    one, other = detector(picture(96, 128)), detector(picture(96, 128))
    assert np.array_equal(one.boxes, other.boxes)
    assert np.array_equal(one.scores, other.scores)


def test_classes_are_unique_names(detector: Any) -> None:
    """Every label has a name of its own."""
    assert len(set(detector.classes)) == len(detector.classes) > 0

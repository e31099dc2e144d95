"""The steps of a run: each done once, each backend held to its contract."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.backends import Backend
from detbench.errors import BackendError, UsageError
from detbench.images import picture_from_image
from detbench.registry import Entry
from detbench.results.cache import Cache
from detbench.runner.stages import Stages
from detbench.types import Detections, Image, Kernel


@dataclass(frozen=True)
class Given(Backend):
    """A backend that is already built."""

    built: Any = None

    def build(self) -> Any:
        return self.built


def given(name: str, built: Any) -> Backend:
    """A backend that needs no import."""
    return Given(name, Entry(name, "nowhere:nothing", "given"), {"name": name}, built)


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """Stages over an empty cache."""
    return Stages(Cache(tmp_path))


@pytest.fixture
def image() -> Image:
    """A picture that is not square."""
    return np.arange(7 * 11 * 3, dtype=np.uint8).reshape(7, 11, 3)


def test_restoration_is_done_once(stages: Stages, image: Image) -> None:
    """The second asking comes from the cache, with the same pixels and the same time."""
    calls = []

    def invert(blurred: Image) -> Image:
        calls.append(1)
        return 255 - blurred

    first = stages.restore(given("invert", invert), picture_from_image(image), None)
    second = stages.restore(given("invert", invert), picture_from_image(image), None)
    assert len(calls) == 2  # one of them warms up
    assert first == second
    assert np.array_equal(second.picture.load(), 255 - image)


def test_unchanged_picture_is_the_picture(stages: Stages, image: Image) -> None:
    """A deblurrer that returns its input is given the input's own digest, so nothing is detected twice."""
    picture = picture_from_image(image)
    assert stages.restore(given("copy", lambda blurred: blurred.copy()), picture, None).picture is picture


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda blurred: blurred[:-1], r"uint8 \(6, 11, 3\)"),
        (lambda blurred: blurred / 255, r"float64 \(7, 11, 3\)"),
        (lambda blurred: None, "NoneType"),
    ],
)
def test_restored_picture_is_checked(stages: Stages, image: Image, wrong: Any, said: str) -> None:
    """Another size, another type or no picture at all is refused, with what came and what was due."""
    with pytest.raises(BackendError, match=f"wrong returned {said}.*uint8 \\(7, 11, 3\\)"):
        stages.restore(given("wrong", wrong), picture_from_image(image), None)


def test_what_a_backend_raises_names_it(stages: Stages, image: Image) -> None:
    """An exception of a backend becomes one message with its name and kind."""

    def broken(blurred: Image) -> Image:
        raise ZeroDivisionError("by nought")

    with pytest.raises(BackendError, match="broken failed: ZeroDivisionError: by nought"):
        stages.restore(given("broken", broken), picture_from_image(image), None)


def test_detector_must_return_detections(stages: Stages, image: Image) -> None:
    """Something else than Detections is refused."""
    with pytest.raises(BackendError, match="odd returned list"):
        stages.detect(given("odd", lambda picture: []), picture_from_image(image))


def test_oracle_gets_the_kernel_and_needs_it(stages: Stages, image: Image) -> None:
    """A deblurrer with `needs_kernel` is handed the kernel; without one it cannot run."""

    class Oracle:
        needs_kernel = True

        def __call__(self, blurred: Image, kernel: Kernel) -> Image:
            return np.full_like(blurred, len(kernel.weights))

    oracle, picture = given("oracle", Oracle()), picture_from_image(image)
    kernel = Kernel(np.full((3, 3), 1 / 9), "gamma")
    assert (stages.restore(oracle, picture, kernel).picture.load() == 3).all()
    assert (stages.restore(oracle, picture, Kernel.none("gamma")).picture.load() == 1).all()
    with pytest.raises(UsageError, match="oracle needs the blur kernel"):
        stages.restore(oracle, picture, None)


def test_detections_come_back_exactly(stages: Stages, image: Image) -> None:
    """Boxes and scores survive the cache to the last bit."""
    found = Detections(np.array([[0.1, 1 / 3, 5.7, 6.2]]), np.array([1 / 7]), np.array([2]))
    detector = given("one", lambda picture: found)
    fresh, kept = (stages.detect(detector, picture_from_image(image)) for _ in range(2))
    for result in (fresh, kept):
        assert (result.boxes == found.boxes).all()
        assert (result.scores == found.scores).all()
        assert result.labels.tolist() == [2]

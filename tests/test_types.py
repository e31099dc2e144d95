import dataclasses
import math

import numpy as np
import pytest

from detbench.types import (
    BlurEstimate,
    Detections,
    Estimate,
    GroundTruth,
    Kernel,
    KernelEstimator,
    MetricSpec,
    NonBlindDeblurrer,
    Restoration,
)

TWO_BOXES = np.array([[1.0, 2.0, 11.0, 5.0], [0.0, 0.0, 3.0, 9.0]])
TRUTH = {
    "boxes": TWO_BOXES,
    "labels": np.array([1, 2]),
    "crowd": np.array([False, True]),
    "areas": np.array([30.0, 27.0]),
    "ids": np.array([5, 6]),
}
FOUND = {"boxes": TWO_BOXES, "scores": np.array([0.0, 1.0]), "labels": np.array([0, 1])}


def test_sound_values_are_built() -> None:
    """Columns as long as the boxes pass; the number of boxes is the length."""
    assert len(GroundTruth(**TRUTH)) == len(Detections(**FOUND)) == 2


def test_no_boxes_is_a_value() -> None:
    """A picture may hold nothing: (0, 4) boxes and empty columns."""
    none = np.array([], np.int64)
    assert len(Detections(np.zeros((0, 4)), none.astype(float), none)) == 0


@pytest.mark.parametrize("boxes", [np.zeros(4), np.zeros((2, 5)), np.zeros((0,)), np.zeros((1, 2, 4))])
def test_boxes_have_four_columns(boxes: np.ndarray) -> None:
    """Anything but (N, 4) is refused with the shape that came."""
    with pytest.raises(ValueError, match=r"shape \(N, 4\), not \("):
        GroundTruth(**{**TRUTH, "boxes": boxes})
    with pytest.raises(ValueError, match=r"shape \(N, 4\), not \("):
        Detections(**{**FOUND, "boxes": boxes})


@pytest.mark.parametrize("column", ["labels", "crowd", "areas", "ids"])
def test_truth_columns_are_as_long_as_the_boxes(column: str) -> None:
    """A column of three for two boxes is refused by its name."""
    with pytest.raises(ValueError, match=rf"{column} has shape \(3,\); 2 boxes need \(2,\)"):
        GroundTruth(**{**TRUTH, column: np.zeros(3)})


@pytest.mark.parametrize("column", ["scores", "labels"])
def test_detection_columns_are_as_long_as_the_boxes(column: str) -> None:
    """A column of shape (2, 1) for two boxes is refused by its name."""
    with pytest.raises(ValueError, match=rf"{column} has shape \(2, 1\); 2 boxes need \(2,\)"):
        Detections(**{**FOUND, column: np.zeros((2, 1))})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boxes": np.full((2, 4), math.nan)}, "not a finite number"),
        ({"boxes": np.full((2, 4), math.inf)}, "not a finite number"),
        ({"scores": np.array([0.5, math.nan])}, "not a finite number"),
        ({"scores": np.array([0.5, 1.01])}, r"0\.\.1, not 0\.5\.\.1\.01"),
        ({"scores": np.array([-0.1, 1.0])}, r"0\.\.1, not -0\.1\.\.1\.0"),
    ],
)
def test_detections_are_finite_and_scores_in_range(change: dict[str, np.ndarray], words: str) -> None:
    """A NaN box would count as found, and a score outside 0..1 is no confidence: both are refused."""
    with pytest.raises(ValueError, match=words):
        Detections(**{**FOUND, **change})


def test_values_are_frozen() -> None:
    """Nothing that passes between modules can be given another array later."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Detections(**FOUND).scores = np.zeros(2)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.full((2, 2), 0.25), "square with an odd side, not 2x2"),
        (np.full((1, 3), 1 / 3), "square with an odd side, not 1x3"),
        (np.full((3, 3), 1.0), "sums to 1"),
        (np.array([[-0.5, 0, 0], [0, 2, 0], [0, 0, -0.5]]), "no negative weight"),
        (np.full((3, 3), math.nan), "sums to 1"),
    ],
)
def test_kernels_are_checked(weights: np.ndarray, words: str) -> None:
    """A kernel is square, odd, non-negative, and sums to 1."""
    with pytest.raises(ValueError, match=words):
        Kernel(weights, "linear")


@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        (np.ones((1, 1)), r"shape \(rows, columns, K, K\), not \(1, 1\)"),
        (np.ones((1, 1, 1)), r"shape \(rows, columns, K, K\), not \(1, 1, 1\)"),
        (np.full((1, 1, 2, 2), 0.25), "square with an odd side, not 2x2"),
        (np.full((1, 1, 3, 1), 1 / 3), "square with an odd side, not 3x1"),
        (np.stack([np.full((1, 3, 3), 1 / 9), np.full((1, 3, 3), 0.2)]), "sums to 1"),
        (np.array([[[[2.0, 0, 0], [0, -1, 0], [0, 0, 0]]]]), "no negative weight"),
        (np.full((1, 1, 3, 3), math.nan), "sums to 1"),
    ],
)
def test_estimated_kernels_are_checked(kernels: np.ndarray, words: str) -> None:
    """A grid of kernels has four axes, and the kernel in each of its cells is held to what a kernel is."""
    with pytest.raises(ValueError, match=words):
        BlurEstimate(kernels, "gamma")


def test_an_estimate_may_have_many_cells() -> None:
    """One kernel for the whole picture, and a grid of rows and columns, are both an estimate."""
    for grid in ((1, 1), (2, 3)):
        assert BlurEstimate(np.full((*grid, 3, 3), 1 / 9), "linear").kernels.shape[:2] == grid


def test_a_restoration_may_have_found_no_blur() -> None:
    """Where nothing was found the blur is None and the picture stands alone; neither can be replaced later."""
    picture = np.zeros((3, 5, 3), np.uint8)
    restoration = Restoration(picture, None)
    assert restoration.image is picture
    with pytest.raises(dataclasses.FrozenInstanceError):
        restoration.blur = BlurEstimate(np.ones((1, 1, 1, 1)), "gamma")  # type: ignore[misc]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["value", "low", "high"])
def test_an_estimate_is_finite_or_none(number: float, place: str) -> None:
    """An undefined number is None, never NaN, so that JSON stays valid."""
    with pytest.raises(ValueError, match="an undefined number is None"):
        Estimate(**{"value": 1.0, "n": 3, place: number})
    assert Estimate(None, 0).value is None


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_the_sign_says_which_way_is_better(better: str, sign: int) -> None:
    """+1 where higher is better, -1 where lower is."""
    assert MetricSpec("k", "K", "dB", better, "…").sign == sign  # type: ignore[arg-type]


def test_a_plain_function_is_a_blind_deblurrer() -> None:
    """Only what says `needs_kernel` is told the kernel."""
    assert not isinstance(lambda blurred: blurred, NonBlindDeblurrer)


def test_who_can_show_its_kernels_has_restore() -> None:
    """A deblurrer with the method `restore` estimates kernels; a plain function does not."""

    class Estimator:
        def __call__(self, blurred: np.ndarray) -> np.ndarray:
            return blurred

        def restore(self, blurred: np.ndarray) -> Restoration:
            return Restoration(blurred, None)

    assert isinstance(Estimator(), KernelEstimator)
    assert not isinstance(lambda blurred: blurred, KernelEstimator)


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, True),
        ({"needs_sharp": False}, False),
        ({"needs_sharp": False, "needs_blurred": True}, True),
        ({"needs_sharp": False, "of_benchmark": True}, True),
    ],
)
def test_a_metric_of_the_picture_alone_needs_no_other(fields: dict[str, bool], needs: bool) -> None:
    """One against the sharp picture, the input, or references does."""
    assert MetricSpec("k", "K", "dB", "higher", "…", **fields).needs_other is needs  # type: ignore[arg-type]

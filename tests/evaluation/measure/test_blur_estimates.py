"""What a deblurrer found beside what is true: as text, as numbers and as pictures."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.core.images import picture_from_image
from detbench.evaluation.measure.blur_estimates import (
    estimate_from_json,
    estimate_to_json,
    found_blur,
    kernel_from_json,
    kernel_to_json,
)
from detbench.types import BlurEstimate, Image, Kernel, Picture


def line(side: int, length: int) -> NDArray[np.float64]:
    """A kernel of equal weights from left to right around its middle."""
    weights = np.zeros((side, side))
    weights[side // 2, side // 2 - length // 2 : side // 2 + length // 2 + 1] = 1 / length
    return weights


def noise(*shape: int) -> NDArray[np.float64]:
    """Random kernels."""
    weights = np.random.default_rng(0).random(shape)
    return weights / weights.sum(axis=(-2, -1), keepdims=True)


def loaded(picture: Picture | None) -> Image:
    """The pixels of a picture that is there."""
    assert picture is not None
    return picture.load()


def test_kernels_come_back_bit_for_bit() -> None:
    """A kernel and a grid of them survive their text to the last bit, light included."""
    kernel, estimate = Kernel(noise(5, 5), "linear"), BlurEstimate(noise(2, 3, 7, 7), "gamma")
    kernel_again, estimate_again = (
        kernel_from_json(kernel_to_json(kernel)),
        estimate_from_json(estimate_to_json(estimate)),
    )
    assert (kernel_again.light, estimate_again.light) == ("linear", "gamma")
    assert np.array_equal(kernel_again.weights, kernel.weights)
    assert np.array_equal(estimate_again.kernels, estimate.kernels)


def test_two_kernels_are_shown_at_one_scale() -> None:
    """A kernel in a large square and the same in a small one look the same, so that they can be held side by side."""
    found = found_blur(
        BlurEstimate(line(65, 21)[None, None], "gamma"), Kernel(line(21, 21), "gamma"), picture_from_image
    )
    assert found.found_kernel == found.true_kernel
    picture = loaded(found.found_kernel)
    assert picture.shape[0] == picture.shape[1]
    bright = np.flatnonzero(picture.max(axis=(0, 2)) == 255)
    assert len(bright) == len(picture) * 21 // 25  # the longer one leaves a margin of two weights
    assert found.similarity == pytest.approx(1)


def test_no_blur_is_a_speck() -> None:
    """A kernel of one point is shown with room around it, not as a white square."""
    found = found_blur(BlurEstimate(np.ones((1, 1, 1, 1)), "gamma"), None, picture_from_image)
    assert (loaded(found.found_kernel) == 255).mean() < 0.01


def test_faint_weights_make_no_frame_wider() -> None:
    """Weights that would be black anyway do not make the rest small."""
    faint = np.full((65, 65), 1e-6)
    faint[32, 26:39] += (1 - faint.sum()) / 13
    found = found_blur(BlurEstimate(faint[None, None], "gamma"), None, picture_from_image)
    bright = np.flatnonzero(loaded(found.found_kernel).max(axis=(0, 2)) == 255)
    assert len(bright) == loaded(found.found_kernel).shape[1] * 13 // 19  # with radius 7 at least and a margin of 2


@pytest.mark.parametrize(("is_found", "is_known"), [(False, False), (True, False), (False, True), (True, True)])
def test_what_is_unknown_is_none(is_found: bool, is_known: bool) -> None:
    """Each kernel has its picture where there is one; likeness takes both."""
    estimate = BlurEstimate(noise(2, 2, 5, 5), "linear") if is_found else None
    found = found_blur(estimate, Kernel(line(5, 3), "linear") if is_known else None, picture_from_image)
    assert (found.light, found.cells) == (("linear", 4) if is_found else (None, None))
    assert (found.found_kernel is not None) == is_found
    assert (found.true_kernel is not None) == is_known
    assert (found.similarity is not None) == (is_found and is_known)


def test_kernels_are_not_held_in_memory(tmp_path: Path) -> None:
    """What is left of an estimate are a few numbers and pictures that are read again when they are shown."""
    kept: list[Image] = []

    def keep(image: Image) -> Picture:
        kept.append(image)
        return Picture(str(len(kept)), image.shape[1], image.shape[0], lambda: kept[0])

    found = found_blur(BlurEstimate(noise(1, 1, 33, 33), "gamma"), Kernel(line(3, 3), "gamma"), keep)
    assert len(kept) == 2
    assert not [value for value in vars(found).values() if isinstance(value, np.ndarray | BlurEstimate | Kernel)]

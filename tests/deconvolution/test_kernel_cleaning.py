import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from detbench.deconvolution.kernel_cleaning import (
    centred,
    centred_exactly,
    centroids,
    cropped_or_padded,
    kernel_between,
    least_squares,
    normalised,
    point,
    reach,
    resized,
    short_line,
    spread,
    tidied,
    trimmed,
)
from detbench.deconvolution.spectra import gradients, lay_out
from detbench.metrics.kernel_similarity import kernel_similarity
from detbench.types import BlurEstimate, Kernel

CPU = torch.device("cpu")


def kernel(side: int, *places: tuple[int, int], weight: float = 1.0) -> Tensor:
    """Equal weights at some places (row, column), (1, K, K)."""
    weights = torch.zeros(1, side, side)
    for row, column in places:
        weights[0, row, column] = weight
    return weights


def bent() -> Tensor:
    """A path with a bend, without any symmetry, soft as kernels of pictures are, (1, 15, 15)."""
    weights = np.zeros((15, 15), np.float32)
    weights[np.arange(3, 10), np.arange(2, 9)] = 1
    weights[9, 9:13] = 1
    return normalised(torch.from_numpy(gaussian_filter(weights, 0.7))[None])


def scene() -> Tensor:
    """Soft-edged patches of two sizes, (1, 1, 150, 170)."""
    rng = np.random.default_rng(3)
    patches = sum(gaussian_filter(rng.normal(size=(150, 170)), size) > 0 for size in (6, 2))
    return torch.from_numpy(np.asarray(patches, np.float32) / 3 + 0.2)[None, None]


def similarity(true: Tensor, found: Tensor) -> float:
    """Kernel similarity of two kernels (1, K, K)."""
    whole = [each.double().clamp(min=0).numpy() for each in (true, found)]
    first, second = (each / each.sum() for each in whole)
    return kernel_similarity(Kernel(first[0], "gamma"), BlurEstimate(second[None], "gamma"))


def centroid(weights: Tensor) -> tuple[float, float]:
    """Row and column of the centroid of one kernel, from the middle."""
    rows, columns = centroids(weights)
    return rows.item(), columns.item()


def blurred(sharp: Tensor, weights: Tensor) -> Tensor:
    """The picture's blur, without noise."""
    canvas = lay_out(sharp, weights)
    return canvas.cropped(canvas.blurred(canvas.light))


def test_true_gradients_give_the_true_kernel() -> None:
    """Least squares between a sharp and a blurred picture finds a bent kernel in its place: similarity above .99."""
    sharp, true = scene(), bent()
    found = kernel_between(sharp, blurred(sharp, true), 10, 1e-4)
    assert found.shape == (1, 21, 21)
    assert similarity(true, found) > 0.99
    assert centroid(found) == pytest.approx(centroid(true), abs=0.1)


def test_weights_say_which_gradients_count() -> None:
    """Where wrong gradients are not trusted, least squares finds what the others say."""
    sharp, true = scene(), bent()
    seen = gradients(blurred(sharp, true))
    wrong, trust = gradients(sharp), torch.ones_like(sharp)
    wrong[..., :60], trust[..., :60] = -wrong[..., :60], 0
    trusting = least_squares(wrong, seen, torch.ones_like(sharp), 0.01, 10)
    wary = least_squares(wrong, seen, trust, 0.01, 10)
    assert similarity(true, tidied(wary)) > 0.995 > 0.99 > similarity(true, tidied(trusting))


def test_more_damping_makes_a_kernel_smaller() -> None:
    """The sum of squares falls as the damping rises."""
    sharp = scene()
    pair = gradients(sharp), gradients(blurred(sharp, bent())), torch.ones_like(sharp)
    squares = [least_squares(*pair, damping, 10).square().sum().item() for damping in (0.001, 0.1, 10.0)]
    assert squares == sorted(squares, reverse=True)


def test_a_picture_without_gradients_has_a_point() -> None:
    """Least squares against a flat picture is 0, not a division by 0, and the tidy kernel of that is a point."""
    flat = torch.full((1, 1, 30, 40), 0.5)
    nothing = least_squares(gradients(flat), gradients(scene()[..., :30, :40]), torch.ones_like(flat), 0.02, 3)
    assert torch.equal(nothing, torch.zeros(1, 7, 7))
    assert torch.equal(kernel_between(flat, scene()[..., :30, :40], 3, 0.02), point(3, CPU))


def test_specks_and_negative_weights_are_dropped() -> None:
    """Weights below a twentieth of the largest go, and the rest sums to 1."""
    dirty = kernel(5, (2, 1), (2, 2))
    dirty[0, 2, 3], dirty[0, 3, 2], dirty[0, 1, 1] = 0.06, 0.04, -0.5
    assert tidied(dirty)[0, 2].tolist() == pytest.approx([0, 1 / 2.06, 1 / 2.06, 0.06 / 2.06, 0])
    assert tidied(dirty)[0, [0, 1, 3, 4]].count_nonzero() == 0


def test_faint_threads_stay_where_they_touch_a_part_that_stays() -> None:
    """With a lower limit for the faintest, a thread of .04 stays on the part that it leads from, and nowhere else."""
    threaded = kernel(9, (4, 4))
    threaded[0, 4, 5:8], threaded[0, 0, 0:3] = 0.04, 0.04
    assert tidied(threaded).count_nonzero() == 1
    kept = tidied(threaded, faintest=0.03)
    assert kept[0, 4, 4:8].tolist() == pytest.approx([1 / 1.12, *[0.04 / 1.12] * 3])
    assert kept.count_nonzero() == 4


def test_islands_are_dropped() -> None:
    """A part that touches the rest nowhere, not by a corner either, goes where it has under a tenth of the sum."""
    main = [(4, 2), (4, 3), (4, 4), (4, 5), (4, 6)]
    small, large = kernel(9, *main), kernel(9, *main)
    small[0, 0, 0], large[0, 0, 0] = 0.5, 0.6
    assert tidied(small)[0, 0, 0] == 0
    assert tidied(large)[0, 0, 0].item() == pytest.approx(0.6 / 5.6)
    corner = kernel(9, *main)
    corner[0, 3, 7] = 0.2
    assert tidied(corner)[0, 3, 7].item() == pytest.approx(0.2 / 5.2)


def test_kernels_are_tidied_one_by_one() -> None:
    """What is a speck is decided by each kernel's own largest weight."""
    bright, faint = kernel(3, (1, 1)), kernel(3, (1, 0), (1, 1), weight=0.01)
    both = tidied(torch.cat([bright, faint]))
    assert both[1, 1].tolist() == pytest.approx([0.5, 0.5, 0], abs=1e-5)


def test_points_and_short_lines() -> None:
    """A point is 1 in the middle; a short line has thirds along its step, down and to the right."""
    assert point(1, CPU).tolist() == [[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]
    line = short_line(1, -1, CPU)
    assert line.nonzero()[:, 1:].tolist() == [[1, 3], [2, 2], [3, 1]]
    assert line.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("radius", [5, 14, 28])
def test_a_resized_kernel_is_the_same_path(radius: int) -> None:
    """Its spread grows with its radius, its sum stays 1, and its centroid its share of the way."""
    other = resized(bent(), radius)
    assert other.shape == (1, 2 * radius + 1, 2 * radius + 1)
    assert other.min() >= 0
    assert other.sum().item() == pytest.approx(1, abs=1e-5)
    assert spread(other).item() == pytest.approx(spread(bent()).item() * radius / 7, rel=0.05)
    assert centroid(other) == pytest.approx([part * radius / 7 for part in centroid(bent())], abs=0.2)


def test_the_same_size_changes_nothing() -> None:
    """A kernel resized, cropped or padded to its own radius is itself."""
    torch.testing.assert_close(resized(bent(), 7), bent())
    torch.testing.assert_close(cropped_or_padded(bent(), 7), bent())


def test_cropping_drops_and_padding_adds() -> None:
    """Weights beyond the radius are dropped and the rest sums to 1; zeros are added; the middle stays the middle."""
    cross = normalised(kernel(5, (0, 2), (2, 2), (2, 3), (4, 0)))
    assert cropped_or_padded(cross, 1)[0].tolist() == [[0, 0, 0], [0, pytest.approx(0.5), pytest.approx(0.5)], [0] * 3]
    padded = cropped_or_padded(cross, 4)
    torch.testing.assert_close(padded[:, 2:-2, 2:-2], cross)
    assert padded.count_nonzero() == 4


def test_reach_is_to_the_farthest_weight() -> None:
    """Along an axis, of any of the kernels, however large their squares are; a point, or nothing, has none."""
    assert reach(kernel(9, (4, 4))) == reach(torch.zeros(1, 9, 9)) == 0
    assert reach(kernel(9, (4, 4), (3, 7))) == 3
    assert reach(torch.cat([kernel(9, (4, 5)), kernel(9, (0, 4))])) == 4


def test_trimming_leaves_a_border() -> None:
    """As many pixels as asked for stand around the weights, and a kernel has never less than 3 a side."""
    assert trimmed(kernel(31, (15, 15), (15, 19)), 3).shape == (1, 15, 15)
    assert trimmed(point(9, CPU), 0).shape == (1, 3, 3)


def test_spread_is_the_standard_deviation_of_places() -> None:
    """0 for a point wherever it lies, √(2/3) for three in a row, √((L² − 1) / 12) for L in a row."""
    off = kernel(11, (1, 8))
    rows = [normalised(kernel(31, *((15, column) for column in range(3, 3 + length)))) for length in (3, 24)]
    found = [spread(off).item(), spread(short_line(0, 1, CPU)).item(), *(spread(row).item() for row in rows)]
    expected = [0, math.sqrt(2 / 3), math.sqrt(2 / 3), math.sqrt((24**2 - 1) / 12)]
    assert found == pytest.approx(expected, abs=1e-3)


def test_centring_by_whole_pixels() -> None:
    """The centroid comes to lie within half a pixel of the middle, for each kernel by its own way; weights stay."""
    both = torch.cat([kernel(9, (1, 2)), normalised(kernel(9, (6, 5), (6, 6), (7, 6)))])
    moved = centred(both)
    assert torch.equal(moved[:1], point(4, CPU))
    assert max(part.abs().max().item() for part in centroids(moved)) <= 0.5
    assert sorted(moved[1].flatten().tolist()) == sorted(both[1].flatten().tolist())


@pytest.mark.parametrize(("down", "across"), [(0, 0), (2, -3), (-1, 4)])
def test_centring_exactly(down: int, across: int) -> None:
    """The centroid of a path that lies anywhere in its square becomes the middle, to a twentieth of a pixel."""
    away = torch.roll(cropped_or_padded(bent(), 14), (down, across), (1, 2))
    moved = centred_exactly(away)
    assert centroid(moved) == pytest.approx((0, 0), abs=0.05)
    assert moved.sum().item() == pytest.approx(1, abs=1e-4)
    assert similarity(bent(), moved) > 0.99


def test_centring_exactly_by_whole_pixels_is_a_shift() -> None:
    """A point comes back as the middle pixel alone, in a border as wide as the shift; a centred kernel as itself."""
    torch.testing.assert_close(centred_exactly(kernel(9, (1, 6))), point(7, CPU), atol=1e-5, rtol=0)
    torch.testing.assert_close(centred_exactly(short_line(1, 1, CPU)), short_line(1, 1, CPU), atol=1e-5, rtol=0)

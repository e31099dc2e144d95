import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate2d

from detbench.metrics.kernel_similarity import kernel_similarity
from detbench.types import BlurEstimate, Kernel


def kernel(side: int, *points: tuple[int, int]) -> NDArray[np.float64]:
    """A kernel of equal weights at some places (row, column)."""
    weights = np.zeros((side, side))
    for point in points:
        weights[point] = 1 / len(points)
    return weights


def noise(seed: int, side: int) -> NDArray[np.float64]:
    """A kernel of random weights."""
    weights = np.random.default_rng(seed).random((side, side)) ** 4
    return weights / weights.sum()


def similarity(true: NDArray[np.float64], *cells: NDArray[np.float64]) -> float:
    """Of a true kernel and an estimate with one row of cells."""
    return kernel_similarity(Kernel(true, "gamma"), BlurEstimate(np.stack(cells)[None], "linear"))


def test_a_kernel_is_like_itself_wherever_it_lies() -> None:
    """The same shape in another place, and in a square of another size, has similarity 1."""
    path = kernel(5, (0, 0), (1, 2), (4, 4))
    assert similarity(path, path) == pytest.approx(1, abs=1e-12)
    assert similarity(path, np.pad(path, ((7, 1), (3, 5)))) == pytest.approx(1, abs=1e-12)


def test_lines_that_cross_share_one_point() -> None:
    """Two crossed lines of three points meet in one at best: 1 / (√3·√3)."""
    across, down = kernel(3, (1, 0), (1, 1), (1, 2)), kernel(3, (0, 1), (1, 1), (2, 1))
    assert similarity(across, down) == pytest.approx(1 / 3)


def test_no_blur_is_like_a_kernel_by_its_largest_weight() -> None:
    """Against a single point only the true kernel's largest weight counts: w / ‖k‖."""
    true = noise(0, 7)
    assert similarity(true, kernel(1, (0, 0))) == pytest.approx(true.max() / np.linalg.norm(true))


def test_a_mirrored_kernel_is_another() -> None:
    """Turning a lopsided path by half a circle is no shift, so a kernel the wrong way round is found out."""
    path = kernel(7, (0, 0), (0, 1), (0, 2), (3, 3), (6, 3))
    assert similarity(path, path[::-1, ::-1]) < 0.7


def test_several_cells_count_by_their_mean() -> None:
    """A grid of cells has the similarity of the mean kernel."""
    true, cells = noise(1, 9), [noise(2, 11), noise(3, 11)]
    assert similarity(true, *cells) == pytest.approx(similarity(true, np.mean(cells, axis=0)))


@pytest.mark.parametrize(("true_side", "found_side"), [(1, 1), (1, 9), (9, 5), (15, 33)])
def test_similarity_is_the_peak_of_scipys_correlation(true_side: int, found_side: int) -> None:
    """It equals the largest value of scipy's full cross-correlation over both norms, to 1e-12, in either order."""
    true, found = noise(4, true_side), noise(5, found_side)
    expected = correlate2d(true, found).max() / (np.linalg.norm(true) * np.linalg.norm(found))
    assert similarity(true, found) == pytest.approx(expected, abs=1e-12)
    assert similarity(found, true) == pytest.approx(expected, abs=1e-12)
    assert 0 < similarity(true, found) <= 1

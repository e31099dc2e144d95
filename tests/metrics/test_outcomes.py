import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.metrics.outcomes import SKIPPED, TRUE, join, pack


@pytest.fixture
def plain() -> NDArray[np.uint8]:
    """Random outcomes of 23 boxes at 4 size classes and 10 IoUs."""
    return np.random.default_rng(0).integers(0, 3, (4, 10, 23)).astype(np.uint8)


def test_what_is_packed_comes_back(plain: NDArray[np.uint8]) -> None:
    """Whole, by size class, of some boxes, in another order, and joined to others."""
    packed, order = pack(plain), np.random.default_rng(1).permutation(23)[:9]
    np.testing.assert_array_equal(packed.whole(), plain)
    np.testing.assert_array_equal(packed.of_area(2, order), plain[2][:, order])
    np.testing.assert_array_equal(packed[order].whole(), plain[:, :, order])
    np.testing.assert_array_equal(packed[plain[0, 0] == TRUE].whole(), plain[:, :, plain[0, 0] == TRUE])
    np.testing.assert_array_equal(join(packed, packed[order]).whole(), np.concatenate([plain, plain[:, :, order]], 2))


def test_boxes_that_are_never_true_are_known() -> None:
    """One IoU of one size class is enough to be true."""
    outcomes = np.zeros((2, 10, 3), np.uint8)
    outcomes[1, 9, 1] = TRUE
    outcomes[0, 3, 2] = 2
    assert pack(outcomes).ever_true().tolist() == [False, True, False]


def test_skipped_throughout_and_unlike_the_one_before() -> None:
    """Skipped at nine of ten IoUs is not throughout; one IoU of one size class makes two neighbours unlike."""
    outcomes = np.full((2, 10, 4), SKIPPED, np.uint8)
    outcomes[1, 9, 2] = TRUE
    assert pack(outcomes).always_skipped().tolist() == [True, True, False, True]
    assert pack(outcomes).unlike_before().tolist() == [False, False, True, True]

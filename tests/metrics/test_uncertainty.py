import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.metrics.uncertainty import (
    FOLDS,
    degrees_of_freedom,
    draw_pictures,
    draw_swaps,
    drawn_bound,
    interval,
    leave_out,
    p_value,
    reach,
    standard_error,
)

Numbers = NDArray[np.float64]


def means(values: Numbers) -> Numbers:
    """The mean of pictures' values over all of them, and with each fold left out."""
    weights = leave_out(len(values))
    return np.asarray(weights @ values / weights.sum(axis=1))


def test_each_picture_is_left_out_once() -> None:
    """First all pictures count, then all but one at a time."""
    weights = leave_out(4)
    assert weights.tolist() == [[1, 1, 1, 1], [0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]
    assert leave_out(0).shape == (1, 0)


@pytest.mark.parametrize("pictures", [199, 200, 201, 399, 1000])
def test_many_pictures_are_left_out_in_groups_of_neighbours(pictures: int) -> None:
    """There are at most FOLDS folds; each picture is in one, and each fold is a row of neighbours as long as any."""
    left_out = leave_out(pictures)[1:] == 0
    assert len(left_out) == min(pictures, FOLDS)
    assert (left_out.sum(axis=0) == 1).all()
    assert np.ptp(left_out.sum(axis=1)) <= 1
    assert (np.diff(left_out.argmax(axis=0)) >= 0).all()


def test_the_standard_error_of_a_mean_is_the_textbooks() -> None:
    """Of a mean the jackknife gives s / √N exactly; in groups the same on average, within 5 %."""
    values = np.random.default_rng(1).normal(3, 2, 60)
    assert standard_error(means(values)) == pytest.approx(values.std(ddof=1) / 60**0.5)
    many = np.random.default_rng(2).normal(3, 2, (100, 3000))
    ratios = [(standard_error(means(row)) or 0) / (row.std(ddof=1) / 3000**0.5) for row in many]
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)
    assert np.std(ratios) == pytest.approx(0.05, abs=0.01)


def test_the_interval_of_a_mean_is_students() -> None:
    """Of ten pictures t is 2.262 at 95 % and 1.833 at 90 %, both ways from the number itself."""
    values = np.arange(10.0)
    error = values.std(ddof=1) / 10**0.5
    assert interval(means(values), 10) == pytest.approx((4.5 - 2.2622 * error, 4.5 + 2.2622 * error), abs=1e-4)
    assert interval(means(values), 10, 0.9) == pytest.approx((4.5 - 1.8331 * error, 4.5 + 1.8331 * error), abs=1e-4)
    assert reach(means(values), 10, 0.95) == pytest.approx(1.8331 * error, abs=1e-4)


def test_folds_bound_the_degrees_of_freedom() -> None:
    """With more pictures than folds the error is known from the folds alone."""
    assert [degrees_of_freedom(pictures) for pictures in (1, 10, 200, 5000)] == [0, 9, 199, 199]


def test_a_number_that_is_undefined_without_a_picture_has_no_interval() -> None:
    """Where one picture alone has a class, nothing is known of how its number varies."""
    values = np.array([0.5, 0.4, np.nan, 0.6])
    assert standard_error(values) is None
    assert interval(values, 3) is None
    assert reach(values, 3, 0.9) is None


def test_one_picture_or_none_gives_no_interval() -> None:
    """Without a second picture there is no spread, and without folds none is computed."""
    assert interval(np.array([0.5, 0.5]), 1) is None
    assert interval(np.array([0.5]), 20) is None


def test_each_draw_takes_as_many_pictures_as_there_are() -> None:
    """First each picture counts once; then some are drawn twice and some never, the same every time, none preferred."""
    draws = draw_pictures(50)
    assert draws[0].tolist() == [1] * 50
    assert (draws.sum(axis=1) == 50).all()
    assert ((draws[1:] == 0).any(), (draws[1:] > 1).any()) == (True, True)
    assert abs(draws.mean(axis=0) - 1).max() < 0.2
    assert np.array_equal(draws, draw_pictures(50))


@pytest.mark.parametrize(("undefined", "bound"), [(0, 950.0), (100, 955.0), (101, None)])
def test_a_bound_leaves_the_tail_of_the_draws_out(undefined: int, bound: float | None) -> None:
    """Of draws 0..1000 one in twenty lies above 950; up to a tenth may be undefined, and nothing is said beyond."""
    values = np.arange(-1.0, 1001.0)
    values[1 : 1 + undefined] = np.nan
    assert drawn_bound(values, 0.95) == (None if bound is None else pytest.approx(bound, abs=0.1))


def test_swaps_are_a_fair_coin() -> None:
    """Each picture keeps its arm in about half of the exchanges, and the same ones every time."""
    swaps = draw_swaps(40, 500)
    assert set(np.unique(swaps)) == {0, 1}
    assert abs(swaps.mean() - 0.5) < 0.02
    assert np.array_equal(draw_swaps(20, 5), draw_swaps(20, 5))
    assert not np.array_equal(draw_swaps(20, 5), draw_swaps(20, 5, seed=1))


def test_p_is_the_share_of_exchanges_that_do_as_much() -> None:
    """Both directions count, a tie counts, and so does the observed difference itself: p is never 0."""
    swapped = np.array([-0.3, -0.1, 0.0, 0.1, 0.2, 0.3, 0.05, 0.05, 0.0])
    assert p_value(0.3, swapped) == pytest.approx(3 / 10)
    assert p_value(-0.2, swapped) == pytest.approx(4 / 10)
    assert p_value(0.9, swapped) == pytest.approx(1 / 10)
    assert p_value(0.0, swapped) == 1


def test_p_is_undefined_where_an_exchange_is() -> None:
    """An exchange without a difference leaves the test without an answer."""
    assert p_value(0.3, np.array([0.1, np.nan])) is None

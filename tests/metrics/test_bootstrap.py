import numpy as np
import pytest

from detbench.metrics.bootstrap import draw_pictures, draw_swaps, interval, p_value


def test_each_draw_takes_as_many_pictures_as_there_are() -> None:
    """Pictures are drawn with replacement: every row sums to their number, and some are drawn twice, some never."""
    draws = draw_pictures(50, 200)
    assert draws.shape == (200, 50)
    assert (draws.sum(axis=1) == 50).all()
    assert (draws == 0).any()
    assert (draws > 1).any()
    assert abs(draws.mean(axis=0) - 1).max() < 0.3  # no picture is preferred


def test_draws_are_seeded() -> None:
    """The same draws come every time; another seed gives others."""
    assert np.array_equal(draw_pictures(20, 5), draw_pictures(20, 5))
    assert not np.array_equal(draw_pictures(20, 5), draw_pictures(20, 5, seed=1))
    assert np.array_equal(draw_swaps(20, 5), draw_swaps(20, 5))
    assert draw_pictures(20, 0).shape == (0, 20)


def test_swaps_are_a_fair_coin() -> None:
    """Each picture keeps its arm in about half of the exchanges."""
    swaps = draw_swaps(40, 500)
    assert set(np.unique(swaps)) == {0, 1}
    assert abs(swaps.mean() - 0.5) < 0.02


def test_the_interval_leaves_the_tails_out() -> None:
    """Of 0..1000 the 95 % interval is 25..975, the 90 % interval 50..950."""
    values = np.arange(1001.0)
    assert interval(values) == pytest.approx((25, 975))
    assert interval(values, 0.9) == pytest.approx((50, 950))


@pytest.mark.parametrize(("undefined", "is_given"), [(0, True), (10, True), (11, False), (100, False)])
def test_a_number_that_is_often_undefined_has_no_interval(undefined: int, is_given: bool) -> None:
    """Up to a tenth of the draws may leave the number undefined."""
    values = np.linspace(0, 1, 100)
    values[:undefined] = np.nan
    assert (interval(values) is not None) is is_given


def test_no_draws_give_no_interval() -> None:
    """Without draws there is nothing to bound a number with."""
    assert interval(np.empty(0)) is None


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

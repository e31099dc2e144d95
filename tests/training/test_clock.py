import pytest

from detbench.errors import UsageError
from detbench.training.clock import MOST_EPOCHS, Pace, Timetable, fitting_steps, median_step_seconds, timetable_of

PACE = Pace(((0.0, 1.0), (0.5, 3.0)), epoch_end_s=2.0)


def test_a_step_takes_what_its_part_takes() -> None:
    """Half the steps at 1 s and half at 3 s are 2 s in the mean; from .25 on, a third and two thirds."""
    assert PACE.step_seconds() == 2
    assert PACE.step_seconds(0.25) == pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)
    assert PACE.step_seconds(0.0, 0.5) == 1
    assert PACE.step_seconds(0.75, 1.0) == 3
    assert PACE.step_seconds(1.0) == 0


def test_as_many_steps_as_there_is_time_for() -> None:
    """Of 1,000 s one hundredth is spared and four looks of 2 s are taken: 982 s are 491 steps of 2 s in the mean."""
    timetable = timetable_of(PACE, 4, 1000, spent_s=7)
    assert (timetable.layout.steps, timetable.layout.epochs) == (491, 4)
    assert (timetable.totals, timetable.spent_s) == (((0, 491),), 7)


def test_a_start_takes_time_too() -> None:
    """Until the first batch is there, 20 s: ten steps of 2 s fewer; a cut starts once more."""
    slow = Pace(PACE.parts, PACE.epoch_end_s, start_s=20.0)
    assert timetable_of(slow, 4, 1000, 0).layout.steps == 481
    table = Timetable(((0, 100),), 4, Pace(((0.0, 1.0),), 0.0, 10.0), 0)
    assert fitting_steps(table, 25, 50, taken_s=25, left_s=25, whole_s=100) == 50 + int(50 * 15 / 50)


def test_a_critic_that_joins_costs_a_look() -> None:
    """Two seconds more are one step less; the look is counted until it has been taken."""
    joining = Pace(PACE.parts, PACE.epoch_end_s, joins=0.8)
    table = timetable_of(joining, 4, 1000, 0)
    assert table.layout.steps == 490
    assert [table.validations(step) for step in (0, 391, 392, 490)] == [5, 2, 1, 0]


def test_looks_take_at_most_a_tenth() -> None:
    """Slow ones become fewer, one at least; quick ones are at most MOST_EPOCHS."""
    assert timetable_of(Pace(((0.0, 1.0),), 30.0), 10, 1000, 0).epochs == 3
    assert timetable_of(Pace(((0.0, 1.0),), 300.0), 10, 1000, 0).epochs == 1
    assert timetable_of(Pace(((0.0, 1.0),), 0.0), 300, 1000, 0).epochs == MOST_EPOCHS


def test_no_time_for_a_step() -> None:
    """It is said what is left, and what a step takes."""
    with pytest.raises(UsageError, match=r"3 s are left, but a step takes 2\.0 s .* give more --minutes"):
        timetable_of(PACE, 4, 3, 0)


EVEN = Timetable(((0, 100),), 4, Pace(((0.0, 1.0),), 0.0), 0)


@pytest.mark.parametrize(
    ("step", "taken_s", "left_s", "steps"),
    [
        (50, 25, 50, 100),  # as planned
        (50, 10, 50, 100),  # quicker: it ends early
        (50, 25, 48.5, 100),  # late by less than two hundredths of the whole
        (50, 50, 50, 75),  # twice as slow: half of the steps that are left
        (50, 25, 25, 75),  # the time was lost elsewhere
        (50, 25, -3, 51),  # no time left: one step ends it
        (100, 99, -9, 100),  # it is the end
    ],
)
def test_the_rest_is_cut_where_it_would_be_late(step: int, taken_s: float, left_s: float, steps: int) -> None:
    """Seen from an epoch's end after 25 steps that took `taken_s`."""
    assert fitting_steps(EVEN, step - 25, step, taken_s, left_s, whole_s=100) == steps


def test_nothing_is_known_of_an_epoch_of_one_step() -> None:
    """Its only step waited for the first batch: the steps are taken to be as quick as planned."""
    assert fitting_steps(EVEN, 50, 50, taken_s=0, left_s=50, whole_s=100) == 100


def test_what_was_slow_is_measured_by_its_own_part() -> None:
    """An epoch of 3 s a step is no slower than planned where its steps are planned with 3 s."""
    table = Timetable(((0, 100),), 4, PACE, 0)
    assert fitting_steps(table, 50, 75, taken_s=75, left_s=79, whole_s=210) == 100
    assert fitting_steps(table, 50, 75, taken_s=150, left_s=79, whole_s=210) == 75 + int(25 * 79 / 154)


def test_the_first_step_does_not_count() -> None:
    """It prepares; of the others the median does."""
    assert median_step_seconds([0, 50, 51, 53, 54]) == 1

import pytest

from detbench.training.schedule import Schedule, average_share

PAPERS = Schedule(flat_steps=150, decay_steps=150, warm_up_steps=0, critic_steps=5)


def test_the_rate_is_flat_then_falls_to_0() -> None:
    """Half the paper's schedule at the full rate, then even steps down, the next of which would be 0."""
    factors = [PAPERS.rate_factor(step) for step in range(PAPERS.steps)]
    assert factors[:150] == [1.0] * 150
    assert factors[150] == pytest.approx(150 / 151)
    assert factors[-1] == pytest.approx(1 / 151)
    assert PAPERS.rate_factor(300) == 0


def test_epochs_divide_the_steps_evenly() -> None:
    """Three epochs of ten steps end after 4, 7 and 10; each step is in one of them."""
    schedule = Schedule(10, 0, 0, 0, epochs=3)
    assert [step for step in range(1, 11) if schedule.ends_epoch(step)] == [4, 7, 10]
    assert [schedule.epochs_done(step) for step in (0, 3, 4, 9, 10)] == [0, 0, 1, 2, 3]


def test_the_rate_may_rise_first() -> None:
    """Over a ramp of four steps in even parts, the last of which is the whole; later it is as without a ramp."""
    ramped, plain = Schedule(8, 4, 0, 0, ramp_steps=4), Schedule(8, 4, 0, 0)
    assert [ramped.rate_factor(step) for step in range(4)] == [0.25, 0.5, 0.75, 1]
    assert [ramped.rate_factor(step) for step in range(4, 12)] == [plain.rate_factor(step) for step in range(4, 12)]


def test_the_rate_may_fall_along_a_cosine() -> None:
    """It leaves the full rate and reaches 0 slowly, and halves in the middle of the decay; the ramp is as before."""
    schedule = Schedule(0, 99, 0, 0, ramp_steps=4, decay="cosine")
    assert schedule.rate_factor(0) == 0.25
    assert schedule.rate_factor(49) == pytest.approx(0.5)
    assert 0.99 < schedule.rate_factor(5) < 1
    assert 0 < schedule.rate_factor(98) < 0.001
    assert schedule.rate_factor(99) == 0


def test_without_decay_the_rate_stays() -> None:
    """A schedule that ends flat never lowers it."""
    assert {Schedule(3, 0, 0, 5).rate_factor(step) for step in range(3)} == {1.0}


def test_batches_are_counted() -> None:
    """A step takes one batch during the warm-up, and one more for each critic step after it."""
    schedule = Schedule(10, 0, warm_up_steps=2, critic_steps=5)
    assert [schedule.first_batch(step) for step in range(5)] == [0, 1, 2, 8, 14]
    assert [schedule.has_critic(step) for step in range(4)] == [False, False, True, True]


def test_no_critic_steps_is_no_critic() -> None:
    """Content loss alone, to the end."""
    assert not Schedule(10, 0, 0, critic_steps=0).has_critic(9)


def test_the_average_begins_fast() -> None:
    """The first random weights are left behind at once; later the share is 1 - decay; without decay it is 1."""
    assert average_share(0.999, 0) == pytest.approx(0.9)
    assert average_share(0.999, 100_000) == pytest.approx(0.001)
    assert average_share(0.0, 5) == 1

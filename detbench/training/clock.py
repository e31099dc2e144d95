"""Training by the clock: as many steps as fit into a number of minutes, so that the rate has fallen when they are over.

Before the first step a few steps of each part of the training are timed and undone. What they took says how many steps
there is time for, and all that follows is a function of that number alone: the training resumes exactly, and repeats
without a clock. Where the machine becomes slower than it was then, the steps that are left are cut at an epoch's end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from detbench.errors import UsageError

Clock = Callable[[], float]
"""Seconds since some moment."""

MOST_EPOCHS = 20
"""In a training by the clock; an epoch's end is a pause."""

PAUSES_SHARE = 0.1
"""Of the time, for all epochs' ends together; where they are slow, there are fewer of them."""

SPARED_SHARE = 0.01
"""Of the time, for what is not counted: imports, files."""

LATE_SHARE = 0.02
"""Of the time: how late a training may get before its steps are cut."""

TIMED_STEPS, TIMED_SHARE = 30, 0.03
"""Steps of each part that are timed, and the share of the time that all of them may take."""


@dataclass(frozen=True)
class Layout:
    """How long a training is: generator steps in all, and the epochs, each of which ends with a validation."""

    steps: int
    epochs: int


@dataclass(frozen=True)
class Pace:
    """What takes how long.

    `parts` has, in order, the share of all steps where a part of the training begins, 0 the first, and the seconds
    that one of its steps takes. `epoch_end_s` is how long the end of an epoch takes, `start_s` how much longer the
    first step takes after batches are laid out anew. At the share `joins` the critic does, after one more validation.
    """

    parts: Sequence[tuple[float, float]]
    epoch_end_s: float
    start_s: float = 0.0
    joins: float | None = None

    def step_seconds(self, begin: float = 0.0, end: float = 1.0) -> float:
        """Of a step between two shares of the training, in the mean."""
        bounds = [*self.parts, (1.0, 0.0)]
        seconds = sum(
            max(0.0, min(end, last) - max(begin, first)) * each for (first, each), (last, _) in pairwise(bounds)
        )
        return seconds / (end - begin) if end > begin else 0.0


@dataclass(frozen=True)
class Timetable:
    """What a training by the clock goes by, and keeps in its checkpoint.

    `totals` has each number of steps in all that it was laid out for, with the step at which it was; the last one
    counts. `spent_s` is the time that it has taken so far.
    """

    totals: Sequence[tuple[int, int]]
    epochs: int
    pace: Pace
    spent_s: float

    @property
    def layout(self) -> Layout:
        """The layout that counts now."""
        return Layout(self.totals[-1][1], self.epochs)

    def validations(self, step: int) -> int:
        """How many validations on held-out pictures come after a step."""
        steps, joins = self.layout.steps, self.pace.joins
        is_joining = joins is not None and step < joins * steps
        return self.epochs - step * self.epochs // steps + is_joining


def timetable_of(pace: Pace, epochs: int, seconds: float, spent_s: float) -> Timetable:
    """For a training of at most so many epochs, with so many seconds left.

    Raises UsageError where there is no time for a step.
    """
    fitting = int(PAUSES_SHARE * seconds / pace.epoch_end_s) if pace.epoch_end_s > 0 else epochs
    epochs = max(1, min(epochs, MOST_EPOCHS, fitting))
    validations = epochs + (pace.joins is not None)
    steps = int(((1 - SPARED_SHARE) * seconds - pace.start_s - validations * pace.epoch_end_s) / pace.step_seconds())
    if steps < 1:
        raise UsageError(
            f"no time to train: {max(0.0, seconds):.0f} s are left, but a step takes {pace.step_seconds():.1f} s and a "
            f"look at the held-out pictures {pace.epoch_end_s:.1f} s; give more --minutes"
        )
    return Timetable(((0, steps),), epochs, pace, spent_s)


def fitting_steps(timetable: Timetable, first: int, step: int, taken_s: float, left_s: float, whole_s: float) -> int:
    """How many steps in all there is time for, seen from an epoch's end: the timetable's, or fewer where it is late.

    The steps from `first` to `step` took `taken_s`. If they were slow, so will be the rest. `left_s` is the time that
    is left of `whole_s`.
    """
    total, pace = timetable.layout.steps, timetable.pace
    expected_s = (step - first) * pace.step_seconds(first / total, step / total)
    slowness = taken_s / expected_s if expected_s else 1.0
    needed_s = (total - step) * pace.step_seconds(step / total) * max(1.0, slowness)
    needed_s += (1 + timetable.validations(step)) * pace.epoch_end_s
    if step == total or needed_s <= left_s + LATE_SHARE * whole_s:
        return total
    return step + max(1, int((total - step) * max(0.0, left_s - pace.start_s) / needed_s))


def median_step_seconds(times: Sequence[float]) -> float:
    """Of the moments between steps; the first step prepares, and does not count."""
    return median(later - earlier for earlier, later in pairwise(times[1:]))

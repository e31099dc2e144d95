"""How long the steps of a training take here, found by taking some and undoing them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from detbench.training.clock import TIMED_STEPS, Clock, median_step_seconds
from detbench.training.loop import OpenBatches, Trainer
from detbench.training.state import State

LEAST_TIMED = 3


def rehearse(
    trainer: Trainer,
    state: State,
    open_batches: OpenBatches,
    parts: Sequence[float],
    part_s: float,
    clock: Clock,
    stops: Callable[[], bool],
) -> tuple[list[tuple[float, float]], float] | None:
    """Each of `parts`, a share of the steps, with the seconds that a step takes from there on; and those of a start.

    Of each part at least LEAST_TIMED steps are taken, at most TIMED_STEPS, and no more `part_s` seconds after the
    first. The rate is 0, and the state is afterwards as it was. None where a stop was requested.
    """
    still = replace(trainer, plan=replace(trainer.plan, learning_rate=0.0))
    before = {key: tensor.clone() for key, tensor in state.tensors().items()}
    stopped, paces, start_s = False, [], 0.0

    def after_step(_terms: object) -> bool:
        nonlocal stopped
        times.append(clock())
        stopped = stops()
        is_enough = len(times) > TIMED_STEPS or (len(times) > LEAST_TIMED and times[-1] - times[1] > part_s)
        return not (stopped or trainer.draws.world.any(is_enough, trainer.draws.device))

    for share in parts:
        state.step, times = round(share * trainer.schedule.steps), [clock()]
        still.train(state, open_batches, after_step)
        if stopped:
            break
        paces.append((share, median_step_seconds(times)))
        start_s = max(0.0, times[1] - times[0] - paces[-1][1])
    state.restore(before, step=0)
    return None if stopped else (paces, start_s)

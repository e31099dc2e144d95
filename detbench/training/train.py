"""Training a deblurring network from folders of pictures to weights with their card.

OUT holds what `reporting.py` writes, and OUT/training/ the settings and the checkpoint too.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from detbench.core.images import write_atomically
from detbench.core.memory import keep_freed_memory
from detbench.nets.weights import FILE_NAME
from detbench.training import training_checkpoints as checkpoints
from detbench.training.architectures import check_sources, make_plan
from detbench.training.clock import (
    TIMED_SHARE,
    TIMED_STEPS,
    Clock,
    Layout,
    Pace,
    Timetable,
    fitting_steps,
    median_step_seconds,
    timetable_of,
)
from detbench.training.data.augment import augment
from detbench.training.data.batches import batches
from detbench.training.data.blur_batch import Batch
from detbench.training.data.crops import TrainingCrops
from detbench.training.data.draws import Draws
from detbench.training.data.processes import World, stop_requests, world_of_torchrun
from detbench.training.data.sources import Source, find_sources, split
from detbench.training.job import TrainingJob, settings_of
from detbench.training.loop import OpenBatches, Trainer
from detbench.training.reporting import Reporter
from detbench.training.state import State, new_state
from detbench.training.training_checkpoints import check_new_or_resumable
from detbench.training.training_plan import TrainingPlan
from detbench.training.training_record import Say

SAVE_SECONDS = 300
"""How much work a machine that dies may take along."""

REHEARSED_STEPS = 100_000
"""The length of the training that a rehearsal takes steps of: long enough for every part to have some."""

LEAST_TIMED = 3
"""Steps of each part that a rehearsal takes at least."""


def train_deblurrer(job: TrainingJob, say: Say, clock: Clock = time.monotonic) -> Path | None:
    """Train to the recipe's end, or until the job's minutes are over by the `clock`.

    Returns the weights' path, of torchrun's processes in the main one. Interrupted, it saves after the step in
    hand and raises KeyboardInterrupt; with `resume` it goes on, on the same weights as if nothing had been. Raises
    UsageError where `out` holds another training or none to resume, and where recipe or pairs are not for the network
    or the minutes are too few, DataError where the pictures are wrong, WeightsError where those to start from are,
    TrainingError where a loss is no longer finite.
    """
    begun_at = clock()
    keep_freed_memory()
    sources = find_sources(job.folders, job.mix, job.fraction)
    check_sources(job.architecture, sources)
    # All batches of a stage have one size: it pays to try which convolution is fastest.
    tried = torch.backends.cudnn.flags(enabled=True, benchmark=True)
    with world_of_torchrun(job.device) as (world, device), stop_requests() as stop_requested, tried:
        _check_out(job, sources, world)
        start = None if job.resume else job.start
        plan = make_plan(job.architecture, job.recipe, job.vgg, device, start, job.detectors, job.backbone)
        state = new_state(plan, device)
        if job.resume:
            checkpoints.load_checkpoint(state, job.out / "training")
        watch = _Watch(clock, begun_at - (state.timetable.spent_s if state.timetable else 0.0), stop_requested)
        trained, held_out = zip(*map(split, sources), strict=True)
        reporter = Reporter(job, sources, held_out, plan, state, device, say) if world.is_main_process else None
        _Training(job, trained, plan, state, Draws(job.recipe.seed, world, device), reporter, watch).run()
        return job.out / FILE_NAME if world.is_main_process else None


@dataclass(frozen=True)
class _Watch:
    """The time since a training began, and whether a signal wants it to stop."""

    clock: Clock
    begun_at: float
    stop_requested: Callable[[], bool]

    def spent_s(self) -> float:
        """Seconds since then; those between an interruption and its resume are left out."""
        return self.clock() - self.begun_at


class _Training:
    """One running training: laid out for a number of steps, and again where a clock says so."""

    def __init__(
        self,
        job: TrainingJob,
        sources: Sequence[Source],
        plan: TrainingPlan,
        state: State,
        draws: Draws,
        reporter: Reporter | None,
        watch: _Watch,
    ) -> None:
        self._job, self._sources, self._plan, self._state, self._draws = job, sources, plan, state, draws
        self._reporter, self._watch = reporter, watch
        self._saved_at, self._stopped = watch.clock(), False
        self._epoch_began: tuple[int, float] | None = None  # step and time, once the first step has waited for a batch
        self._lay_out(job.recipe.layout(sum(len(source.pictures) for source in sources)))

    def run(self) -> None:
        """Go on to the end of the schedule; raises KeyboardInterrupt where a stop was requested."""
        self._begin()
        while self._state.step < self._trainer.schedule.steps and not self._stopped:
            self._trainer.train(self._state, self._open_batches, self._after_step)
        if self._reporter:
            if self._stopped:
                self._save()
                self._reporter.write()
            self._reporter.close()
        if self._stopped:
            raise KeyboardInterrupt

    def _begin(self) -> None:
        """Report the beginning, and, by the clock, find how many steps there is time for."""
        if self._reporter and self._state.step == 0:
            self._reporter.begin(None if self._job.minutes else self._trainer.schedule.epochs)
        if self._job.minutes is not None:
            self._state.timetable = self._state.timetable or self._found_timetable(60 * self._job.minutes)
        if self._state.timetable:
            self._lay_out(self._state.timetable.layout)

    def _lay_out(self, layout: Layout) -> None:
        """Lay the schedule and the crops out for a number of steps."""
        recipe = self._job.recipe
        self._trainer = Trainer(self._plan, recipe.schedule(layout), self._draws, self._job.precision)
        crops, vary = recipe.crops(recipe.crop_px, layout), augment if recipe.augmented else None
        self._crops = TrainingCrops(self._sources, crops, recipe.seed, vary, recipe.crop_sizes(layout))

    def _open_batches(self, first: int) -> Iterator[Batch]:
        return batches(self._crops, first, self._draws.world, self._job.workers, self._draws.device.type)

    def _found_timetable(self, whole_s: float) -> Timetable | None:
        """Rehearse; what process 0 finds counts for all. None where a stop was requested meanwhile."""
        watch, parts, epochs = self._watch, self._job.recipe.parts(), self._trainer.schedule.epochs
        self._lay_out(Layout(REHEARSED_STEPS, epochs))
        validation_s = self._reporter.validation_s(watch.clock) if self._reporter else 0.0
        part_s = TIMED_SHARE * whole_s / len(parts)
        timed = rehearse(self._trainer, self._state, self._open_batches, parts, part_s, watch.clock, self._stops)
        self._stopped = timed is None
        if timed is None:
            return None
        found = timetable_of(
            Pace(timed[0], validation_s, timed[1], self._job.recipe.joins),
            epochs,
            whole_s - watch.spent_s(),
            watch.spent_s(),
        )
        steps, epochs = self._of_first(found.layout.steps), self._of_first(found.epochs)
        return replace(found, totals=((0, steps),), epochs=epochs)

    def _after_step(self, terms: Mapping[str, float]) -> bool:
        """Report, cut and save, each when its time has come; returns whether to go on."""
        paused_at, step, before = time.perf_counter(), self._state.step, self._trainer.schedule
        ends_epoch = before.ends_epoch(step)
        is_cut = ends_epoch and self._state.timetable is not None and self._cut(self._state.timetable)
        if self._reporter:
            joins = self._trainer.schedule.has_critic(step) and not before.has_critic(step - 1)
            self._reporter.report_step(terms, before, critic_joins=joins)
            if ends_epoch or self._watch.clock() - self._saved_at > SAVE_SECONDS:
                self._save()
            self._reporter.skip(time.perf_counter() - paused_at)
        if is_cut:
            self._epoch_began = None
        elif ends_epoch or self._epoch_began is None:
            self._epoch_began = (step, self._watch.clock())
        self._stopped = self._stops()
        return not (is_cut or self._stopped)

    def _cut(self, timetable: Timetable) -> bool:
        """At an epoch's end, lay the rest out for fewer steps where it would be late; returns whether it was."""
        watch, step = self._watch, self._state.step
        first, began_at = self._epoch_began or (step, watch.clock())
        taken_s, whole_s = watch.clock() - began_at, 60 * (self._job.minutes or 0)
        fitting = fitting_steps(timetable, first, step, taken_s, whole_s - watch.spent_s(), whole_s)
        steps = self._of_first(fitting)
        if steps == timetable.layout.steps:
            return False
        self._state.timetable = replace(timetable, totals=(*timetable.totals, (step, steps)))
        self._lay_out(self._state.timetable.layout)
        return True

    def _of_first(self, value: int) -> int:
        return round(self._draws.world.of_first(value, self._draws.device))

    def _stops(self) -> bool:
        """Whether a signal wants any process to stop."""
        return self._draws.world.any(self._watch.stop_requested(), self._draws.device)

    def _save(self) -> None:
        state = self._state
        if state.timetable:
            state.timetable = replace(state.timetable, spent_s=self._watch.spent_s())
        checkpoints.save_checkpoint(state, self._job.out / "training")
        self._saved_at = self._watch.clock()


def rehearse(
    trainer: Trainer,
    state: State,
    open_batches: OpenBatches,
    parts: Sequence[float],
    part_s: float,
    clock: Clock,
    stops: Callable[[], bool],
) -> tuple[list[tuple[float, float]], float] | None:
    """Take some steps and undo them, to find how long they take.

    Returns each of `parts`, a share of the steps, with the seconds that a step takes from there on; and those of a
    start.

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


def _check_out(job: TrainingJob, sources: Sequence[Source], world: World) -> None:
    """Hold `out` to one training, and put down what it is begun with."""
    begun, written = job.out / "training" / checkpoints.NAME, job.out / "training" / "settings.json"
    settings = json.loads(json.dumps(settings_of(job, sources)))
    check_new_or_resumable(job.out, begun, written, settings, job.resume)
    if world.is_main_process and not job.resume:
        write_atomically(written, json.dumps(settings, indent=1) + "\n")

"""Training a deblurring network from folders of pictures to weights with their card.

OUT/weights.safetensors, card.toml     the moving average after the last finished epoch
OUT/training.html                      curves and pictures
OUT/training/                          settings, history, checkpoint, pictures, TensorBoard's files
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from detbench.allocation import keep_freed_memory
from detbench.images import write_atomically
from detbench.nets.weights import FILE_NAME, save_weights
from detbench.results.cards import write_card
from detbench.training import checkpoints
from detbench.training.augment import augment
from detbench.training.batches import batches
from detbench.training.begun import check_begun
from detbench.training.crops import HeldOutCrops, TrainingCrops
from detbench.training.draws import Draws
from detbench.training.held_out import HeldOut
from detbench.training.history import Epoch, History
from detbench.training.job import Job, settings_of
from detbench.training.loop import Trainer
from detbench.training.page import render_page
from detbench.training.parallel import World, world_of_torchrun
from detbench.training.plan import Plan
from detbench.training.record import Record, Say, StepLog, write_pictures
from detbench.training.restorer_card import card_of
from detbench.training.restorers import check_sources, make_plan
from detbench.training.sources import Source, find_sources, split
from detbench.training.state import State, new_state
from detbench.training.stopping import stop_requests
from detbench.training.tensorboard import Scalars

SAVE_SECONDS = 300
"""How much work a machine that dies may take along."""


def train_restorer(job: Job, say: Say) -> Path | None:
    """Train to the recipe's end; returns the weights' path, of torchrun's processes in the one that speaks.

    Interrupted, it saves after the step in hand and raises KeyboardInterrupt; with `resume` it goes on, on the same
    weights as if nothing had been. Raises UsageError where `out` holds another training or none to resume, and where
    recipe or pairs are not for the network, DataError where the pictures are wrong, WeightsError where those to start
    from are, TrainingError where a loss is no longer finite.
    """
    keep_freed_memory()
    sources = find_sources(job.folders, job.mix, job.fraction)
    check_sources(job.architecture, sources)
    # All batches have one size: it pays to try which convolution is fastest.
    tried = torch.backends.cudnn.flags(enabled=True, benchmark=True)
    with world_of_torchrun(job.device) as (world, device), stop_requests() as stop_requested, tried:
        _check_out(job, sources, world)
        start = None if job.resume else job.start
        plan = make_plan(job.architecture, job.recipe, job.vgg, device, start, job.detectors, job.backbone)
        state = new_state(plan, device)
        if job.resume:
            checkpoints.load_checkpoint(state, job.out / "training")
        training = _Training(job, sources, world, device, plan, state, say)
        training.run(stop_requested)
        return job.out / FILE_NAME if world.speaks else None


class _Training:
    """The parts of one running training, put together."""

    def __init__(
        self,
        job: Job,
        sources: Sequence[Source],
        world: World,
        device: torch.device,
        plan: Plan,
        state: State,
        say: Say,
    ) -> None:
        recipe = job.recipe
        trained, held_out = zip(*map(split, sources), strict=True)
        self._epoch_steps = recipe.steps_per_epoch(sum(len(source.pictures) for source in trained))
        self._job, self._sources, self._world, self._state = job, sources, world, state
        self._folder = job.out / "training"
        draws = Draws(recipe.seed, recipe.batch, world, device)
        self._trainer = Trainer(plan, recipe.schedule(self._epoch_steps), draws, job.precision)
        crops = recipe.crops(recipe.crop_px, self._epoch_steps)
        self._crops = TrainingCrops(trained, crops, recipe.seed, augment if recipe.augmented else None)
        if world.speaks:
            crops = recipe.crops(recipe.held_out_px, self._epoch_steps)
            self._held_out = HeldOut(HeldOutCrops(held_out, crops, recipe.seed, recipe.held_out_crops), recipe.seed)
            history, scalars = History(self._folder, state.step), Scalars(self._folder / "tensorboard", state.step)
            self._record = Record(history, scalars, say, recipe.epochs + recipe.decay_epochs)
            self._saved_at, self._log = time.monotonic(), StepLog()

    def run(self, stop_requested: Callable[[], bool]) -> None:
        """Go on to the end of the schedule; raises KeyboardInterrupt where a stop was requested."""
        stopped = False

        def after_step(terms: Mapping[str, float]) -> bool:
            nonlocal stopped
            if self._world.speaks:
                self._tell(terms)
            stopped = self._world.any(stop_requested(), self._trainer.draws.device)
            return not stopped

        if self._world.speaks and self._state.step == 0:
            self._show_targets()
            self._tell_epoch()
        self._trainer.train(self._state, self._open_batches, after_step)
        if self._world.speaks:
            if stopped:
                self._save()
            self._record.scalars.close()
        if stopped:
            raise KeyboardInterrupt

    def _open_batches(self, first: int) -> Any:
        device_type = self._trainer.draws.device.type
        return batches(self._crops, self._job.recipe.batch, first, self._world, self._job.workers, device_type)

    def _tell(self, terms: Mapping[str, float]) -> None:
        """Log, save and judge, each when its time has come."""
        step = self._state.step
        self._log.add(terms)
        if step % self._job.recipe.log_steps == 0 or step % self._epoch_steps == 0:
            rate = self._state.generator_optimisers[0].param_groups[0]["lr"]
            self._record.tell_interval(self._log.interval(-(-step // self._epoch_steps), step, rate))
        told_at = time.perf_counter()
        if step % self._epoch_steps == 0:
            self._tell_epoch()
        if time.monotonic() - self._saved_at > SAVE_SECONDS or step % self._epoch_steps == 0:
            self._save()
        self._log.skip(time.perf_counter() - told_at)

    def _save(self) -> None:
        checkpoints.save_checkpoint(self._state, self._folder, self._job.piece_mib)
        self._saved_at = time.monotonic()

    def _tell_epoch(self) -> None:
        """Judge the moving average on the held-out crops; write it with its card, and the page."""
        plan, device, precision = self._trainer.plan, self._trainer.draws.device, self._trainer.precision
        images = self._held_out.restore(plan, self._state.average, device, precision)
        number = self._state.step // self._epoch_steps
        epoch = Epoch(number, self._state.step, self._held_out.judge(images), self._held_out.quality)
        self._record.tell_epoch(epoch)
        write_pictures(self._folder / "pictures", f"epoch-{number:04d}", images)
        self._write_weights()
        title = f"{self._job.architecture} on {', '.join(source.name for source in self._sources)}"
        render_page(self._job.out / "training.html", title, self._record.history, self._folder / "pictures")

    def _show_targets(self) -> None:
        for name, images in (("original", self._held_out.blurred), ("real", self._held_out.sharp)):
            write_pictures(self._folder / "pictures", name, images)

    def _write_weights(self) -> None:
        weights = self._job.out / FILE_NAME
        sha256 = save_weights(self._state.average, weights, {"architecture": self._job.architecture})
        write_card(weights, card_of(self._job, self._sources, self._record.history, sha256))


def _check_out(job: Job, sources: Sequence[Source], world: World) -> None:
    """Hold `out` to one training, and put down what it is begun with."""
    begun, written = job.out / "training" / checkpoints.NAME, job.out / "training" / "settings.json"
    settings = json.loads(json.dumps(settings_of(job, sources)))
    check_begun(job.out, begun, written, settings, job.resume)
    if world.speaks and not job.resume:
        write_atomically(written, json.dumps(settings, indent=1) + "\n")

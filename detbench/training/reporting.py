"""What a training shows and writes while it goes on, in the main process.

OUT/weights.safetensors, card.toml     the moving average after the last finished epoch, or where it was interrupted
OUT/weights-content.safetensors, card-content.toml     the same when the critic joined, where it joins late
OUT/training.html                      curves and pictures
OUT/training/                          history, pictures, and TensorBoard's files where it is installed
"""

from collections.abc import Mapping, Sequence

import torch

from detbench.core.images import write_atomically
from detbench.core.paths import CARD_NAME
from detbench.nets.weights import FILE_NAME, save_weights
from detbench.results.cards import write_card
from detbench.training.clock import Clock
from detbench.training.data.sources import Source
from detbench.training.deblurrer_card import card_of
from detbench.training.job import TrainingJob
from detbench.training.schedule import Schedule
from detbench.training.state import State
from detbench.training.training_page import render_page
from detbench.training.training_plan import TrainingPlan
from detbench.training.training_record import EpochRecord, History, Record, Say, Scalars, StepLog, write_pictures
from detbench.training.validation import Comparison, Validation
from detbench.types import Image

CONTENT = {FILE_NAME: "weights-content.safetensors", CARD_NAME: "card-content.toml"}
"""What the files of the weights are kept as when the critic joins."""


class Reporter:
    """The history of a training, the held-out pictures, and the files made of both."""

    def __init__(
        self,
        job: TrainingJob,
        sources: Sequence[Source],
        held_out: Sequence[Source],
        plan: TrainingPlan,
        state: State,
        device: torch.device,
        say: Say,
    ) -> None:
        self._job, self._sources, self._plan, self._state, self._device = job, sources, plan, state, device
        self._folder = job.out / "training"
        self._validation = Validation(held_out, job.recipe, next(iter(job.detectors), None), str(device), say)
        # A training that has not taken a step reports its beginning again.
        history = History(self._folder, state.step or -1)
        self._record = Record(history, Scalars(self._folder / "tensorboard", state.step, say), say)
        self._log = StepLog()

    def begin(self, epochs: int | None) -> None:
        """Before the first step: the pictures as they are, and as the first weights restore them.

        `epochs` is None until it is known how many there will be.
        """
        for name, images in (("original", self._validation.blurred), ("real", self._validation.sharp)):
            write_pictures(self._folder / "pictures", name, images)
        self._report_epoch(0, epochs)

    def validation_s(self, clock: Clock) -> float:
        """Seconds that a validation on the held-out pictures takes."""
        begun_at = clock()
        self._validate()
        return clock() - begun_at

    def report_step(self, terms: Mapping[str, float], schedule: Schedule, critic_joins: bool) -> None:
        """Log a step; at an epoch's end, and where the critic joins after it, validate and write everything."""
        step = self._state.step
        self._log.add(terms)
        if step % self._job.recipe.log_steps == 0 or schedule.ends_epoch(step):
            rate = self._state.generator_optimisers[0].param_groups[0]["lr"]
            epoch = schedule.epochs_done(step - 1) + 1
            self._record.add_interval(self._log.interval(epoch, step, rate), schedule.epochs)
        if schedule.ends_epoch(step) or critic_joins:
            self._report_epoch(schedule.epochs_done(step), schedule.epochs)
        if critic_joins:
            self._keep_content()

    def skip(self, seconds: float) -> None:
        """Leave time out of what a step is said to take."""
        self._log.skip(seconds)

    def write(self) -> None:
        """Write the moving average with its card, and the page."""
        weights = self._job.out / FILE_NAME
        sha256 = save_weights(self._state.average, weights, {"architecture": self._job.architecture})
        write_card(weights, card_of(self._job, self._sources, self._record.history, self._state, sha256))
        title = f"{self._job.architecture} on {', '.join(source.name for source in self._sources)}"
        render_page(self._job.out / "training.html", title, self._record.history, self._folder / "pictures")

    def close(self) -> None:
        """End the files that are open."""
        self._record.scalars.close()

    def _validate(self) -> tuple[Mapping[str, Comparison], list[Image]]:
        return self._validation.measure(self._plan, self._state.average, self._device, self._job.precision)

    def _report_epoch(self, number: int, epochs: int | None) -> None:
        compared, images = self._validate()
        self._record.add_epoch(EpochRecord(number, self._state.step, compared), epochs)
        write_pictures(self._folder / "pictures", f"epoch-{number:04d}", images)
        self.write()

    def _keep_content(self) -> None:
        for name, kept in CONTENT.items():
            write_atomically(self._job.out / kept, (self._job.out / name).read_bytes())

"""Training by the clock, with a clock that goes on only while networks work: a test that depends on no machine."""

import json
import os
import signal
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from detbench.errors import UsageError
from detbench.training import architectures
from detbench.training.architectures import Architecture
from detbench.training.job import TrainingJob
from detbench.training.recipe import Recipe
from detbench.training.train import train_deblurrer
from detbench.training.training_plan import TrainingPlan

RECIPE = Recipe(
    vgg_weight=0, l1_weight=100, epochs=2, decay_epochs=2, batch=4, critic_steps=2, warm_up_share=0.8, crop_px=32,
    crop_growth=((0.5, 64, 2),), held_out_px=32, held_out_crops=2, log_steps=5, ramp_steps=5, blurs=(), seed=3,
)  # fmt: skip


class Clock:
    """Seconds that networks have worked: one for each 1,024 pixels that go into a generator, times `slowness`."""

    def __init__(self) -> None:
        self.now, self.slowness = 1000.0, 1.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


class Score(nn.Module):
    """A critic of one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 4, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) to (N, 1, h, w)."""
        scores: Tensor = self.conv(pictures)
        return scores


@pytest.fixture
def job(
    clock: Clock, photos: Path, tmp_path: Path, make_plan: Callable[..., TrainingPlan], monkeypatch: pytest.MonkeyPatch
) -> TrainingJob:
    """Ten minutes of a small network on photos."""

    class Working(type(make_plan().generator)):  # type: ignore[misc]
        def forward(self, blurred: Tensor) -> Tensor:
            clock.now += clock.slowness * blurred[:, 0].numel() / 1024
            restored: Tensor = super().forward(blurred)
            return restored

    small = {"small": Architecture(Working, Score, "a paper's result")}
    monkeypatch.setattr(architectures, "ARCHITECTURES", small)
    monkeypatch.setattr("detbench.training.deblurrer_card.ARCHITECTURES", small)
    # The card counts a network's operations by running it, which takes no time here.
    monkeypatch.setattr("detbench.training.deblurrer_card.cost_of", lambda *_, **__: no_cost())
    return TrainingJob("small", RECIPE, (photos,), tmp_path / "out", "cpu", minutes=10)


def no_cost() -> Any:
    """What a network costs, for the card."""
    from detbench.nets.cost import Cost

    return Cost(0, 0.0)


def quiet(_line: str) -> None:
    """Say nothing."""


def logged(job: TrainingJob) -> list[dict[str, Any]]:
    """The history's intervals."""
    lines = (job.out / "training" / "history.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if "terms" in record]


def training_of(job: TrainingJob) -> dict[str, Any]:
    """What the card says of the training."""
    training: dict[str, Any] = tomllib.loads((job.out / "card.toml").read_text())["training"]
    return training


def at_step(steps: int, act: Callable[[], None]) -> Callable[[str], None]:
    """A listener that acts when it hears of an iteration."""

    def say(line: str) -> None:
        if f"iteration {steps} " in line:
            act()

    return say


def interrupt() -> None:
    """Press Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def test_it_ends_with_its_minutes(job: TrainingJob, clock: Clock) -> None:
    """Parts of 4, 8 and 24 s a step were timed each: it ends within 3 % of 600 s, its rate having fallen to nothing."""
    begun_at = clock()
    train_deblurrer(job, quiet, clock)
    assert 0.97 * 600 < clock() - begun_at < 1.01 * 600
    training, last = training_of(job), logged(job)[-1]
    assert training["laid_out"] == [{"step": 0, "steps": training["steps"]}]
    assert training["epochs_done"] == 4
    assert last["learning_rate"] == pytest.approx(1e-4 / (1 + round(training["steps"] / 2)), rel=0.05)
    assert "G_GAN" in last["terms"]


def test_it_repeats_without_a_clock(job: TrainingJob, clock: Clock) -> None:
    """The steps that the card's recipe has give the same weights to the last bit: nothing of the rehearsal stays."""
    first = train_deblurrer(job, quiet, clock)
    steps = training_of(job)["recipe"]["steps"]
    again = replace(job, out=job.out / "again", minutes=None, recipe=replace(RECIPE, steps=steps))
    second = train_deblurrer(again, quiet, clock)
    assert first is not None
    assert second is not None
    assert first.read_bytes() == second.read_bytes()


def test_a_resume_goes_by_what_was_found(job: TrainingJob, clock: Clock) -> None:
    """Interrupted, and resumed much later, it takes the steps it had left, not those that the clock would allow."""
    whole, parted = replace(job, out=job.out / "whole"), replace(job, out=job.out / "parted")
    train_deblurrer(whole, quiet, clock)
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(parted, at_step(25, interrupt), clock)
    clock.now += 10_000
    train_deblurrer(replace(parted, resume=True), quiet, clock)
    assert training_of(parted)["steps"] == training_of(whole)["steps"]
    assert (whole.out / "weights.safetensors").read_bytes() == (parted.out / "weights.safetensors").read_bytes()
    with pytest.raises(UsageError, match="was begun with minutes 10"):
        train_deblurrer(replace(parted, resume=True, minutes=20), quiet, clock)


def test_a_machine_that_becomes_slower_ends_decayed_too(job: TrainingJob, clock: Clock) -> None:
    """From step 20 on all takes twice as long: steps are cut at the epochs' ends, the card tells how, the rate falls.

    What an epoch loses before its end is made up for by the later ones; it is at most an eighth late.
    """

    def slow_down() -> None:
        clock.slowness = 2.0

    begun_at = clock()
    train_deblurrer(job, at_step(20, slow_down), clock)
    training = training_of(job)
    laid_out = [total["steps"] for total in training["laid_out"]]
    assert len(laid_out) > 1
    assert laid_out == sorted(laid_out, reverse=True)
    assert laid_out[-1] == training["steps"] < 0.8 * laid_out[0]
    assert 0.95 * 600 < clock() - begun_at < 1.125 * 600
    assert logged(job)[-1]["learning_rate"] < 0.1 * 1e-4
    assert (job.out / "weights-content.safetensors").exists()


def test_too_few_minutes(job: TrainingJob, clock: Clock) -> None:
    """There is one message, and no training that never decays."""
    with pytest.raises(UsageError, match="no time to train"):
        train_deblurrer(replace(job, minutes=0.5), quiet, clock)


def test_interrupted_while_it_is_timed(job: TrainingJob, clock: Clock) -> None:
    """Nothing was found yet: resumed, it is timed anew and ends as one that was not interrupted."""

    def at_beginning(line: str) -> None:
        if "held out" in line:
            interrupt()

    whole, parted = replace(job, out=job.out / "whole"), replace(job, out=job.out / "parted")
    train_deblurrer(whole, quiet, clock)
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(parted, at_beginning, clock)
    train_deblurrer(replace(parted, resume=True), quiet, clock)
    assert (whole.out / "weights.safetensors").read_bytes() == (parted.out / "weights.safetensors").read_bytes()

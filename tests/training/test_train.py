import hashlib
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from detbench.errors import DataError, TrainingError, UsageError
from detbench.training import architectures
from detbench.training.architectures import ARCHITECTURES, Architecture, make_plan
from detbench.training.clock import Layout
from detbench.training.data.blur_batch import collate
from detbench.training.data.crops import Crop, TrainingCrops
from detbench.training.data.draws import Draws
from detbench.training.data.processes import World
from detbench.training.data.sources import find_sources
from detbench.training.job import TrainingJob
from detbench.training.loop import Trainer
from detbench.training.recipe import Recipe
from detbench.training.schedule import Schedule
from detbench.training.state import new_state
from detbench.training.train import train_deblurrer
from detbench.training.training_plan import TrainingPlan

SHORT = Recipe(
    vgg_weight=0, l1_weight=100, epochs=2, decay_epochs=1, epoch_steps=2, batch=2, critic_steps=2, crop_px=32,
    held_out_px=32, held_out_crops=2, log_steps=1, average_decay=0.9, warm_up_share=1 / 3,
    blurs=("trajectory:length_px=12", "shake"),
)  # fmt: skip


@pytest.fixture
def job(
    photos: Path, tmp_path: Path, make_plan: Callable[..., TrainingPlan], monkeypatch: pytest.MonkeyPatch
) -> TrainingJob:
    """Three epochs of two steps of a small network on the photos."""
    small = Architecture(type(make_plan().generator), Score, "a paper's result")
    monkeypatch.setattr(architectures, "ARCHITECTURES", {"small": small})
    monkeypatch.setattr("detbench.training.deblurrer_card.ARCHITECTURES", {"small": small})
    return TrainingJob("small", SHORT, (photos,), tmp_path / "out", "cpu")


class Score(nn.Module):
    """A critic of one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 4, bias=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Shape (N, 3, H, W) to (N, 1, h, w)."""
        scores: torch.Tensor = self.conv(pictures)
        return scores


def quiet(_line: str) -> None:
    """Say nothing."""


def stopping_after(steps: int) -> Callable[[str], None]:
    """A listener that presses Ctrl-C when it hears of an iteration."""

    def say(line: str) -> None:
        if f"iteration {steps} " in line:
            os.kill(os.getpid(), signal.SIGINT)

    return say


def test_a_training_leaves_weights_card_and_page(job: TrainingJob) -> None:
    """Weights are fp16; the card has their architecture and digest, the data, the recipe and both qualities."""
    weights = train_deblurrer(job, quiet)
    tensors = safetensors.torch.load_file(weights)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    card = tomllib.loads((job.out / "card.toml").read_text())
    assert card["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (card["architecture"], card["paper"]) == ("small", "a paper's result")
    assert card["training"]["data"] == [{"name": "photos", "kind": "sharp", "pictures": 10, "weight": 10.0}]
    assert (card["training"]["steps"], card["training"]["epochs_done"]) == (6, 3)
    assert card["training"]["recipe"]["blurs"] == list(SHORT.blurs)
    photos = card["held_out"]["photos"]
    assert photos["restored"]["psnr_db"] != photos["blurred"]["psnr_db"]
    curves = photos["by_epoch"]
    assert curves["step"] == [0, 2, 4, 6]
    assert curves["psnr_db"][-1] == photos["restored"]["psnr_db"] != curves["psnr_db"][0]
    assert (job.out / "training.html").stat().st_size > 5000


def test_tensorboard_gets_every_step(job: TrainingJob) -> None:
    """Its files hold the terms of steps 1 to 6 and the restored PSNR of four validations; nothing is said of them."""
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    said: list[str] = []
    train_deblurrer(job, said.append)
    events = event_accumulator.EventAccumulator(str(job.out / "training" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss/G_L1")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events.Scalars("held out/photos psnr_db restored")] == [0, 2, 4, 6]
    assert not [line for line in said if "TensorBoard" in line]


def test_a_training_goes_on_without_tensorboard(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the extra to install; weights and page are there, and no folder for TensorBoard."""
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    said: list[str] = []
    weights = train_deblurrer(job, said.append)
    expected = "no files for TensorBoard, which is not installed: pip install 'detbench[tensorboard]'"
    assert [line for line in said if "TensorBoard" in line] == [expected]
    assert weights.stat().st_size > 0
    assert (job.out / "training.html").stat().st_size > 5000
    assert not (job.out / "training" / "tensorboard").exists()


def test_what_happens_is_said(job: TrainingJob) -> None:
    """A line each interval and each epoch, the first before any step; terms by name, quality beside the input's."""
    said: list[str] = []
    train_deblurrer(job, said.append)
    assert said[0].startswith("epoch 0/3 held out, photos: ")
    assert "; blurred: " in said[0]
    assert said[1].startswith("epoch 1/3 iteration 1 ")
    assert "s/iteration rate 0.0001: G_L1 " in said[1]
    (joined,) = (line for line in said if " iteration 3 " in line)
    assert all(f"{term} " in joined for term in ("D_real", "D_fake", "D_real+fake", "D_penalty", "G_L1", "G_GAN"))
    assert sum(" held out, photos: " in line for line in said) == 4


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_interrupted_and_resumed_is_the_same(steps: int, job: TrainingJob) -> None:
    """Ctrl-C in the warm-up, after it, or at an epoch's end: resumed, weights and record end as if it had not been."""
    whole, parted = replace(job, out=job.out / "whole"), replace(job, out=job.out / "parted")
    train_deblurrer(whole, quiet)
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(parted, stopping_after(steps))
    assert json.loads((parted.out / "training" / "checkpoint.json").read_text())["step"] == steps
    train_deblurrer(replace(parted, resume=True), quiet)
    states = [next((each.out / "training").glob("state-*")).read_bytes() for each in (whole, parted)]
    assert states[0] == states[1]
    assert (whole.out / "weights.safetensors").read_bytes() == (parted.out / "weights.safetensors").read_bytes()
    records = [(each.out / "training" / "history.jsonl").read_text().splitlines() for each in (whole, parted)]
    terms = [[json.loads(line).get("terms") for line in lines] for lines in records]
    assert terms[0] == terms[1]


def test_grown_crops_are_resumed_too(job: TrainingJob) -> None:
    """Crops of 32 px, then of 48 and of 64 in smaller batches: stopped in the middle, it ends the same to the bit."""
    growing = replace(job, recipe=replace(SHORT, crop_growth=((0.4, 48, 2), (0.7, 64, 1))))
    whole, parted = replace(growing, out=job.out / "whole"), replace(growing, out=job.out / "parted")
    train_deblurrer(whole, quiet)
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(parted, stopping_after(3))
    train_deblurrer(replace(parted, resume=True), quiet)
    assert (whole.out / "weights.safetensors").read_bytes() == (parted.out / "weights.safetensors").read_bytes()
    card = tomllib.loads((whole.out / "card.toml").read_text())
    assert card["training"]["recipe"]["crop_growth"] == [[0.4, 48, 2], [0.7, 64, 1]]


def test_the_weights_of_the_content_part_are_kept(job: TrainingJob) -> None:
    """When the critic joins after two of six steps, weights and card are kept under names of their own.

    They are what a training of the same length without a critic has after as many steps.
    """
    train_deblurrer(job, quiet)
    kept = job.out / "weights-content.safetensors"
    card = tomllib.loads((job.out / "card-content.toml").read_text())
    assert card["sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()
    assert card["training"]["steps"] == card["held_out"]["photos"]["by_epoch"]["step"][-1] == 2
    content = replace(job, out=job.out / "content", recipe=replace(SHORT, critic_steps=0))
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(content, stopping_after(2))
    assert (content.out / "weights.safetensors").read_bytes() == kept.read_bytes()
    assert (job.out / "weights.safetensors").read_bytes() != kept.read_bytes()
    assert not (content.out / "weights-content.safetensors").exists()


def test_what_is_interrupted_leaves_its_weights(job: TrainingJob) -> None:
    """In the middle of an epoch too: the moving average as it is, with a card that says after how many steps."""
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(job, stopping_after(3))
    card = tomllib.loads((job.out / "card.toml").read_text())
    assert card["sha256"] == hashlib.sha256((job.out / "weights.safetensors").read_bytes()).hexdigest()
    assert (card["training"]["steps"], card["training"]["epochs_done"]) == (3, 1)
    state = safetensors.torch.load_file(next((job.out / "training").glob("state-*")))
    for key, tensor in safetensors.torch.load_file(job.out / "weights.safetensors").items():
        assert torch.equal(tensor, state[f"average.{key}"].half())


def test_nothing_is_overwritten(job: TrainingJob) -> None:
    """A begun training is not started anew, nor resumed with another recipe, other data, or where there is none."""
    with pytest.raises(UsageError, match="holds no training to resume"):
        train_deblurrer(replace(job, resume=True), quiet)
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(job, stopping_after(1))
    with pytest.raises(UsageError, match="holds a training already: go on with --resume"):
        train_deblurrer(job, quiet)
    with pytest.raises(UsageError, match="was begun with epochs 2; resume it with the same"):
        train_deblurrer(replace(job, resume=True, recipe=replace(SHORT, epochs=3)), quiet)
    with pytest.raises(UsageError, match="was begun with data"):
        train_deblurrer(replace(job, resume=True, fraction=Fraction(1, 2)), quiet)


def test_mixed_sources(job: TrainingJob, make_pairs: Callable[..., Path]) -> None:
    """Sharp pictures and pairs train together, weighed 2:1, and the card says so."""
    mixed = replace(job, folders=(*job.folders, make_pairs("blur_gamma")), mix=(2.0, 1.0))
    train_deblurrer(mixed, quiet)
    data = tomllib.loads((job.out / "card.toml").read_text())["training"]["data"]
    assert [(source["kind"], source["weight"]) for source in data] == [("sharp", 2.0), ("pairs", 1.0)]


def test_a_training_that_diverges_keeps_its_checkpoint(job: TrainingJob) -> None:
    """An absurd rate ends in a TrainingError that names step and term; the checkpoint is of a step before."""
    wild = replace(job, recipe=replace(SHORT, learning_rate=1e30))
    with pytest.raises(TrainingError, match=r"step \d: [DG]_"):
        train_deblurrer(wild, quiet)


def test_too_few_pictures(job: TrainingJob) -> None:
    """One picture cannot be trained on and held out."""
    with pytest.raises(DataError, match="2 are the least"):
        train_deblurrer(replace(job, fraction=Fraction(1, 10)), quiet)


def test_two_processes_train_on_one_recipe(photos: Path, tmp_path: Path) -> None:
    """torchrun's processes share each batch; one of them reports and writes, and the means are of both."""
    recipe = tmp_path / "short.toml"
    settings = {
        key: value for key, value in asdict(replace(SHORT, epochs=1, decay_epochs=0)).items() if value is not None
    }
    recipe.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "detbench"]
    words = ["train", "deblurgan", "--data", photos, "--out", tmp_path / "out", "--recipe", recipe, "--workers", "0"]
    done = subprocess.run([*command, *words, "--device", "cpu"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("iteration 1 ") == 1
    assert done.stdout.splitlines().count(str(tmp_path / "out" / "weights.safetensors")) == 1


@pytest.mark.parametrize("name", [name for name, kind in ARCHITECTURES.items() if not kind.estimates_kernels])
def test_every_restoring_architecture_trains(name: str) -> None:
    """With its own recipe but for crops, batch and VGG19, a step changes generator and critic, all terms finite.

    Where the recipe has it begin as its input, it gives that back, or nearly.
    """
    kind, cpu = ARCHITECTURES[name], torch.device("cpu")
    side = max(32, kind.multiple)
    recipe = replace(
        kind.recipe,
        vgg_weight=0,
        l1_weight=1,
        batch=1,
        crop_px=side,
        held_out_px=side,
        init_as_identity=True,
        critic_steps=1,
    )
    plan = make_plan(name, recipe, None, cpu)
    blurred = torch.rand(1, 3, side, side) - 0.5
    with torch.inference_mode():
        first = plan.restored(plan.generator.eval(), blurred)
    assert first.shape == blurred.shape
    assert (first - blurred).abs().max() <= 0.06
    state = new_state(plan, cpu)
    before = {key: tensor.clone() for key, tensor in state.tensors().items()}
    crop = Crop(*(np.full((side, side, 3), level, np.uint8) for level in (90, 80)), np.ones((1, 1), np.float32), 1, 1)
    batches = iter([collate([crop])] * 2)
    trainer = Trainer(plan, Schedule(1, 0, 0, 1), Draws(0, World(), cpu), "fp32")
    logged: list[Mapping[str, float]] = []
    trainer.train(state, lambda _: batches, lambda terms: bool(logged.append(terms)))
    assert {"D_real", "D_fake", "G_L1", "G_GAN"} <= logged[0].keys()
    for net in ("generator", "critic"):
        changed = [not torch.equal(state.tensors()[key], before[key]) for key in before if key.startswith(f"{net}.")]
        assert any(changed)


BLIND = replace(
    ARCHITECTURES["blind"].recipe, epochs=1, decay_epochs=1, epoch_steps=2, batch=1, ramp_steps=2, log_steps=1,
    crop_px=96, held_out_px=96, held_out_crops=2, sharp_share=0.0, blurs=("trajectory:length_px=20",),
)  # fmt: skip


def test_a_kernel_network_learns(photos: Path) -> None:
    """Twelve steps on one batch lower the sum of its four losses by a quarter; there is nothing of a critic."""
    cpu = torch.device("cpu")
    recipe = replace(BLIND, batch=2)
    plan = make_plan("blind", recipe, None, cpu)
    state = new_state(plan, cpu)
    assert not state.critic_optimisers
    assert not any(key.startswith("critic") for key in state.tensors())
    crops = TrainingCrops(find_sources([photos], None, Fraction(1)), recipe.crops(96, Layout(1, 1)), seed=0)
    batch = collate([crops[0], crops[1]])
    logged: list[Mapping[str, float]] = []
    trainer = Trainer(plan, Schedule(12, 0, 0, 0), Draws(0, World(), cpu), "fp32")
    trainer.train(state, lambda _: repeat(batch), lambda terms: not logged.append(terms))
    assert list(logged[0]) == ["G_kernel", "G_filtered", "G_guess", "G_edge"]
    first, last = (
        sum(loss.weight * terms[f"G_{loss.name}"] for loss in plan.losses) for terms in (logged[0], logged[-1])
    )
    assert last < 0.75 * first


def test_a_kernel_network_goes_on(photos: Path, tmp_path: Path) -> None:
    """Two steps and two resumed ones are four, to the last bit; the card counts one channel and names the losses."""
    whole, parted = (TrainingJob("blind", BLIND, (photos,), tmp_path / name, "cpu") for name in ("whole", "parted"))
    weights = train_deblurrer(whole, quiet)
    with pytest.raises(KeyboardInterrupt):
        train_deblurrer(parted, stopping_after(2))
    resumed = train_deblurrer(replace(parted, resume=True), quiet)
    assert resumed.read_bytes() == weights.read_bytes()
    card = tomllib.loads((whole.out / "card.toml").read_text())
    assert card["cost"]["parameters"] == 280_939
    assert card["training"]["recipe"]["kernel_weight"] == 2
    photos = card["held_out"]["photos"]
    assert photos["restored"]["psnr_db"] != photos["blurred"]["psnr_db"]


def test_pairs_have_no_kernel(photos: Path, make_pairs: Callable[..., Path], tmp_path: Path) -> None:
    """A network that learns kernels refuses a folder of pairs by its name, and writes nothing."""
    job = TrainingJob("blind", BLIND, (photos, make_pairs("blur_gamma")), tmp_path / "out", "cpu")
    with pytest.raises(UsageError, match=r"pairs do not have: leave blur_gamma out and give folders of sharp pictures"):
        train_deblurrer(job, quiet)
    assert not job.out.exists()


def test_half_precision_finds_kernels_too(photos: Path, tmp_path: Path) -> None:
    """Under bfloat16 the convolutions alone are rounded: Fourier transforms and losses stay in single precision."""
    job = TrainingJob("blind", replace(BLIND, decay_epochs=0), (photos,), tmp_path / "out", "cpu", precision="bf16")
    assert train_deblurrer(job, quiet)


def test_a_training_may_start_from_weights(job: TrainingJob) -> None:
    """The first validation of a warm start is the last of the training whose weights it takes; the card names them."""
    weights = train_deblurrer(job, quiet)
    said: list[str] = []
    warm = replace(job, out=job.out / "warm", start=weights)
    train_deblurrer(warm, said.append)
    card = tomllib.loads((job.out / "card.toml").read_text())
    psnr_db = card["held_out"]["photos"]["restored"]["psnr_db"]
    assert f"{psnr_db:.2f}" in said[0]
    started = tomllib.loads((warm.out / "card.toml").read_text())
    assert started["training"]["start"] == card["sha256"]
    with pytest.raises(UsageError, match="was begun with start"):
        train_deblurrer(replace(warm, start=None, resume=True), quiet)

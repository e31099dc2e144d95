import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.errors import TrainingError
from detbench.training.data.blur_batch import Batch, collate
from detbench.training.data.crops import Crop
from detbench.training.data.draws import Draws
from detbench.training.data.processes import World
from detbench.training.loop import Trainer
from detbench.training.losses.content import CROSS_ENTROPY, l1
from detbench.training.losses.target import Target, WeightedLoss
from detbench.training.schedule import Schedule
from detbench.training.state import State, new_state
from detbench.training.training_checkpoints import load_checkpoint, save_checkpoint
from detbench.training.training_plan import TrainingPlan, concat_with_blurred

CPU = torch.device("cpu")
SHORT = Schedule(flat_steps=2, decay_steps=2, warm_up_steps=0, critic_steps=3)

MakePlan = Callable[..., TrainingPlan]


def batch_of(index: int, count: int = 2) -> Batch:
    """A batch of random pictures of 16x16, blurred by a mean of three columns, and noise."""
    generator = np.random.default_rng(index)
    kernel = np.zeros((3, 3), np.float32)
    kernel[1] = 1 / 3
    scenes = generator.integers(0, 256, (count, 18, 18, 3), dtype=np.uint8)
    return collate([Crop(scene, scene[1:-1, 1:-1], kernel, np.float32(2.2), np.float32(1)) for scene in scenes])


class Batches:
    """Batches by their number; notes which were taken."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def open(self, first: int) -> Iterator[Batch]:
        """From `first` on, without end."""
        while True:
            self.taken.append(first)
            yield batch_of(first)
            first += 1


def trainer_of(plan: TrainingPlan, schedule: Schedule = SHORT, precision: str = "fp32") -> Trainer:
    """A trainer of batches of two, in one process."""
    return Trainer(plan, schedule, Draws(seed=7, world=World(), device=CPU), precision)  # type: ignore[arg-type]


def trained(trainer: Trainer, state: State, steps: int | None = None) -> list[Mapping[str, float]]:
    """Train for some steps, or to the end; returns each step's terms."""
    logged: list[Mapping[str, float]] = []

    def after_step(terms: Mapping[str, float]) -> bool:
        logged.append(terms)
        return steps is None or len(logged) < steps

    trainer.train(state, Batches().open, after_step)
    return logged


def copy_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as they are now."""
    return {key: tensor.detach().clone() for key, tensor in tensors.items()}


def with_dropout() -> nn.Module:
    """A generator whose steps need torch's own random numbers."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(8, 3, 3, padding=1))


def test_two_and_two_steps_are_four(make_plan: MakePlan, tmp_path: Path) -> None:
    """A training stopped after two steps and resumed ends bit for bit as one that was not: weights and optimisers.

    The rate falls, dropout draws and noise is added in all of them: nothing starts over.
    """
    whole, half, rest = (new_state(make_plan(generator=with_dropout()), CPU) for _ in range(3))
    plan = make_plan(generator=with_dropout())
    logged = trained(trainer_of(plan), whole)
    first = trained(trainer_of(plan), half, steps=2)
    save_checkpoint(half, tmp_path)
    torch.manual_seed(99)
    torch.rand(5)
    load_checkpoint(rest, tmp_path)
    assert rest.step == 2
    assert first + trained(trainer_of(plan), rest) == logged
    for key, tensor in whole.tensors().items():
        assert torch.equal(rest.tensors()[key], tensor), key


def test_weights_alone_are_no_resume(make_plan: MakePlan, tmp_path: Path) -> None:
    """The test above can fail: with fresh moments the same two steps end elsewhere."""
    whole, rest = (new_state(make_plan(), CPU) for _ in range(2))
    trainer = trainer_of(make_plan())
    trained(trainer, whole, steps=2)
    for net in ("generator", "average", "critic"):
        getattr(rest, net).load_state_dict(getattr(whole, net).state_dict())
    rest.step = 2
    trained(trainer, whole)
    trained(trainer, rest)
    ends = [state.generator.state_dict()["enter.weight"] for state in (whole, rest)]
    assert not torch.allclose(*ends, atol=1e-4)


def test_every_step_sees_a_fresh_batch(make_plan: MakePlan) -> None:
    """Three critic steps and the generator's take four batches, in order, none of them twice."""
    batches = Batches()
    trainer_of(make_plan()).train(new_state(make_plan(), CPU), batches.open, lambda _: True)
    assert batches.taken[:16] == list(range(16))
    state = new_state(make_plan(), CPU)
    state.step = 2
    resumed = Batches()
    trainer_of(make_plan()).train(state, resumed.open, lambda _: True)
    assert resumed.taken[0] == 8


def test_terms_have_names(make_plan: MakePlan) -> None:
    """Critic real and fake, their sum, penalty, content, adversarial; D_real+fake is what the critic lowers."""
    (terms, *_) = trained(trainer_of(make_plan()), new_state(make_plan(), CPU))
    assert list(terms) == ["D_real", "D_fake", "D_real+fake", "D_penalty", "G_L1", "G_GAN"]
    assert terms["D_real+fake"] == pytest.approx(terms["D_real"] + terms["D_fake"], abs=1e-6)


def test_the_warm_up_is_without_a_critic(make_plan: MakePlan) -> None:
    """Until it joins, only content is lost, and the critic stays as it was."""
    state = new_state(make_plan(), CPU)
    before = copy_of(state.critic.state_dict())
    schedule = replace(SHORT, warm_up_steps=2)
    logged = trained(trainer_of(make_plan(), schedule), state, steps=2)
    assert [list(terms) for terms in logged] == [["G_L1"]] * 2
    assert all(torch.equal(tensor, before[key]) for key, tensor in state.critic.state_dict().items())
    assert "G_GAN" in trained(trainer_of(make_plan(), schedule), state)[0]


def test_clipping_is_the_alternative(make_plan: MakePlan) -> None:
    """With a bound there is no penalty, and no weight of the critic beyond it."""
    plan = make_plan(penalty_weight=0.0, clip_bound=0.0625)
    state = new_state(plan, CPU)
    logged = trained(trainer_of(plan), state)
    assert "D_penalty" not in logged[0]
    assert max(parameter.abs().max().item() for parameter in state.critic.parameters()) <= 0.0625


def test_a_critic_may_tell_by_cross_entropy(make_plan: MakePlan) -> None:
    """Nothing holds its slope then; it learns to tell: its loss on the pictures falls below a guess's, 2 ln 2."""
    plan = make_plan(adversarial_loss=CROSS_ENTROPY, penalty_weight=0.0, learning_rate=0.01)
    logged = trained(trainer_of(plan, Schedule(10, 0, 0, 4)), new_state(plan, CPU))
    assert list(logged[0]) == ["D_real", "D_fake", "D_real+fake", "G_L1", "G_GAN"]
    assert logged[-1]["D_real+fake"] < min(logged[0]["D_real+fake"], 2 * np.log(2))


def test_a_critic_may_see_the_blurred_picture_too(make_plan: MakePlan) -> None:
    """A pair-wise critic is a plan's matter: it gets six channels, in its own steps and in the generator's."""
    critic = nn.Conv2d(6, 1, 4)
    plan = make_plan(critic=critic, critic_input=concat_with_blurred)
    assert "G_GAN" in trained(trainer_of(plan), new_state(plan, CPU))[0]


def test_a_generator_may_have_several_scales(make_plan: MakePlan) -> None:
    """A plan's losses get all scales, the critic the finest."""
    seen: list[int] = []

    def multi_scale(restored: tuple[Tensor, ...], target: Target) -> Tensor:
        seen.append(len(restored))
        return l1(restored[0], target.sharp) + l1(restored[1], nn.functional.avg_pool2d(target.sharp, 2))

    def forward(net: nn.Module, blurred: Tensor) -> tuple[Tensor, Tensor]:
        restored = net(blurred)
        return restored, nn.functional.avg_pool2d(restored, 2)

    plan = make_plan(forward=forward, losses=(WeightedLoss("scales", 1.0, multi_scale),))
    assert "G_scales" in trained(trainer_of(plan), new_state(plan, CPU))[0]
    assert set(seen) == {2}


def test_an_output_need_not_be_a_picture(make_plan: MakePlan) -> None:
    """The loop hands an output to the plan's losses, with sharp pictures and kernels, and to what makes pictures of it.

    Here the output is a number for each picture, how much brighter to make it; the critic sees the brighter ones.
    """
    targets: list[Target] = []

    def brightness(found: Tensor, target: Target) -> Tensor:
        targets.append(target)
        return found.square().mean()

    plan = make_plan(
        forward=lambda net, blurred: net(blurred).mean((1, 2, 3)),
        picture=lambda found, blurred: blurred + found[:, None, None, None],
        losses=(WeightedLoss("brightness", 1.0, brightness),),
    )
    assert {"G_brightness", "G_GAN", "D_fake"} <= trained(trainer_of(plan), new_state(plan, CPU))[0].keys()
    assert targets[0].sharp.shape == (2, 3, 16, 16)
    assert torch.equal(targets[0].kernel, batch_of(3).kernel)


def test_long_gradients_are_shortened(make_plan: MakePlan) -> None:
    """With a bound of .01 the generator's gradient has that norm over all weights; without one it is longer."""
    for clip_norm, is_bounded in ((0.01, True), (None, False)):
        plan = make_plan(clip_norm=clip_norm)
        state = new_state(plan, CPU)
        trained(trainer_of(plan, replace(SHORT, warm_up_steps=2)), state, steps=1)
        norm = torch.stack([weight.grad.norm() for weight in state.generator.parameters()]).norm()  # type: ignore[union-attr]
        assert (norm.item() == pytest.approx(0.01, rel=1e-3)) is is_bounded


def test_adamw_lets_weights_decay(make_plan: MakePlan) -> None:
    """Where nothing pulls at it, a weight loses rate times decay in each step; with Adam it stays."""
    for optimiser, decay, share in (("adamw", 0.5, 1 - 0.01 * 0.5), ("adamw", 0.0, 1), ("adam", 0.0, 1)):
        flat = (WeightedLoss("nothing", 1.0, lambda restored, target: (restored[0] * 0).mean()),)
        plan = make_plan(losses=flat, optimiser=optimiser, weight_decay=decay, learning_rate=0.01)
        state = new_state(plan, CPU)
        before = copy_of(state.generator.state_dict())
        trained(trainer_of(plan, Schedule(1, 0, 1, 0)), state)
        for key, tensor in state.generator.state_dict().items():
            torch.testing.assert_close(tensor, share * before[key], msg=key)


def test_content_falls(make_plan: MakePlan) -> None:
    """Sixty steps of content loss alone make it smaller: it works at all."""
    plan = make_plan(learning_rate=1e-2)
    logged = trained(trainer_of(plan, Schedule(60, 0, 60, 0)), new_state(plan, CPU))
    first, last = (np.mean([terms["G_L1"] for terms in part]) for part in (logged[:10], logged[-10:]))
    assert last < 0.8 * first


@pytest.mark.parametrize("term", ["G_L1", "D_real", "D_penalty"])
def test_a_term_that_is_not_finite_stops_it(term: str, make_plan: MakePlan) -> None:
    """The first term that went wrong is named with its step."""

    class Steep(nn.Module):
        """Finite scores, whose slope is not."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, pictures: Tensor) -> Tensor:
            return self.weight * (pictures - pictures.detach()).abs().sqrt().mean(dim=(1, 2, 3))

    broken = {
        "G_L1": {"losses": (WeightedLoss("L1", 1.0, lambda restored, target: restored[0].mean() / 0),)},
        "D_real": {"critic": nn.Sequential(nn.Conv2d(3, 1, 4), nn.Threshold(1e9, float("nan")))},
        "D_penalty": {"critic": Steep()},
    }[term]
    plan = make_plan(**broken)
    with pytest.raises(TrainingError, match=f"step 1: {term} is (nan|inf|-inf)"):
        trained(trainer_of(plan), new_state(plan, CPU))


def test_half_precision_learns_the_same(make_plan: MakePlan) -> None:
    """bfloat16 products change the content of the first steps by less than two percent; weights stay float32."""
    state = new_state(make_plan(), CPU)
    exact = trained(trainer_of(make_plan()), new_state(make_plan(), CPU))
    mixed = trained(trainer_of(make_plan(), precision="bf16"), state)
    assert mixed != exact
    assert mixed[-1]["G_L1"] == pytest.approx(exact[-1]["G_L1"], rel=0.02)
    assert {tensor.dtype for tensor in state.tensors().values()} == {torch.float32}


def test_networks_run_as_channels_last(make_plan: MakePlan) -> None:
    """Pictures, weights and Adam's memory all lie with their channels last."""
    seen: list[Tensor] = []
    plan = make_plan()
    plan.generator.register_forward_pre_hook(lambda _net, given: seen.append(given[0]))
    state = new_state(plan, CPU)
    trained(trainer_of(plan), state, steps=1)
    weight = state.generator.get_parameter("leave.weight")
    for tensor in (seen[0], weight, state.generator_optimisers[0].state[weight]["exp_avg_sq"]):
        assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_the_average_follows_the_generator(make_plan: MakePlan) -> None:
    """Without decay it is the generator; with it, it lags behind."""
    for decay, is_equal in ((0.0, True), (0.9, False)):
        plan = make_plan(average_decay=decay)
        state = new_state(plan, CPU)
        trained(trainer_of(plan), state)
        pairs = zip(state.average.parameters(), state.generator.parameters(), strict=True)
        assert all(torch.equal(mean, weight) for mean, weight in pairs) is is_equal


TWO_PROCESSES = """
import os, sys, torch
import torch.distributed as dist
torch.set_num_threads(1)
folder = sys.argv[1]
import importlib.util as util
def load(name, path):
    spec = util.spec_from_file_location(name, path); module = util.module_from_spec(spec)
    sys.modules[name] = module; spec.loader.exec_module(module); return module
here = os.path.dirname(sys.argv[2])
small, loop = load("small", here + "/conftest.py"), load("loop", sys.argv[2])
from detbench.training.data.processes import world_of_torchrun
from detbench.training.data.blur_batch import Batch
with world_of_torchrun("cpu") as (world, device):
    plan = small.small_plan()
    state = loop.new_state(plan, device)
    draws = loop.Draws(seed=7, world=world, device=device)
    def open_batches(first):
        while True:
            own = world.share(2)
            yield Batch(*(part[own.start : own.stop] for part in loop.batch_of(first)))
            first += 1
    logged = []
    loop.Trainer(plan, loop.SHORT, draws, "fp32").train(state, open_batches, lambda terms: not logged.append(terms))
    torch.save({"logged": logged, "tensors": state.tensors()}, f"{folder}/{world.size}-{world.rank}.pt")
"""


def test_two_processes_follow_one_of_twice_the_batch(tmp_path: Path) -> None:
    """Under torchrun (gloo), two processes with a crop each end where one with two does, to 1e-5; both are equal."""
    import subprocess

    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES)
    for processes in (1, 2):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        done = subprocess.run([*command, script, tmp_path, __file__], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    one, first, second = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("1-0", "2-0", "2-1"))
    assert first["logged"] == second["logged"]
    assert first["logged"][-1] == pytest.approx(one["logged"][-1], abs=1e-4)
    for key, tensor in one["tensors"].items():
        assert torch.equal(first["tensors"][key], second["tensors"][key]), key
        torch.testing.assert_close(first["tensors"][key], tensor, atol=1e-5, rtol=1e-4)

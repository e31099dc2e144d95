from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import Adam, AdamW

from detbench.training.state import new_state
from detbench.training.training_plan import TrainingPlan

CPU = torch.device("cpu")
MakePlan = Callable[..., TrainingPlan]


def test_a_state_has_all_tensors_before_the_first_step(make_plan: MakePlan) -> None:
    """The weights of three networks, and three of Adam's for each trained one: a checkpoint never has fewer.

    The generator has four parameters, the critic three; Adam's memory is empty, the average is the generator.
    """
    tensors = new_state(make_plan(), CPU).tensors()
    assert len(tensors) == 4 + 4 + 3 + 3 * (4 + 3)
    moments = {f"{net}_{kind}" for net in ("generator", "critic") for kind in ("step", "exp_avg", "exp_avg_sq")}
    assert {key.split(".")[0] for key in tensors} == {"generator", "average", "critic"} | moments
    assert not any(tensor.any() for key, tensor in tensors.items() if key.split(".")[0] in moments)
    assert torch.equal(tensors["average.enter.weight"], tensors["generator.enter.weight"])
    assert tensors["generator_exp_avg.enter.weight"].shape == (8, 3, 3, 3)


def test_restoring_reaches_what_is_in_use(make_plan: MakePlan) -> None:
    """Changed and restored, every tensor is as it was; the networks' own weights are restored, not replaced."""
    state = new_state(make_plan(), CPU)
    weight = state.generator.get_parameter("enter.weight")
    before = {key: tensor.clone() for key, tensor in state.tensors().items()}
    for tensor in state.tensors().values():
        tensor.data.add_(1)
    assert torch.equal(weight, before["generator.enter.weight"] + 1)
    state.restore(before, step=5)
    assert state.step == 5
    assert torch.equal(weight, before["generator.enter.weight"])
    assert all(torch.equal(tensor, before[key]) for key, tensor in state.tensors().items())


@pytest.mark.parametrize(("decay", "expected"), [(0.0, 4.0), (0.75, 1.0)])
def test_the_average_moves_by_its_share(decay: float, expected: float, make_plan: MakePlan) -> None:
    """Late in a training the average, at 0, takes 1 - decay of a generator whose weights are all 4."""
    state = new_state(make_plan(), CPU)
    for net, value in ((state.generator, 4.0), (state.average, 0.0)):
        for parameter in net.parameters():
            parameter.data.fill_(value)
    state.step = 10_000
    state.move_average(decay)
    assert all((mean == expected).all() for mean in state.average.parameters())
    assert all((weight == 4).all() for weight in state.generator.parameters())
    assert not any(mean.requires_grad for mean in state.average.parameters())


def test_the_critic_is_always_adams(make_plan: MakePlan) -> None:
    """AdamW and its decay are the generator's alone; a critic without weights has no optimiser, and nothing to keep."""
    state = new_state(make_plan(optimiser="adamw", weight_decay=0.5), CPU)
    (generator,), (critic,) = state.generator_optimisers, state.critic_optimisers
    assert (type(generator), generator.defaults["weight_decay"]) == (AdamW, 0.5)
    assert (type(critic), critic.defaults["weight_decay"]) == (Adam, 0)
    assert (generator.defaults["betas"], critic.defaults["lr"]) == ((0.5, 0.999), 1e-3)
    alone = new_state(make_plan(critic=nn.Identity()), CPU)
    assert list(alone.critic_optimisers) == []
    assert not any(key.startswith("critic") for key in alone.tensors())

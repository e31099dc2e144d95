from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from detbench.training.muon import Muon, orthogonalised, uses_muon
from detbench.training.state import State, new_state
from detbench.training.training_checkpoints import load_checkpoint, save_checkpoint
from detbench.training.training_plan import TrainingPlan

CPU = torch.device("cpu")


def matrix(rows: int, columns: int, least: float = 1e-2) -> Tensor:
    """A random matrix whose singular values fall from 1 to `least`."""
    generator = torch.Generator().manual_seed(rows)
    left, _, right = torch.linalg.svd(torch.randn(rows, columns, generator=generator), full_matrices=False)
    return 7 * left @ torch.diag(torch.logspace(0, torch.tensor(least).log10().item(), min(rows, columns))) @ right


@pytest.mark.parametrize("shape", [(32, 288), (64, 64), (288, 32)])
def test_singular_values_become_about_one(shape: tuple[int, int]) -> None:
    """Whatever they were, and with the singular vectors kept: U·S·Vᵀ becomes nearly U·Vᵀ."""
    given = matrix(*shape)
    (turned,) = orthogonalised(given[None])
    values = torch.linalg.svdvals(turned)
    assert turned.shape == given.shape
    assert 0.65 < values.min() <= values.max() < 1.25
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    aligned = left.T @ turned @ right.T
    torch.testing.assert_close(aligned, torch.diag(aligned.diagonal()), atol=2e-3, rtol=0)


def test_the_small_square_gives_what_the_whole_matrix_gives() -> None:
    """Newton and Schulz's iteration as its authors write it, on all columns in double precision, is the judge."""
    given = matrix(48, 432)
    whole = given.double() / given.double().norm()
    for _ in range(5):
        gram = whole @ whole.T
        whole = 3.4445 * whole + (-4.7750 * gram + 2.0315 * gram @ gram) @ whole
    torch.testing.assert_close(orthogonalised(given[None])[0].double(), whole, atol=2e-4, rtol=1e-3)


def test_a_stack_is_turned_as_its_matrices_are() -> None:
    """Six matrices at once come out as one by one, to 1e-5: none leaks into another."""
    given = torch.stack([matrix(24, 216, least) * scale for least in (1e-2, 1e-1) for scale in (1e-3, 1, 50)])
    each = torch.cat([orthogonalised(one[None]) for one in given])
    torch.testing.assert_close(orthogonalised(given), each, atol=1e-5, rtol=0)


def test_weights_of_unlike_shapes_move_along_their_own_gradients() -> None:
    """Two of one shape, the second without a gradient in between, and one of another: each as if it were alone."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(32, 16, 3, 3), (16, 16, 3, 3), (32, 16, 3, 3), (32, 16, 3, 3)]
    weights = [nn.Parameter(torch.zeros(shape)) for shape in shapes]
    for index in (0, 1, 3):
        weights[index].grad = torch.randn(shapes[index], generator=generator)
    Muon(weights, 1e-3).step()
    assert not weights[2].any()
    for index in (0, 1, 3):
        alone = nn.Parameter(torch.zeros(shapes[index]))
        alone.grad = weights[index].grad
        Muon([alone], 1e-3).step()
        torch.testing.assert_close(weights[index], alone, atol=1e-8, rtol=1e-4)


def test_a_gradient_of_nothing_moves_nothing() -> None:
    """No division by zero where a convolution is cut off, and none where it has no gradient."""
    weights = [nn.Parameter(torch.ones(16, 16, 3, 3)) for _ in range(2)]
    weights[0].grad = torch.zeros_like(weights[0])
    Muon(weights, 1e-3).step()
    assert all(torch.equal(weight, torch.ones_like(weight)) for weight in weights)


def test_a_step_is_as_long_as_one_of_adam() -> None:
    """Root mean square .2 learning rates; Liu et al. found Adam's to be .2 to .4."""
    weight = nn.Parameter(torch.zeros(64, 32, 3, 3).contiguous(memory_format=torch.channels_last))
    weight.grad = torch.randn(64, 32, 3, 3, generator=torch.Generator().manual_seed(0))
    Muon([weight], 1e-3).step()
    assert weight.detach().square().mean().sqrt().item() == pytest.approx(0.2e-3, rel=0.25)
    assert (weight * weight.grad).sum() < 0


def test_only_convolutions_between_features_are_turned() -> None:
    """Neither those from and to colours nor biases."""
    conv = nn.Conv2d(16, 32, 3)
    assert uses_muon(conv.weight)
    assert not uses_muon(conv.bias)  # type: ignore[arg-type]
    assert not uses_muon(nn.Conv2d(3, 64, 7).weight)
    assert not uses_muon(nn.Conv2d(64, 3, 7).weight)


@pytest.fixture
def make_state(make_plan: Callable[..., TrainingPlan]) -> Callable[[], State]:
    """Makes states whose middle convolution is Muon's, the first and last ones Adam's."""

    def make() -> State:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3), nn.Conv2d(16, 3, 3))
        return new_state(make_plan(generator=net, optimiser="muon"), CPU)

    return make


def step(state: State) -> None:
    """One step of the generator's optimisers down the sum of its output."""
    state.generator.zero_grad()
    state.generator(torch.ones(1, 3, 12, 12)).sum().backward()
    for optimiser in state.generator_optimisers:
        optimiser.step()


def test_a_checkpoint_holds_the_momentum(make_state: Callable[[], State], tmp_path: Path) -> None:
    """Resumed, the next step is the same to the last bit."""
    state, resumed = make_state(), make_state()
    step(state)
    assert {key for key in state.tensors() if "momentum" in key} == {"generator_momentum.1.weight"}
    save_checkpoint(state, tmp_path)
    load_checkpoint(resumed, tmp_path)
    step(state)
    step(resumed)
    assert all(torch.equal(resumed.tensors()[key], tensor) for key, tensor in state.tensors().items())

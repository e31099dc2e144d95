import numpy as np
import pytest
import torch

from detbench.training.data.draws import Draws
from detbench.training.data.processes import World

CPU = torch.device("cpu")


def test_noise_is_normal_and_shares_are_even() -> None:
    """Of 48,000 values of noise the mean is 0 and the deviation 1; 1,000 shares fill 0..1, their mean a half."""
    noise, _ = Draws(3, World(), CPU).noise_and_shares(0, 64, 16)
    assert noise.shape == (64, 3, 16, 16)
    assert (noise.mean().item(), noise.std().item()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))
    _, shares = Draws(3, World(), CPU).noise_and_shares(0, 1000, 1)
    assert shares.shape == (1000,)
    assert 0 <= shares.min() < 0.02
    assert 0.98 < shares.max() < 1
    assert shares.mean().item() == pytest.approx(0.5, abs=0.03)


def test_noise_leaves_torchs_own_generator_alone() -> None:
    """What dropout draws next is the same with noise drawn before or not."""
    draws = Draws(3, World(), CPU)
    draws.seed_dropout(4)
    expected = torch.rand(3)
    draws.seed_dropout(4)
    draws.noise_and_shares(4, 2, 8)
    np.testing.assert_array_equal(torch.rand(3), expected)


def test_random_numbers_are_shared_alike() -> None:
    """Noise and shares of a batch depend on seed and number alone; each process takes its own part of them."""
    whole = Draws(1, World(), CPU).noise_and_shares(7, 4, 8)
    parts = [Draws(1, World(rank, 2), CPU).noise_and_shares(7, 2, 8) for rank in (0, 1)]
    for together, *apart in zip(whole, *parts, strict=True):
        assert torch.equal(torch.cat(apart), together)
    assert not torch.equal(Draws(1, World(), CPU).noise_and_shares(8, 4, 8)[0], whole[0])
    assert not torch.equal(Draws(2, World(), CPU).noise_and_shares(7, 4, 8)[0], whole[0])


def test_dropout_draws_anew_in_each_step_and_process() -> None:
    """torch's own generator is set by seed, step and process."""
    numbers = []
    for step, rank in ((0, 0), (1, 0), (0, 1), (0, 0)):
        Draws(1, World(rank, 2), CPU).seed_dropout(step)
        numbers.append(torch.rand(1).item())
    assert numbers[0] == numbers[3]
    assert len(set(numbers)) == 3

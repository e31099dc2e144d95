from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from detbench.training.losses.target import Target


def test_targets_are_told_apart_without_their_pixels() -> None:
    """Equal pictures are two targets: comparing tensors has no single answer, and would wait for the accelerator."""
    sharp, kernel = torch.zeros(2, 3, 4, 4), torch.ones(2, 1, 1)
    one, other = Target(sharp, kernel), Target(sharp, kernel)
    assert one != other
    assert [one, other].index(other) == 1
    assert len({one, other}) == 2


def test_a_target_is_of_the_first_step_unless_it_says_so() -> None:
    """Its step is 0; one of another step holds the very same pictures, and neither can be changed."""
    first = Target(torch.zeros(2, 3, 4, 4), torch.ones(2, 1, 1))
    later = replace(first, step=7)
    assert (first.step, later.step) == (0, 7)
    assert later.sharp is first.sharp
    with pytest.raises(FrozenInstanceError):
        first.step = 7  # type: ignore[misc]

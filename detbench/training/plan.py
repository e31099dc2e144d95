"""What one training is made of. The loop knows no network by name: they differ in a Plan's values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from detbench.training.losses import WASSERSTEIN, Contest

Optimiser = Literal["adam", "muon"]
"""What moves the generator's weights; see `muon.py` for which of them. The critic's are always Adam's."""

Measure = Callable[[Sequence[Tensor], Tensor], Tensor]
"""Restored pictures, finest scale first, and the sharp ones, to one number."""

Restore = Callable[[nn.Module, Tensor], Sequence[Tensor]]
"""A generator and blurred pictures to restored ones at each of its scales, finest first."""

Judged = Callable[[Tensor, Tensor], Tensor]
"""A picture, restored or sharp, and the blurred one to what the critic sees."""


@dataclass(frozen=True)
class WeightedLoss:
    """A content loss of the generator: `name` is what the log calls it."""

    name: str
    weight: float
    measure: Measure


def restored_alone(generator: nn.Module, blurred: Tensor) -> Sequence[Tensor]:
    """Through a generator that takes and gives pictures in -1..1, at one scale."""
    restored: Tensor = generator(blurred)
    return (restored,)


def restored_around_zero(generator: nn.Module, blurred: Tensor) -> Sequence[Tensor]:
    """Through a generator that takes a picture minus its mean, -0.5..0.5, and gives such pictures at several scales."""
    return [2 * restored for restored in generator(blurred / 2)]


def picture_alone(picture: Tensor, _blurred: Tensor) -> Tensor:
    """What a critic sees that judges a picture by itself."""
    return picture


def picture_beside_blurred(picture: Tensor, blurred: Tensor) -> Tensor:
    """What a critic of pairs sees: both pictures as six channels."""
    return torch.cat([picture, blurred], dim=1)


@dataclass(frozen=True)
class Plan:
    """A generator, a critic, and what both are trained on; pictures are RGB in -1..1, shape (N, 3, H, W).

    `restore` runs the generator and gives pictures at each of its scales, finest first. `judged` makes what the
    critic sees from a picture, restored or sharp, and the blurred one. What both play for is the `contest`; the
    critic's slope is held by a penalty where `penalty_weight` is above 0, and by clipping its weights where
    `clip_bound` is given.
    """

    architecture: str
    generator: nn.Module
    critic: nn.Module
    losses: tuple[WeightedLoss, ...]
    learning_rate: float
    betas: tuple[float, float]
    optimiser: Optimiser = "adam"
    contest: Contest = WASSERSTEIN
    adversarial_weight: float = 1.0
    penalty_weight: float = 10.0
    clip_bound: float | None = None
    average_decay: float = 0.0
    restore: Restore = restored_alone
    judged: Judged = picture_alone

"""What one training is made of. The loop knows no network by name: they differ in a Plan's values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

Measure = Callable[[Sequence[Tensor], Tensor], Tensor]
"""Restored pictures, finest scale first, and the sharp ones, to one number."""


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


def picture_alone(picture: Tensor, _blurred: Tensor) -> Tensor:
    """What a critic sees that judges a picture by itself."""
    return picture


@dataclass(frozen=True)
class Plan:
    """A generator, a critic, and what both are trained on; pictures are RGB in -1..1, shape (N, 3, H, W).

    `restore` runs the generator and gives pictures at each of its scales, finest first. `judged` makes what the
    critic sees from a picture, restored or sharp, and the blurred one. The critic's slope is held by a penalty of
    `penalty_weight`, or, where `clip_bound` is given, by clipping its weights to it.
    """

    architecture: str
    generator: nn.Module
    critic: nn.Module
    losses: tuple[WeightedLoss, ...]
    learning_rate: float
    betas: tuple[float, float]
    adversarial_weight: float = 1.0
    penalty_weight: float = 10.0
    clip_bound: float | None = None
    average_decay: float = 0.0
    restore: Callable[[nn.Module, Tensor], Sequence[Tensor]] = restored_alone
    judged: Callable[[Tensor, Tensor], Tensor] = picture_alone

"""What one training is made of. The loop knows no network by name: they differ in a Plan's values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from detbench.training.losses.content import WASSERSTEIN, Contest
from detbench.training.losses.target import WeightedLoss

Optimiser = Literal["adam", "adamw", "muon"]
"""What moves the generator's weights; see `muon.py` for which of them. The critic's are always Adam's."""

Forward = Callable[[Any, Tensor], Any]
"""A generator and blurred pictures to its output: restored pictures at each of its scales, finest first, or something
else that the plan's own losses know.
"""

Picture = Callable[[Any, Tensor], Tensor]
"""An output and the blurred pictures to the restored ones, as a critic and a person see them."""

Judged = Callable[[Tensor, Tensor], Tensor]
"""A picture, restored or sharp, and the blurred one to what the critic sees."""


def restored_alone(generator: nn.Module, blurred: Tensor) -> Sequence[Tensor]:
    """Through a generator that takes and gives pictures in -1..1, at one scale."""
    restored: Tensor = generator(blurred)
    return (restored,)


def restored_around_zero(generator: nn.Module, blurred: Tensor) -> Sequence[Tensor]:
    """Through a generator that takes a picture minus its mean, -0.5..0.5, and gives such pictures at several scales."""
    return [2 * restored for restored in generator(blurred / 2)]


def finest(output: Sequence[Tensor], _blurred: Tensor) -> Tensor:
    """The restored pictures of a generator that gives them at one or several scales."""
    return output[0]


def picture_alone(picture: Tensor, _blurred: Tensor) -> Tensor:
    """What a critic sees that judges a picture by itself."""
    return picture


def picture_beside_blurred(picture: Tensor, blurred: Tensor) -> Tensor:
    """What a critic of pairs sees: both pictures as six channels."""
    return torch.cat([picture, blurred], dim=1)


@dataclass(frozen=True)
class Plan:
    """A generator, a critic, and what both are trained on; pictures are RGB in -1..1, shape (N, 3, H, W).

    `forward` runs the generator. Its output is for the losses, and for `picture`, which makes the restored pictures of
    it. `judged` makes what the critic sees from a picture, restored or sharp, and the blurred one. What both play for
    is the `contest`; the critic's slope is held by a penalty where `penalty_weight` is above 0, and by clipping its
    weights where `clip_bound` is given. A gradient of the generator whose norm over all weights is above `clip_norm`
    is shortened to that. Sides of pictures divide by `multiple`.
    """

    architecture: str
    generator: nn.Module
    critic: nn.Module
    losses: tuple[WeightedLoss, ...]
    learning_rate: float
    betas: tuple[float, float]
    optimiser: Optimiser = "adam"
    weight_decay: float = 0.0
    contest: Contest = WASSERSTEIN
    adversarial_weight: float = 1.0
    penalty_weight: float = 10.0
    clip_bound: float | None = None
    clip_norm: float | None = None
    average_decay: float = 0.0
    forward: Forward = restored_alone
    picture: Picture = finest
    judged: Judged = picture_alone
    multiple: int = 1

    def restored(self, generator: nn.Module, blurred: Tensor) -> Tensor:
        """Blurred pictures through a generator of this plan to restored ones."""
        return self.picture(self.forward(generator, blurred), blurred)

"""What one training is made of. The loop knows no network by name: networks differ in the values of their plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from detbench.training.losses.content import WASSERSTEIN, AdversarialLoss
from detbench.training.losses.target import WeightedLoss

Optimiser = Literal["adam", "adamw", "muon"]
"""What moves the generator's weights; see `muon.py` for which of them. The critic's are always Adam's."""

Forward = Callable[[Any, Tensor], Any]
"""A generator and blurred pictures to its output: restored pictures at each of its scales, finest first, or something
else that the plan's own losses know.
"""

Picture = Callable[[Any, Tensor], Tensor]
"""An output and the blurred pictures to the restored ones, as a critic and a person see them."""

CriticInput = Callable[[Tensor, Tensor], Tensor]
"""A picture, restored or sharp, and the blurred one to the critic's input."""


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
    """The input of a critic that scores a picture by itself."""
    return picture


def concat_with_blurred(picture: Tensor, blurred: Tensor) -> Tensor:
    """The input of a critic of pairs: both pictures as six channels."""
    return torch.cat([picture, blurred], dim=1)


@dataclass(frozen=True)
class TrainingPlan:
    """A generator, a critic, and what both are trained on; pictures are RGB in -1..1, shape (N, 3, H, W).

    `forward` runs the generator. Its output is for the losses, and for `picture`, which makes the restored pictures of
    it. `critic_input` takes a picture, restored or sharp, and the blurred one. The critic's slope is held by a penalty
    where `penalty_weight` is above 0, and by clipping its weights where `clip_bound` is given. A gradient of the
    generator whose norm over all weights is above `clip_norm` is shortened to that. Pictures have sides that divide by
    `multiple`.
    """

    architecture: str
    generator: nn.Module
    critic: nn.Module
    losses: tuple[WeightedLoss, ...]
    learning_rate: float
    betas: tuple[float, float]
    optimiser: Optimiser = "adam"
    weight_decay: float = 0.0
    adversarial_loss: AdversarialLoss = WASSERSTEIN
    adversarial_weight: float = 1.0
    penalty_weight: float = 10.0
    clip_bound: float | None = None
    clip_norm: float | None = None
    average_decay: float = 0.0
    forward: Forward = restored_alone
    picture: Picture = finest
    critic_input: CriticInput = picture_alone
    multiple: int = 1

    def restored(self, generator: nn.Module, blurred: Tensor) -> Tensor:
        """Blurred pictures through a generator of this plan to restored ones."""
        return self.picture(self.forward(generator, blurred), blurred)

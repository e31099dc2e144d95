"""What a content loss measures, and against what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Target:
    """What an output is measured against.

    `sharp` pictures are RGB in -1..1, shape (N, 3, S, S). `kernel`, shape (N, K, K), is what blurred them; it is one
    point for a picture that is one of a pair, or blurred by a shake. `step` counts the generator's steps from 0 on:
    a loss may differ from step to step.
    """

    sharp: Tensor
    kernel: Tensor
    step: int = 0


Measure = Callable[[Any, Target], Tensor]
"""An output and its target to one number."""


@dataclass(frozen=True)
class WeightedLoss:
    """A content loss of the generator: `name` is what the log calls it."""

    name: str
    weight: float
    measure: Measure

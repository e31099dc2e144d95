"""How large a network is, and how much it computes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

_SIDE_PX = 256
"""Of the picture that is counted; every network here takes it as it is."""


@dataclass(frozen=True)
class Cost:
    """Learned numbers; and billions of operations per million pixels, two a multiplication, in convolutions and matrix
    products, as they are defined: a quicker way to the same result does not lower it. Fourier transforms are not
    counted.
    """

    parameters: int
    gflop_per_mpix: float


def cost_of(make: Callable[[], nn.Module], channels: int = 3) -> Cost:
    """Of the network that `make` builds, for pictures of so many channels; nothing is computed."""
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        net = make().eval()
        net(torch.empty(1, channels, _SIDE_PX, _SIDE_PX))
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return Cost(parameters, round(counter.get_total_flops() / _SIDE_PX**2 / 1e3, 1))

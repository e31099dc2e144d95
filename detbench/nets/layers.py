"""What several of the networks share."""

from abc import ABC, abstractmethod

import torch
from torch import nn


class RestorationNet(nn.Module, ABC):
    """A network from blurred pictures to restored ones."""

    @abstractmethod
    def init_as_identity(self) -> None:
        """Set weights so that what comes out is what went in, or nearly, and can be improved from there.

        Started at random, a network needs most of a small budget to learn to copy.
        """


class NormReLU(nn.Sequential):
    """Instance norm, then a ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.InstanceNorm2d(channels), nn.ReLU(inplace=True))


@torch.no_grad()
def zero_outputs_(conv: nn.Module, outputs: slice = slice(None)) -> None:
    """Set weights and bias of some of a convolution's outputs to 0."""
    for name in ("weight", "bias"):
        conv.get_parameter(name)[outputs] = 0


def initialise(module: nn.Module) -> None:
    """Weights of a convolution from N(0, 0.02), biases 0, as pix2pix and what descends from it begin."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)

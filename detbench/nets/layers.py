"""What several of the networks share."""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def is_computed_on_processor(features: Tensor) -> bool:
    """Whether features lie on a processor and are computed, not recorded for an export or a compiler.

    Then other ways than torch's layers may be the faster ones; what is recorded should hold those layers.
    """
    is_traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return features.device.type == "cpu" and not torch.compiler.is_compiling() and not is_traced


def instance_norm(features: Tensor) -> Tensor:
    """Each channel of each picture to mean 0 and variance 1; shape (N, C, H, W), H·W > 1.

    Equals `nn.InstanceNorm2d(C)` (no affine parameters, no running statistics, eps 1e-5) within rounding.
    On a processor both ways keep the channels_last memory format, which `nn.InstanceNorm2d` drops: a group norm of one
    channel a group, and, where a gradient is wanted, a batch norm of each picture, whose gradient takes a sixth of the
    time there. In a training on CUDA it is torch's own, which autocast leaves in bfloat16.
    """
    if features.is_cuda and torch.is_grad_enabled():
        return F.instance_norm(features)
    if is_computed_on_processor(features) and torch.is_grad_enabled():
        return torch.cat([F.batch_norm(picture, None, None, training=True) for picture in torch.split(features, 1)])
    return F.group_norm(features, features.shape[1])


class Pointwise(nn.Conv2d):
    """`nn.Conv2d(c, k, 1)` as the matrix product that it is in the memory format channels_last.

    torch takes a path for it on one thread of a processor that is several times slower, backwards above all.
    """

    def __init__(self, channels_in: int, channels_out: int, bias: bool = True) -> None:
        super().__init__(channels_in, channels_out, 1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) to (N, K, H, W), channels_last."""
        return F.linear(features.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)


class RestorationNet(nn.Module, ABC):
    """A network from blurred pictures to restored ones."""

    @abstractmethod
    def init_as_identity(self) -> None:
        """Set weights so that what comes out is what went in, or nearly, and can be improved from there.

        Started at random, a network needs most of a small budget to learn to copy.
        """


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

"""What several of the networks share."""

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
    Both ways keep the channels_last memory format, which `nn.InstanceNorm2d` drops: a group norm of one channel a
    group, and, where a gradient is wanted on a processor, a batch norm of each picture, whose gradient takes a sixth
    of the time there.
    """
    if is_computed_on_processor(features) and torch.is_grad_enabled():
        return torch.cat([F.batch_norm(picture, None, None, training=True) for picture in torch.split(features, 1)])
    return F.group_norm(features, features.shape[1])


def initialise(module: nn.Module) -> None:
    """Weights of a convolution from N(0, 0.02), biases 0, as pix2pix and what descends from it begin."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)

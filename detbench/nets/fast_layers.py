"""Layers of torch as processors compute them faster, with the same parameters and results; see `accelerate.py`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def is_computed_on_processor(features: Tensor) -> bool:
    """Whether features lie on a processor and are computed, not recorded for an export or a compiler.

    Then other ways than torch's layers may be the faster ones; what is recorded should hold those layers.
    """
    is_traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return features.device.type == "cpu" and not torch.compiler.is_compiling() and not is_traced


class FastInstanceNorm2d(nn.InstanceNorm2d):
    """`nn.InstanceNorm2d(C)` without affine parameters and running statistics, within rounding.

    On a processor it keeps the channels_last memory format, which `nn.InstanceNorm2d` drops: by a group norm of one
    channel a group, and, where a gradient is wanted, by a batch norm of each picture, whose gradient takes a sixth of
    the time there. In a training on CUDA it is torch's own, which autocast leaves in bfloat16.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) in and out; H·W > 1."""
        if features.is_cuda and torch.is_grad_enabled():
            return super().forward(features)
        if is_computed_on_processor(features) and torch.is_grad_enabled():
            pictures = torch.split(features, 1)
            return torch.cat([F.batch_norm(each, None, None, training=True, eps=self.eps) for each in pictures])
        return F.group_norm(features, features.shape[1], eps=self.eps)


class FastDropout(nn.Dropout):
    """`nn.Dropout(p)` that draws a random byte for each value instead of a random number, where p is of 256 parts.

    On a processor the numbers take a tenth of a training step of DeblurGAN.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Any shape, in and out."""
        dropped_bytes = self.p * 256
        is_own = self.training and not self.inplace and dropped_bytes in range(1, 256)
        if not is_own or not is_computed_on_processor(features):
            return super().forward(features)
        words = torch.empty(-(-features.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = torch.empty_like(features)
        # Drawn as the values lie, whichever axis that is along.
        lying = kept.as_strided((kept.numel(),), (1,))
        torch.ge(words.view(torch.uint8)[: kept.numel()], dropped_bytes, out=lying).mul_(1 / (1 - self.p))
        return features * kept


class PointwiseConv2d(nn.Conv2d):
    """`nn.Conv2d(C, K, 1)` as the matrix product that it is in the memory format channels_last.

    torch takes a path for it on one thread of a processor that is several times slower, backwards above all.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) to (N, K, H, W), channels_last."""
        return F.linear(features.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)

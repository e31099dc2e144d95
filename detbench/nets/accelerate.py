"""A trained NAFNet as processors compute it fastest: fewer passes over memory, the same function.

Its time goes into many cheap steps over large features. Here biases are added where a product is written, residuals are
added in place, and scales become part of a product's weights.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from detbench.nets.nafnet import Block, ChannelMixing, NAFNet, SpatialMixing, gate

_OPERATIONS = ("_convolution_pointwise", "_convolution_pointwise_")
"""What torch's own compiler makes of a convolution, and of one whose result is added to what is there."""

_POINTWISE = ([0, 0], [1, 1], [1, 1], 1)
"""Padding, stride, dilation and groups of a 1x1 convolution."""


def accelerate(net: NAFNet, dtype: torch.dtype) -> NAFNet:
    """A copy of a trained network for one picture at a time on a processor, without a gradient; weights of `dtype`.

    In bfloat16 it runs under autocast, as the network itself does. Results differ by rounding. Where torch lacks
    oneDNN, or the processor the arithmetic, the copy is the network as it is.
    """
    fast = deepcopy(net).requires_grad_(False)
    if _can_fuse(dtype):
        for stage in [module for module in fast.modules() if isinstance(module, nn.Sequential)]:
            for name, child in stage.named_children():
                if isinstance(child, Block):
                    setattr(stage, name, FusedBlock(child))
    return fast.eval().to(dtype).to(memory_format=torch.channels_last)


class FusedBlock(nn.Module):
    """A block that overwrites its features, shape (1, C, H, W), channels_last."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.spatial, self.channel = block.spatial, block.channel
        for part in (block.spatial, block.channel):
            part.project.weight *= part.scale[..., None]
            part.project.get_parameter("bias").mul_(part.scale.flatten())

    def forward(self, features: Tensor) -> Tensor:
        """The features after the block, where they were before it."""
        spatial, channel = self.spatial, self.channel
        gated = gate(spatial.depthwise(_expanded(spatial, features)))
        _project(gated.mul_(spatial.attended(gated)), spatial.project.weight, spatial.project.bias, features)
        _project(gate(_expanded(channel, features)), channel.project.weight, channel.project.bias, features)
        return features


def _can_fuse(dtype: torch.dtype) -> bool:
    has_operations = all(hasattr(torch.ops.mkldnn, operation) for operation in _OPERATIONS)
    return has_operations and (dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


def _expanded(part: SpatialMixing | ChannelMixing, features: Tensor) -> Tensor:
    """The norm and the 1x1 convolution that follows it."""
    expanded: Tensor = torch.ops.mkldnn._convolution_pointwise(
        part.norm(features), part.expand.weight, part.expand.bias, *_POINTWISE, "none", [], ""
    )
    return expanded


def _project(change: Tensor, weight: Tensor, bias: Tensor | None, features: Tensor) -> None:
    """Add a 1x1 convolution of `change` to the features in place."""
    torch.ops.mkldnn._convolution_pointwise_(features, change, weight, bias, *_POINTWISE, "add", 1.0, None, [], None)

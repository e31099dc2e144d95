"""Trained networks as processors compute them faster: the same functions, but for rounding.

The networks stand in their own files as their papers have them. `accelerate` changes how their layers compute, in a
training too. `fuse` makes a copy of a NAFNet that only restores. Its time goes into many cheap steps over large
features: there biases are added where a product is written, residuals are added in place, and scales become part of a
product's weights.
"""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn

from detbench.nets.deep_generative_filter import GROWTH, DenseBlock
from detbench.nets.fast_layers import FastDropout, FastInstanceNorm2d, PointwiseConv2d, is_computed_on_processor
from detbench.nets.nafnet import Block, ChannelMixing, NAFNet, SpatialMixing, gate
from detbench.nets.winograd import WinogradConv2d

LEAST_CHANNELS = 64
"""Convolutions from or to fewer stay direct: of 3x3 from 3 to 256 channels, Winograd's way takes twice the time."""

_OPERATIONS = ("_convolution_pointwise", "_convolution_pointwise_")
"""What torch's own compiler makes of a convolution, and of one whose result is added to what is there."""

_POINTWISE = ([0, 0], [1, 1], [1, 1], 1)
"""Padding, stride, dilation and groups of a 1x1 convolution."""

Net = TypeVar("Net", bound=nn.Module)


def accelerate(net: Net) -> Net:
    """Change, in place, how layers compute: parameters and their names stay, results differ by rounding.

    On other devices, under autocast and while it is exported, a layer is torch's own where that is the faster one.
    """
    for module in net.modules():
        module.__class__ = _faster(module)
    return net


def fuse(net: NAFNet, dtype: torch.dtype) -> NAFNet:
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


def _faster(module: nn.Module) -> type[nn.Module]:
    """The class that computes a module's function faster, else its own."""
    kind = type(module)
    if kind is nn.InstanceNorm2d and not module.state_dict():
        return FastInstanceNorm2d
    if kind is nn.Dropout:
        return FastDropout
    if kind is DenseBlock:
        return PreallocatedDenseBlock
    if kind is nn.Conv2d and isinstance(module, nn.Conv2d):
        return _faster_convolution(module)
    return kind


def _faster_convolution(conv: nn.Conv2d) -> type[nn.Conv2d]:
    if (conv.stride, conv.dilation, conv.groups) != ((1, 1), (1, 1), 1):
        return nn.Conv2d
    kernel, padding = conv.kernel_size, conv.padding
    if (kernel, padding) == ((1, 1), (0, 0)):
        return PointwiseConv2d
    is_same = (kernel, padding) in (((3, 3), (1, 1)), ((5, 5), (2, 2)))
    is_wide = min(conv.in_channels, conv.out_channels) >= LEAST_CHANNELS
    return WinogradConv2d if is_same and is_wide and conv.bias is not None else nn.Conv2d


class PreallocatedDenseBlock(DenseBlock):
    """Dense layers that write where the next ones read; to gather their features anew takes as long as the layers."""

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) to (N, C + L g, H, W), channels_last; with a gradient, or elsewhere, gathered."""
        if torch.is_grad_enabled() or not is_computed_on_processor(features):
            return super().forward(features)
        count, channels, height, width = features.shape
        total = channels + len(self) * GROWTH
        dense = features.new_empty(count, height, width, total).permute(0, 3, 1, 2)
        dense[:, :channels] = features
        for layer in self:
            dense[:, channels : channels + GROWTH] = layer(dense[:, :channels])
            channels += GROWTH
        return dense


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

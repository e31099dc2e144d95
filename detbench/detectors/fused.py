"""Convolutions of ultralytics' networks with their activation inside, on processors, as oneDNN has them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from detbench.detectors.ultralytics_safely import ultralytics

_INSIDE = {nn.SiLU: "swish", nn.Identity: "none"}
"""What oneDNN calls the activations that it can apply while a convolution's result is still in registers."""

_OPERATIONS = ("_convolution_pointwise", "_reorder_convolution_weight")
"""What torch's own compiler makes of a convolution and what follows it."""


def fuse_activations(net: Any) -> None:
    """Give a network that looks at pictures on a processor its batch norms and SiLUs inside its convolutions.

    A pass over memory less for each, and torch's slow path for small maps is left out: a YOLOv8n takes a fifth less
    time. Results differ by rounding. A torch that was built without oneDNN keeps the network as it is.
    """
    net.fuse(verbose=False)
    if not all(hasattr(torch.ops.mkldnn, operation) for operation in _OPERATIONS):
        return
    conv = ultralytics.nn.modules.conv
    for module in net.modules():
        if type(module) is nn.Conv2d:
            module.forward = _convolution(module, "none")  # type: ignore[assignment, method-assign]
        elif type(module) in (conv.Conv, conv.DWConv) and type(module.act) in _INSIDE and not hasattr(module, "bn"):
            module.forward = _convolution(module.conv, _INSIDE[type(module.act)])


def _convolution(conv: nn.Conv2d, activation: str) -> Callable[[Tensor], Tensor]:
    """The convolution and an activation as one call; the weight is laid out for it once."""
    shape = (list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups)
    weight = torch.ops.mkldnn._reorder_convolution_weight(conv.weight.detach(), *shape)
    bias = None if conv.bias is None else conv.bias.detach()

    def forward(features: Tensor) -> Tensor:
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(features, weight, bias, *shape, activation, [], "")
        return result

    return forward

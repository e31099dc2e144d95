"""Features of MobileNetV2, trained to classify ImageNet's pictures: unlike a detector's, and as cheap.

Sandler et al.: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, arXiv 1801.04381. The network is
torchvision's; its weights are met here alone.
"""

from pathlib import Path
from pickle import UnpicklingError

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from detbench.errors import WeightsError
from detbench.training.losses.perceptual import IMAGENET_DEVIATION, IMAGENET_MEAN

DEPTHS = (3, 6, 13)
"""Blocks whose features count: the last at strides 4, 8 and 16."""


class MobileNetFeatures(nn.Module):
    """Feature maps at DEPTHS. The weights are fixed; gradients pass through to the pictures."""

    def __init__(self, blocks: nn.Sequential) -> None:
        """Take the network's blocks in order, as far as the last of DEPTHS."""
        super().__init__()
        self.blocks = blocks.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION)[:, None, None])

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """RGB in -1..1, shape (N, 3, H, W), H and W multiples of 16, to features (N, C, H / 4, W / 4), …"""
        features, kept = ((pictures + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("deviation"), []
        for depth, block in enumerate(self.blocks):
            features = block(features)
            if depth in DEPTHS:
                kept.append(features)
        return kept


def load_mobilenet_features(file: Path) -> MobileNetFeatures:
    """Those of a state dict, .safetensors or .pt, with or without the classifier's tensors.

    Tensors are named as torchvision names them (`features.1.conv.0.0.weight`); in a .pt they may have other names,
    such as those of torchvision's first release, if they come in its order. Raises WeightsError for another file.
    """
    from torchvision.models import mobilenet_v2

    blocks = mobilenet_v2().features
    own, given = blocks.state_dict(prefix="features."), _read(file)
    named = given if own.keys() <= given.keys() else dict(zip(own, given.values(), strict=False))
    try:
        blocks.load_state_dict({key.removeprefix("features."): named[key] for key in own})
    except (KeyError, RuntimeError, AttributeError) as error:
        raise WeightsError(f"{file}: no MobileNetV2 of torchvision ({str(error)[:200]}); name another file") from error
    return MobileNetFeatures(blocks[: DEPTHS[-1] + 1])


def _read(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return safetensors.torch.load_file(file)
        tensors: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, UnpicklingError, RuntimeError, EOFError) as error:
        raise WeightsError(f"{file}: no weights of a MobileNetV2 ({error}); name another file") from error
    return tensors

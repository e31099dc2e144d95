"""DeblurGAN's networks as public code has them: a module of torch for every pad and norm, nothing fused."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn


class PlainResBlock(nn.Module):
    """Pad, convolution and norm as modules of their own."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256)]
        other = [nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256)]
        self.layers = nn.Sequential(*half, nn.ReLU(True), nn.Dropout(dropout), *other)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, 256, H, W) in and out."""
        return features + self.layers(features)


def plain_generator(ours: nn.Module, dropout: float = 0.5) -> nn.Module:
    """The generator up to its tanh, with the weights of ours; the global skip is left to the caller."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), nn.InstanceNorm2d(64), nn.ReLU(True)]
    for channels in (64, 128):
        down = nn.Conv2d(channels, 2 * channels, 3, 2, 1)
        layers += [down, nn.InstanceNorm2d(2 * channels), nn.ReLU(True)]
    layers += [PlainResBlock(dropout) for _ in range(9)]
    for channels in (256, 128):
        up = nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, 1)
        layers += [up, nn.InstanceNorm2d(channels // 2), nn.ReLU(True)]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh()]
    return _with_weights_of(ours, nn.Sequential(*layers))


def with_skip(plain: nn.Module) -> Callable[[Tensor], Tensor]:
    """The whole generator: what it is given added to what it makes, within limits."""
    return lambda values: torch.clamp(values + plain(values), -1, 1)


@torch.inference_mode()
def through(net: Callable[[Tensor], Tensor], pixels: np.ndarray, device: str = "cpu") -> np.ndarray:
    """A picture, 0..255, through a network that takes and gives -1..1; shape (H, W, 3) in and out, 0..1."""
    values = torch.from_numpy(pixels).to(device).permute(2, 0, 1)[None].contiguous().float() / 127.5 - 1
    return ((net(values)[0] + 1) / 2).permute(1, 2, 0).cpu().numpy()


def plain_critic(ours: nn.Module) -> nn.Module:
    """The critic with the weights of ours."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 2), nn.LeakyReLU(0.2, True)]
    for before, after, stride in ((64, 128, 2), (128, 256, 2), (256, 512, 1)):
        layers += [nn.Conv2d(before, after, 4, stride, 2), nn.InstanceNorm2d(after), nn.LeakyReLU(0.2, True)]
    return _with_weights_of(ours, nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 2)))


def _with_weights_of(ours: nn.Module, plain: nn.Module) -> nn.Module:
    plain.load_state_dict(dict(zip(plain.state_dict(), ours.state_dict().values(), strict=True)))
    return plain

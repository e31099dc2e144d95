"""The blur of a batch of crops, on the training device: there it never holds a fast accelerator up."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import Tensor

from detbench.training.data.crops import Crop


class Batch(NamedTuple):
    """Crops with a leading axis N; see `Crop` for the rest."""

    scene: Tensor
    sharp: Tensor
    kernel: Tensor
    gamma: Tensor
    noise: Tensor
    gain: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on a device, sent while the caller goes on where the memory is pinned."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))


def collate(crops: Sequence[Crop]) -> Batch:
    """Crops of one size as a batch."""
    return Batch(*(torch.from_numpy(np.stack(parts)) for parts in zip(*crops, strict=True)))


def blur_batch(batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Blurred and sharp pictures, RGB in -1..1, shape (N, 3, S, S), channels_last.

    `noise`, (N, 3, S, S), is standard normal. Blurred pictures are rounded to grey levels, as stored ones are; each
    equals `detbench.blur.kernels.convolve` of its picture within a level, single precision being the difference.
    """
    gamma, sigma = batch.gamma[:, None, None, None], batch.noise[:, None, None, None]
    # What the gain of the light does to stored values; exactly 1 where it is 1.
    brighter = batch.gain[:, None, None, None] ** (1 / gamma)
    light = (_pictures(batch.scene) * brighter) ** gamma
    stored = _convolved(light, batch.kernel, noise.shape[-1]).clamp(0, 1) ** (1 / gamma)
    levels = (stored * 255 + sigma * noise).round().clamp(0, 255)
    return _channels_last(levels / 127.5 - 1), _channels_last((_pictures(batch.sharp) * brighter).clamp(max=1) * 2 - 1)


def _pictures(levels: Tensor) -> Tensor:
    """(N, H, W, 3), 0..255, to (N, 3, H, W), 0..1."""
    return levels.permute(0, 3, 1, 2).float() / 255


def _convolved(light: Tensor, kernel: Tensor, crop_px: int) -> Tensor:
    """Each picture with its own kernel, in the middle `crop_px`; kernels are as wide as both margins and a pixel."""
    side = next_fast_len(light.shape[-1], real=True)
    spectrum = torch.fft.rfft2(light, s=(side, side)) * torch.fft.rfft2(kernel, s=(side, side))[:, None]
    # Its first row and column count as the kernel's origin, so everything is late by a margin; what wraps is margin.
    reach = kernel.shape[-1] - 1
    inside = slice(reach, reach + crop_px)
    blurred: Tensor = torch.fft.irfft2(spectrum, s=(side, side))
    return blurred[..., inside, inside]


def _channels_last(pictures: Tensor) -> Tensor:
    return pictures.contiguous(memory_format=torch.channels_last)

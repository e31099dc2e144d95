"""Pictures and kernels by their frequencies: what a blur does to each, on a canvas that repeats without a step.

Everywhere in this package a picture is a tensor (N, C, H, W) of light, about 0..1, and a kernel is (N, K, K) with K odd,
no negative weight, sum 1 and its middle where it moves nothing: I_B = k ∗ I_S + noise, N pictures at a time.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

MARGIN = 8
"""Pixels that a canvas adds to the reach of the kernel, so that what wraps around stays outside the picture."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """Blurred pictures laid on a larger torus: `light` (N, C, H', W'), `response` (N, 1, H', W' // 2 + 1) of the kernels.

    The borders go on by reflection and fade into their own blur, so that the canvas is nearly what a blur on the torus
    would have left.
    """

    light: Tensor
    response: Tensor
    top: int
    left: int
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the canvas."""
        return self.light.shape[-2], self.light.shape[-1]

    def cropped(self, pictures: Tensor) -> Tensor:
        """The pictures' own part of tensors on this canvas."""
        return pictures[..., self.top : self.top + self.height, self.left : self.left + self.width]


def lay_out(pictures: Tensor, kernels: Tensor) -> Canvas:
    """Lay blurred pictures on a canvas that leaves each side room for the kernels; any size of picture."""
    height, width = pictures.shape[-2:]
    margin = kernels.shape[-1] // 2 + MARGIN
    rows, columns = fast_length(height + 2 * margin), fast_length(width + 2 * margin)
    padded = _reflected(pictures, (margin, rows - height - margin, margin, columns - width - margin))
    response = transfer(kernels, (rows, columns))
    weight = taper((rows, columns), margin).to(pictures.device)
    blurred = torch.fft.irfft2(torch.fft.rfft2(padded) * response, s=(rows, columns))
    return Canvas(torch.lerp(blurred, padded, weight), response, margin, margin, height, width)


def transfer(kernels: Tensor, size: tuple[int, int]) -> Tensor:
    """What kernels (N, K, K) do to each frequency of a torus of `size`, at least K a side: (N, 1, H, W // 2 + 1)."""
    side = kernels.shape[-1]
    torus = kernels.new_zeros((len(kernels), 1, *size))
    torus[:, 0, :side, :side] = kernels
    return torch.fft.rfft2(torch.roll(torus, (-(side // 2), -(side // 2)), (2, 3)))


def gradient_power(size: tuple[int, int], device: torch.device) -> Tensor:
    """Power of both difference filters at each frequency of a torus, 0..8, shape (H, W // 2 + 1)."""
    rows = torch.fft.fftfreq(size[0], device=device)[:, None]
    columns = torch.fft.rfftfreq(size[1], device=device)[None]
    return 4 - 2 * torch.cos(2 * math.pi * rows) - 2 * torch.cos(2 * math.pi * columns)


def gradients(pictures: Tensor) -> Tensor:
    """Differences to the right and downwards, (N, 1, H, W) to (N, 2, H, W); 0 at the last column and row."""
    padded = F.pad(pictures, (0, 1, 0, 1), mode="replicate")
    here = padded[..., :-1, :-1]
    return torch.cat([padded[..., :-1, 1:] - here, padded[..., 1:, :-1] - here], 1)


def taper(size: tuple[int, int], margin: int) -> Tensor:
    """Weights that rise from 0 outside to 1 within `margin` pixels of each border, (H, W)."""

    def one(length: int) -> Tensor:
        reach = min(margin, length // 2)
        weights = torch.ones(length)
        ramp = 0.5 - 0.5 * torch.cos(torch.arange(1, reach + 1) * math.pi / (reach + 1))
        weights[:reach], weights[length - reach :] = ramp, ramp.flip(0)
        return weights

    return one(size[0])[:, None] * one(size[1])[None]


def fast_length(length: int) -> int:
    """The next even number that a Fourier transform takes quickly: no prime factor above 5."""
    while length % 2 or _without_small_factors(length) != 1:
        length += 1
    return length


def _without_small_factors(number: int) -> int:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number


def _reflected(pictures: Tensor, margins: tuple[int, int, int, int]) -> Tensor:
    """Pad (top, bottom, left, right) by reflection, over and over where a picture is smaller than its margin."""
    top, bottom, left, right = margins
    rows = _mirror(pictures.shape[-2], top, bottom).to(pictures.device)
    columns = _mirror(pictures.shape[-1], left, right).to(pictures.device)
    return pictures[..., rows, :][..., columns]


def _mirror(length: int, before: int, after: int) -> Tensor:
    """Places 0..length - 1, going on as a mirror does that does not repeat the edge."""
    period = max(2 * (length - 1), 1)
    places = torch.arange(-before, length + after) % period
    return torch.where(places < length, places, period - places)

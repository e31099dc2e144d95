"""Kernels from gradients by least squares, and kernels made plausible: no specks, centred, of another size."""

import math

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from detbench.deconvolution.spectra import gradients, taper

SPECK = 0.05
"""Parts of a kernel whose every weight is below this share of its largest are noise."""

ISLAND = 0.1
"""Connected parts of a kernel with less than this share of its sum are noise."""

NOTHING = 1e-20
"""Power below which a sharp picture has no gradient to go by; its kernel is 0."""


def kernel_between(sharp: Tensor, blurred: Tensor, radius: int, damping: float, faintest: float = SPECK) -> Tensor:
    """The tidy kernel (N, K, K), K = 2 · radius + 1, that blurs one picture (N, 1, H, W) into the other."""
    trust = torch.ones_like(sharp)
    return tidied(least_squares(gradients(sharp), gradients(blurred), trust, damping, radius), faintest)


def least_squares(sharp: Tensor, blurred: Tensor, weight: Tensor, damping: float | Tensor, radius: int) -> Tensor:
    """argmin |k ∗ sharp − blurred|² + damping · |k|²: kernels (N, K, K) with K = 2 · radius + 1, by Cho and Lee, 2009.

    `sharp` and `blurred` are gradients (N, 2, H, W); `weight` (N, 1, H, W) is the trust in the sharp ones;
    `damping` is in shares of their mean power. Borders fade out over a radius. Sides are above twice the radius.
    """
    size = (sharp.shape[-2], sharp.shape[-1])
    window = taper(size, max(4, radius)).to(sharp.device)
    cause, effect = torch.fft.rfft2(sharp * weight * window), torch.fft.rfft2(blurred * window)
    power = cause.abs().square().sum(1)
    damped = (power + damping * power.mean((1, 2), keepdim=True)).clamp(min=NOTHING)
    cross = (cause.conj() * effect).sum(1) / damped
    torus = torch.fft.irfft2(cross, s=size)
    return torch.roll(torus, (radius, radius), (1, 2))[:, : 2 * radius + 1, : 2 * radius + 1]


def tidied(kernels: Tensor, faintest: float = SPECK) -> Tensor:
    """Without negative weights, specks and islands; each sums to 1. One without any weight becomes a point.

    Weights down to `faintest`, as a share of a kernel's largest, stay where they touch a part that stays. This is
    hysteresis as in Canny, PAMI 8(6), 1986: where a path was quick, its weights are faint, but they lead somewhere.
    """
    positive = kernels.clamp(min=0)
    kept = positive * (positive > faintest * positive.amax((1, 2), keepdim=True))
    mainland = np.stack([_without_islands(kernel) for kernel in kept.cpu().numpy()])
    middle = mainland.shape[-1] // 2
    mainland[mainland.sum((1, 2)) == 0, middle, middle] = 1
    return normalised(torch.from_numpy(mainland).to(kernels.device))


def normalised(kernels: Tensor) -> Tensor:
    """Each divided by its sum."""
    return kernels / (kernels.sum((1, 2), keepdim=True) + 1e-8)


def _without_islands(
    kernel: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    count, drawn = cv2.connectedComponents((kernel > 0).astype(np.uint8), connectivity=8)
    parts = drawn.ravel().astype(np.intp)
    peaks = np.zeros(count, np.float32)
    np.maximum.at(peaks, parts, kernel.ravel())
    sums = np.bincount(parts, kernel.ravel(), minlength=count)
    stays = (sums >= ISLAND * kernel.sum()) & (peaks > SPECK * kernel.max())
    kept: NDArray[np.float32] = kernel * stays[parts].reshape(kernel.shape)
    return kept


def point(radius: int, device: torch.device) -> Tensor:
    """The kernel of no blur, (1, K, K)."""
    kernel = torch.zeros(1, 2 * radius + 1, 2 * radius + 1, device=device)
    kernel[0, radius, radius] = 1
    return kernel


def short_line(downwards: int, across: int, device: torch.device) -> Tensor:
    """Three pixels in a row through the middle, a step of (downwards, across) each, (1, 5, 5)."""
    kernel = torch.zeros(1, 5, 5, device=device)
    for step in (-1, 0, 1):
        kernel[0, 2 + step * downwards, 2 + step * across] = 1 / 3
    return kernel


def resized(kernels: Tensor, radius: int) -> Tensor:
    """The same path at another scale, (N, K, K) to the given radius, each summing to 1."""
    size = (2 * radius + 1, 2 * radius + 1)
    bent = F.interpolate(kernels[:, None], size=size, mode="bicubic", align_corners=True)[:, 0]
    return normalised(bent.clamp(min=0))


def cropped_or_padded(kernels: Tensor, radius: int) -> Tensor:
    """The same kernels with another border: zeros added, or weights beyond the radius dropped."""
    change = radius - kernels.shape[-1] // 2
    return normalised(F.pad(kernels, (change, change, change, change)))


def centroids(kernels: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns of the centroids, from the middle, (N,) each."""
    places = torch.arange(kernels.shape[-1], device=kernels.device) - kernels.shape[-1] // 2
    return (kernels.sum(2) * places).sum(1), (kernels.sum(1) * places).sum(1)


def centred(kernels: Tensor) -> Tensor:
    """Moved by whole pixels so that the centroid lies in the middle pixel."""
    rows, columns = centroids(kernels)
    moved = [
        torch.roll(kernel, (-round(float(row)), -round(float(column))), (0, 1))
        for kernel, row, column in zip(kernels, rows, columns, strict=True)
    ]
    return torch.stack(moved)


def centred_exactly(kernels: Tensor) -> Tensor:
    """Moved by fractions of a pixel so that the centroid is the middle, as Fourier's shift theorem has it.

    It grows by a border as wide as the shift, so that no weight comes in again on the other side. A kernel that is off
    its centroid moves the picture, which costs more PSNR than many a wrong kernel.
    """
    rows, columns = centroids(kernels)
    border = math.ceil(float(torch.stack([rows, columns]).abs().max()))
    kernels = F.pad(kernels, (border, border, border, border))
    frequencies = torch.fft.fftfreq(kernels.shape[-1], device=kernels.device)
    phase = frequencies[:, None] * rows[:, None, None] + frequencies[None] * columns[:, None, None]
    moved: Tensor = torch.fft.ifft2(torch.fft.fft2(kernels) * torch.exp(2j * math.pi * phase)).real
    return moved


def trimmed(kernels: Tensor, extra: int) -> Tensor:
    """With no more border than `extra` pixels around the weights."""
    return cropped_or_padded(kernels, max(reach(kernels) + extra, 1))


def spread(kernels: Tensor) -> Tensor:
    """Standard deviation of the weights' places around their centroids, in pixels, (N,)."""
    places = torch.arange(kernels.shape[-1], device=kernels.device).float() - kernels.shape[-1] // 2
    rows, columns = centroids(kernels)
    squares = (kernels.sum(2) * places.square()).sum(1) + (kernels.sum(1) * places.square()).sum(1)
    return (squares - rows.square() - columns.square()).clamp(min=0).sqrt()


def likeness(first: Tensor, second: Tensor) -> float:
    """Cosine between two kernels (1, K, K) of one size, 0..1, each centred and averaged over 3x3 pixels."""
    return float(F.cosine_similarity(_averaged(first), _averaged(second), dim=0))


def _averaged(kernel: Tensor) -> Tensor:
    """The centred kernel, averaged over 3x3 pixels, as a vector."""
    return F.avg_pool2d(F.pad(centred(kernel)[None], (1, 1, 1, 1)), 3, stride=1).flatten()


def reach(kernels: Tensor) -> int:
    """Pixels from the middle to the farthest weight of any of them, along an axis."""
    rows, columns = (kernels.amax(0) > 0).nonzero(as_tuple=True)
    middle = kernels.shape[-1] // 2
    return int(torch.stack([rows, columns]).sub(middle).abs().amax()) if len(rows) else 0

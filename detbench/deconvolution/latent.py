"""The latent picture behind a blurred one, told the kernel, under a prior on its gradients.

Half-quadratic splitting, as in Wang et al., "A New Alternating Minimization Algorithm for Total Variation Image
Reconstruction", SIAM Journal on Imaging Sciences 1(3), 2008: the gradients are replaced by free variables that are shrunk
by the prior, and the picture follows from them by one division of spectra, with a weight that ties the two ever closer.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from detbench.deconvolution.spectra import Canvas, gradient_power, lay_out

Shrink = Callable[[Tensor, Tensor, float], None]
"""Shrinks horizontal and vertical differences in place, for one weight of the tie."""

TIGHTEST = 1e3
"""The last weight of the tie between the gradients and their shrunken twins when few edges are asked for."""


def few_edges(blurred: Tensor, kernels: Tensor, edge_cost: float, factor: float = 4.0) -> Tensor:
    """argmin |k ∗ x − y|² + edge_cost · (number of pixels with a gradient): Xu, Zheng, Jia, CVPR 2013.

    The weight of the tie grows by `factor` a round from 2 · edge_cost, so a smaller factor takes longer and comes closer.
    """
    return half_quadratic(lay_out(blurred, kernels), _keep_strong(edge_cost), growing(2 * edge_cost, factor, TIGHTEST))


def total_variation(blurred: Tensor, kernels: Tensor, strength: float, rounds: int = 6) -> Tensor:
    """argmin strength / 2 · |k ∗ x − y|² + |∂x| + |∂y|; about 4,000 suits clean pictures, 1,100 noise of 3 grey levels."""
    weights = [2.83**step / strength for step in range(rounds)]
    return half_quadratic(lay_out(blurred, kernels), _soften(strength), weights)


def half_quadratic(canvas: Canvas, shrink: Shrink, weights: Sequence[float]) -> Tensor:
    """Shrink the gradients, then solve for the picture, once for each weight of the tie; returns the pictures' part."""
    size = canvas.size
    steepness = gradient_power(size, canvas.light.device)
    seen = (canvas.response.conj() * torch.fft.rfft2(canvas.light)).resolve_conj()
    power = canvas.response.abs().square()
    x = canvas.light
    for weight in weights:
        across, down = differences(x)
        shrink(across, down, weight)
        spectrum = torch.fft.rfft2(divergence(across, down))
        # Real numbers one by one: torch's products of complex ones by a real number take twice the time.
        torch.view_as_real(spectrum).mul_(weight).add_(torch.view_as_real(seen))
        spectrum.mul_(torch.add(power, steepness, alpha=weight).add_(1e-8).reciprocal_())
        x = torch.fft.irfft2(spectrum, s=size)
    return canvas.cropped(x)


def growing(first: float, factor: float, last: float) -> list[float]:
    """first, first · factor, … below `last`."""
    weights = []
    while first < last:
        weights.append(first)
        first *= factor
    return weights


def differences(x: Tensor) -> tuple[Tensor, Tensor]:
    """To the right and downwards on a torus."""
    across, down = torch.empty_like(x), torch.empty_like(x)
    torch.sub(x[..., 1:], x[..., :-1], out=across[..., :-1])
    torch.sub(x[..., :1], x[..., -1:], out=across[..., -1:])
    torch.sub(x[..., 1:, :], x[..., :-1, :], out=down[..., :-1, :])
    torch.sub(x[..., :1, :], x[..., -1:, :], out=down[..., -1:, :])
    return across, down


def divergence(across: Tensor, down: Tensor) -> Tensor:
    """The transpose of `differences`."""
    total = torch.add(across, down).neg_()
    total[..., 1:].add_(across[..., :-1])
    total[..., :1].add_(across[..., -1:])
    total[..., 1:, :].add_(down[..., :-1, :])
    total[..., :1, :].add_(down[..., -1:, :])
    return total


def _keep_strong(edge_cost: float) -> Shrink:
    def shrink(across: Tensor, down: Tensor, weight: float) -> None:
        strong = across.square().addcmul_(down, down).gt_(edge_cost / weight)
        across.mul_(strong)
        down.mul_(strong)

    return shrink


def _soften(strength: float) -> Shrink:
    def shrink(across: Tensor, down: Tensor, weight: float) -> None:
        bound = 1 / (weight * strength)
        for part in (across, down):
            part.sub_(part.clamp(-bound, bound))

    return shrink

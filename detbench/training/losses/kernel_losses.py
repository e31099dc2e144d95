"""What a network that estimates blur kernels is trained on, and how a plan runs it.

Kernels have shape (N, K, K), no negative weight and the sum 1. The network sees grey pictures in 0..1; a plan's
pictures are RGB in -1..1. Each loss is one number; those of kernels and edges are 0 for a network that is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from detbench.deconvolution.filters import continued, wiener
from detbench.deconvolution.kernel_cleaning import cropped_or_padded
from detbench.deconvolution.spectra import gradients, grey, lay_out
from detbench.nets.blind_kernel import RADIUS, BlindKernel, Guess, shrunk
from detbench.training.losses.target import Target

BALANCE = 0.03
"""Of the Wiener filter that makes pictures while training."""

LEAST_POWER = 0.003
"""Added to a kernel's squared sum: the errors of long, faint kernels would else outweigh all others."""

LEAST_EDGE = 0.001
"""Added to the mean gradient of sharp pictures, which may be all sky."""


@dataclass(frozen=True, eq=False)
class KernelOutput:
    """What the network found in grey pictures (N, 1, H, W): the kernels (N, 65, 65), and the guesses before them."""

    grey: Tensor
    kernel: Tensor
    guesses: Sequence[Guess]


def estimated(net: BlindKernel, blurred: Tensor) -> KernelOutput:
    """Blurred pictures (N, 3, H, W), H and W multiples of 4, through the network."""
    seen = _seen(blurred)
    return KernelOutput(seen, *net.rounds(seen))


def filtered(output: KernelOutput, blurred: Tensor) -> Tensor:
    """The pictures as Wiener's filter restores them with the kernels found, in the light in which they are stored."""
    restored = wiener(continued((blurred + 1) / 2, output.kernel), BALANCE)
    return restored.clamp(0, 1) * 2 - 1


def kernel_loss(output: KernelOutput, target: Target) -> Tensor:
    """`kernel_error` of the last kernel."""
    return kernel_error(output.kernel, _true(target))


def filtered_loss(output: KernelOutput, target: Target) -> Tensor:
    """Mean absolute difference between the grey sharp picture and what the last kernel and Wiener's filter make."""
    return (wiener(lay_out(output.grey, output.kernel), BALANCE) - _seen(target.sharp)).abs().mean()


def guess_loss(output: KernelOutput, target: Target) -> Tensor:
    """The sum over the guesses of `kernel_error` beside the true kernel at their scale."""
    true = _true(target)
    return torch.stack([kernel_error(guess.kernel, coarser(true, guess.shrink)) for guess in output.guesses]).sum()


def edge_loss(output: KernelOutput, target: Target) -> Tensor:
    """The sum over the guesses of how far their gradients are from the sharp ones, in units of those' mean size."""
    sharp = _seen(target.sharp)
    errors = []
    for guess in output.guesses:
        true = gradients(shrunk(sharp, guess.shrink))
        errors.append((guess.edges - true).abs().mean() / (true.abs().mean() + LEAST_EDGE))
    return torch.stack(errors).sum()


def kernel_error(found: Tensor, true: Tensor) -> Tensor:
    """Mean of (|d|² + 3 · |d̄|²) / (|true|² + LEAST_POWER); d = found − true, d̄ its means over 3 × 3 weights.

    The second term forgives a path that is off by a pixel before one that is somewhere else.
    """
    difference = (found - true)[:, None]
    around = F.avg_pool2d(difference, 3, stride=1)
    power = true.square().sum((1, 2)) + LEAST_POWER
    return ((difference.square().sum((1, 2, 3)) + 3 * around.square().sum((1, 2, 3))) / power).mean()


def coarser(kernels: Tensor, shrink: int) -> Tensor:
    """Kernels (N, 65, 65) as they are in pictures shrunk by a factor: each weight is shared by the nearest two places
    of each axis, as far as it is from them. The sum and the middle stay.
    """
    here = torch.arange(-RADIUS, RADIUS + 1, device=kernels.device) / shrink
    there = torch.arange(-(RADIUS // shrink), RADIUS // shrink + 1, device=kernels.device)
    shares = (1 - (there[:, None] - here).abs()).clamp(min=0)
    # These are no products of a network: autocast is not to round them.
    with torch.autocast(kernels.device.type, enabled=False):
        return shares @ kernels @ shares.T


def _seen(pictures: Tensor) -> Tensor:
    return grey((pictures + 1) / 2)


def _true(target: Target) -> Tensor:
    return cropped_or_padded(target.kernel, RADIUS)

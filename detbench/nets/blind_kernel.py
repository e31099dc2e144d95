"""A network that estimates the blur kernel of a picture; the picture itself is left to deconvolution.

At a quarter, a half and the full size a small net sees the blurred grey picture and the last guess at the sharp one,
and predicts the sharp picture's gradients with a weight for each. Least squares in the Fourier domain then give the
kernel, and the kernel by Wiener's filter the next guess. The edges that a kernel is read from are learned, as in
Schuler et al., "Learning to Deblur", TPAMI 2016, arXiv 1406.7444; the rest is the classical pipeline of Cho and Lee,
"Fast Motion Deblurring", SIGGRAPH Asia 2009. A last net cleans the kernel of all three scales.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.deconvolution.filters import wiener
from detbench.deconvolution.kernel_cleaning import least_squares, normalised
from detbench.deconvolution.spectra import gradients, lay_out

RADIUS = 32
"""Of the kernels, in pixels of the picture that the network sees."""

MULTIPLE = 4
"""Sides of pictures must divide by it."""

LEAST_PX = 68
"""Of a side: the smallest such multiple that holds a kernel."""


@dataclass(frozen=True)
class PyramidLevel:
    """One level: pictures are shrunk by `shrink`; the net has `blocks` residual blocks of `width` channels and runs
    `rounds` times.
    """

    shrink: int
    width: int
    blocks: int
    rounds: int


SCALES = (PyramidLevel(4, 40, 5, 1), PyramidLevel(2, 32, 4, 1), PyramidLevel(1, 16, 3, 2))


@dataclass(frozen=True, eq=False)
class Guess:
    """What one round gave: the kernel (N, K, K) at that scale, and the predicted sharp gradients (N, 2, h, w)."""

    shrink: int
    kernel: Tensor
    edges: Tensor


class EdgeNet(nn.Module):
    """Blurred grey picture and the last guess, (N, 1, H, W) each, to sharp gradients (N, 2, H, W) and their weights
    (N, 1, H, W).
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.head, self.tail = nn.Conv2d(4, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)
        self.body = nn.ModuleList(_residual(width, 1) for _ in range(blocks))
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.get_parameter("bias"))

    def forward(self, blurred: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
        """Begins with the guess's own gradients, all of them trusted."""
        mean, spread = blurred.mean((2, 3), keepdim=True), blurred.std((2, 3), keepdim=True) + 0.02
        edges = gradients(guess)
        seen = torch.cat([(blurred - mean) / spread, (guess - mean) / spread, edges / spread], 1)
        features = self.head(seen.contiguous(memory_format=torch.channels_last))
        for block in self.body:
            features = features + block(features)
        change = self.tail(features).float()
        return edges + change[:, :2] * spread, torch.sigmoid(change[:, 2:] + 2)


class CleaningNet(nn.Module):
    """Least-squares kernels of three scales at one size, (N, 3, K, K), to one clean kernel (N, K, K)."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.head, self.tail = nn.Conv2d(5, width, 3, padding=1), nn.Conv2d(width, 1, 3, padding=1)
        self.body = nn.ModuleList(_residual(width, dilation) for dilation in (1, 2, 4, 1))
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.get_parameter("bias"))

    def forward(self, kernels: Tensor) -> Tensor:
        """Begins with the finest kernel."""
        scaled = kernels / (kernels[:, :1].amax((2, 3), keepdim=True) + 1e-6)
        line = torch.linspace(-1, 1, kernels.shape[-1], device=kernels.device)
        places = torch.stack(torch.meshgrid(line, line, indexing="ij"))[None].expand(len(kernels), -1, -1, -1)
        features = self.head(torch.cat([scaled, places], 1))
        for block in self.body:
            features = features + block(features)
        return normalised(F.relu(scaled[:, :1] + self.tail(features).float())[:, 0])


class BlindKernel(nn.Module):
    """Grey picture (N, 1, H, W) in 0..1 to its kernel (N, 65, 65). 280,939 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.ModuleList(EdgeNet(scale.width, scale.blocks) for scale in SCALES)
        count = len(SCALES)
        self.log_damping = nn.Parameter(torch.full((count,), -3.0))
        self.logit_speck = nn.Parameter(torch.full((count,), -3.0))
        self.log_balance = nn.Parameter(torch.full((count,), -3.5))
        self.clean = CleaningNet()

    def forward(self, blurred: Tensor) -> Tensor:
        """The kernel alone; H and W are multiples of 4."""
        return self.rounds(blurred)[0]

    def rounds(self, blurred: Tensor) -> tuple[Tensor, list[Guess]]:
        """The kernel, and every guess on the way to it, coarse to fine."""
        guesses: list[Guess] = []
        sharp = None
        for index, scale in enumerate(SCALES):
            seen = shrunk(blurred, scale.shrink)
            sharp = seen if sharp is None else F.interpolate(sharp, size=seen.shape[-2:], mode="bilinear")
            for _ in range(scale.rounds):
                edges, weight = self.edges[index](seen, sharp)
                found = least_squares(
                    edges, gradients(seen), weight, self.log_damping[index].exp(), RADIUS // scale.shrink
                )
                kernel = without_specks(found, torch.sigmoid(self.logit_speck[index]))
                sharp = wiener(lay_out(seen, kernel), self.log_balance[index].exp()).clamp(-0.2, 1.2)
                guesses.append(Guess(scale.shrink, kernel, edges))
        last = {guess.shrink: guess.kernel for guess in guesses}
        return self.clean(torch.stack([_enlarged(last[scale.shrink]) for scale in reversed(SCALES)], 1)), guesses


def shrunk(pictures: Tensor, factor: int) -> Tensor:
    """Each square of pixels averaged."""
    return F.avg_pool2d(pictures, factor) if factor > 1 else pictures


def without_specks(kernels: Tensor, share: Tensor) -> Tensor:
    """A share of the largest weight taken from all, none left negative; each sums to 1. It can be trained through."""
    return normalised(F.relu(kernels - share * kernels.amax((1, 2), keepdim=True)))


def _residual(width: int, dilation: int) -> nn.Sequential:
    return nn.Sequential(
        nn.SiLU(),
        nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
        nn.SiLU(),
        nn.Conv2d(width, width, 3, padding=1),
    )


def _enlarged(kernels: Tensor) -> Tensor:
    side = 2 * RADIUS + 1
    return normalised(F.interpolate(kernels[:, None], size=(side, side), mode="bilinear")[:, 0])

"""What a generator and a critic are trained on: pure functions of pictures and scores.

Pictures are RGB in -1..1, shape (N, 3, H, W); scores are a critic's, one or a map of them for each picture. A loss is
one number.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Critic = Callable[[Tensor], Tensor]
"""Pictures to scores, higher for sharper ones."""

ScoreLoss = Callable[[Tensor], Tensor]
"""A critic's scores to one number."""


def l1(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (restored - sharp).abs().mean()


def l2(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean squared difference."""
    return (restored - sharp).square().mean()


def charbonnier(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean of sqrt(d² + 1e-6) over the differences d: the absolute difference, round at 0.

    Charbonnier et al.: "Two deterministic half-quadratic regularization algorithms for computed imaging", ICIP 1994.
    """
    return ((restored - sharp).float().square() + 1e-6).sqrt().mean()


def spectrum(restored: Tensor, sharp: Tensor) -> Tensor:
    """Mean absolute difference of the pictures' Fourier coefficients, scaled to keep a picture's energy.

    In single precision, as torch has no transform of bfloat16. Cho et al.: "Rethinking Coarse-to-Fine Approach in
    Single Image Deblurring", ICCV 2021, arXiv 2108.05054.
    """
    coefficients: Tensor = torch.fft.rfft2((restored - sharp).float(), norm="ortho")
    return coefficients.abs().mean()


@dataclass(frozen=True)
class AdversarialLoss:
    """Losses of a critic's scores: the critic lowers `real` of the sharp pictures' and `fake` of the restored ones',
    the generator lowers `generator` of the restored ones'.
    """

    real: ScoreLoss
    fake: ScoreLoss
    generator: ScoreLoss


WASSERSTEIN = AdversarialLoss(
    real=lambda scores: -scores.mean(), fake=lambda scores: scores.mean(), generator=lambda scores: -scores.mean()
)
"""The critic's mean score of sharp pictures against that of restored ones; its slope has to be held."""

CROSS_ENTROPY = AdversarialLoss(
    real=lambda scores: F.softplus(-scores).mean(),
    fake=lambda scores: F.softplus(scores).mean(),
    generator=lambda scores: F.softplus(-scores).mean(),
)
"""Scores are log-odds of being sharp: the critic classifies, and the generator wants its pictures classed as sharp.

Goodfellow et al.: "Generative Adversarial Nets", NeurIPS 2014, arXiv 1406.2661, with the loss that does not saturate.
"""


def gradient_penalty(critic: Critic, sharp: Tensor, restored: Tensor, shares: Tensor) -> Tensor:
    """How far the critic's slope between sharp and restored pictures is from 1: mean of (‖∇‖₂ - 1)².

    `shares`, shape (N,), 0..1, place one point on the way from each restored picture (0) to its sharp one (1). The
    norm is that of a sample's whole gradient, over all pixels and channels. Gulrajani et al., "Improved Training of
    Wasserstein GANs", NeurIPS 2017, arXiv 1704.00028, algorithm 1.
    """
    between = torch.lerp(restored, sharp, shares[:, None, None, None]).requires_grad_()
    # Samples do not meet in the critic, so the gradient of the summed scores is each sample's own.
    scores = critic(between).reshape(len(between), -1).mean(dim=1).sum()
    (gradient,) = torch.autograd.grad(scores, between, create_graph=True)
    slopes: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (slopes - 1).square().mean()


@torch.no_grad()
def clip_weights(critic: nn.Module, bound: float) -> None:
    """Hold every weight in [-bound, bound], the older way to bound a critic's slope.

    Arjovsky, Chintala, Bottou: "Wasserstein GAN", ICML 2017, arXiv 1701.07875.
    """
    for parameter in critic.parameters():
        parameter.clamp_(-bound, bound)

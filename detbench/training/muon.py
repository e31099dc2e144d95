"""Muon: steps along the orthogonalised momentum of a convolution's gradients.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. Steps are as long as Adam's would be, so
that one learning rate serves both: Liu et al., "Muon is Scalable for LLM Training", 2025, arXiv 2502.16982.
"""

from collections.abc import Iterable
from math import sqrt

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

MOMENTUM = 0.95
LEAST_CHANNELS = 16
"""Convolutions from or to fewer are left to Adam: colours are no features, and a thin matrix has little to turn."""

_ROUNDS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315  # Jordan et al.'s quintic: it drives singular values to between .7 and 1.2
_ADAMS_RMS = 0.2  # of a step, in learning rates (Liu et al.)


def turns(parameter: nn.Parameter) -> bool:
    """Whether Muon is for it: the weight of a convolution between features."""
    return parameter.ndim == 4 and min(parameter.shape[:2]) >= LEAST_CHANNELS


class Muon(Optimizer):
    """For weights of convolutions, shape (K, C, h, w), each seen as a matrix of K rows.

    torch.optim.Muon takes matrices alone, and works on all of their columns in every round, which on a processor costs
    a third of a training step.
    """

    def __init__(self, weights: Iterable[nn.Parameter], learning_rate: float) -> None:
        super().__init__(weights, {"lr": learning_rate})
        for group in self.param_groups:
            for weight in group["params"]:
                self.state[weight] = {"momentum": torch.zeros_like(weight)}

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002  (nothing is evaluated again)
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                momentum = self.state[weight]["momentum"].mul_(MOMENTUM).add_(weight.grad)
                ahead = weight.grad.add(momentum, alpha=MOMENTUM)  # Nesterov's
                # channels_last as it lies, so that the matrix is no copy
                rows = ahead.permute(0, 2, 3, 1)
                turned = orthogonalised(rows.reshape(len(rows), -1))
                length = group["lr"] * _ADAMS_RMS * sqrt(max(turned.shape))
                weight.add_(turned.reshape(rows.shape).permute(0, 3, 1, 2), alpha=-length)


def orthogonalised(matrix: Tensor) -> Tensor:
    """A matrix (R, S) with the same singular vectors, and singular values near 1 where they were not near 0.

    Newton and Schulz's iteration on the small square G = M·Mᵀ: M times a polynomial in G is the same as iterating on M.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalised(matrix.T).T
    matrix = matrix / matrix.norm().clamp_min(1e-30)
    gram = matrix @ matrix.T
    total = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(_ROUNDS):
        factor = torch.addmm(gram, gram, gram, beta=_B, alpha=_C)
        factor.diagonal().add_(_A)
        total = factor @ total
        gram = factor @ gram @ factor
    return total @ matrix

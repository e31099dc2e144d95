"""Muon: steps along the orthogonalised momentum of a convolution's gradients.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. Steps are as long as Adam's would be, so
that one learning rate serves both: Liu et al., "Muon is Scalable for LLM Training", 2025, arXiv 2502.16982.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

MOMENTUM = 0.95
LEAST_CHANNELS = 16
"""Convolutions from or to fewer are left to Adam: colours are no features, and a thin matrix has few directions."""

_ROUNDS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315  # Jordan et al.'s quintic: it drives singular values to between .7 and 1.2
_ADAMS_RMS = 0.2  # of a step, in learning rates (Liu et al.)


def uses_muon(parameter: nn.Parameter) -> bool:
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
        """Move every weight that has a gradient; on an accelerator all weights of one shape at once."""
        for group in self.param_groups:
            moved = [weight for weight in group["params"] if weight.grad is not None]
            for alike in _batches(moved):
                # channels_last as it lies, so that only the stack is a copy
                rows = torch.stack([self._ahead(weight).permute(0, 2, 3, 1) for weight in alike])
                turned = orthogonalised(rows.flatten(2))
                length = group["lr"] * _ADAMS_RMS * sqrt(max(turned.shape[1:]))
                for weight, direction in zip(alike, turned.reshape(rows.shape), strict=True):
                    weight.add_(direction.permute(0, 3, 1, 2), alpha=-length)

    def _ahead(self, weight: nn.Parameter) -> Tensor:
        """The momentum with this step's gradient in it, and the gradient once more: Nesterov's."""
        gradient = cast(Tensor, weight.grad)
        momentum: Tensor = self.state[weight]["momentum"].mul_(MOMENTUM).add_(gradient)
        return gradient.add(momentum, alpha=MOMENTUM)


def _batches(weights: Sequence[nn.Parameter]) -> Iterable[Sequence[nn.Parameter]]:
    """Weights of one shape together; on a processor each alone, which stays in its cache and takes a third less."""
    groups: dict[object, list[nn.Parameter]] = {}
    for weight in weights:
        groups.setdefault(weight if weight.is_cpu else weight.shape, []).append(weight)
    return groups.values()


def orthogonalised(matrices: Tensor) -> Tensor:
    """Matrices (N, R, S), each with the same singular vectors, and singular values near 1 where they were not near 0.

    Newton and Schulz's iteration on the small square G = M·Mᵀ: M times a polynomial in G is the same as iterating on M.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalised(matrices.mT).mT
    matrices = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    gram = matrices @ matrices.mT
    total = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device).expand_as(gram)
    for _ in range(_ROUNDS):
        factor = torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
        factor.diagonal(dim1=1, dim2=2).add_(_A)
        total = factor @ total
        gram = factor @ gram @ factor
    return total @ matrices

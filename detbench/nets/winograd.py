"""3x3 and 5x5 convolutions with a fraction of the multiplications, for processors.

Winograd's F(4x4, RxR), as Lavin & Gray: "Fast Algorithms for Convolutional Neural Networks", CVPR 2016,
arXiv 1509.09308, give it: squares of 4x4 outputs are computed from tiles of S = R + 3 inputs a side, as
Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A, so that 36 products stand for 144 (3x3), 64 for 400 (5x5). Between its transforms it is
S² matrix products. In single precision it differs from the direct convolution by some 1e-5 of the largest value.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from detbench.nets.fast_layers import is_computed_on_processor

SIDE = 4
"""Outputs along a tile's side."""

BAND_POINTS = 4608
"""Transformed values a channel that are computed together where no gradient is wanted, so that a cache holds them."""

_POINTS = (0, 1, -1, 2, -2, 1 / 2, -1 / 2)
"""Where the polynomials behind the transforms are evaluated, as many as a tile needs, and at infinity."""


@dataclass(frozen=True)
class _Transforms:
    """Both sides of each transform at once, on tiles laid out as one axis: (M d Mᵀ) flattened is kron(M, M) · d.

    `to_points` is (S², S²), `weight_to_points` (S², R²), `from_points` (16, S²); `side` is S.
    """

    side: int
    to_points: Tensor
    weight_to_points: Tensor
    from_points: Tensor


@cache
def _transforms(kernel: int) -> _Transforms:
    """Those of F(4x4, kernel x kernel), derived instead of tabled.

    The product of two polynomials is evaluate, multiply, interpolate; the convolution is its transpose. With V_n the
    points' powers below n, Aᵀ is V_4 transposed, G is V_R, and Bᵀ the inverse of V_S transposed. Scaling G's rows
    down and Bᵀ's up makes B short, which in single precision is the more exact.
    """
    side = SIDE + kernel - 1
    points = np.array(_POINTS[: side - 1])

    def powers(below: int) -> NDArray[np.float64]:
        return np.vstack([np.vander(points, below, increasing=True), np.eye(below)[-1]])

    scale = np.append(np.prod(points[:, None] - points + np.eye(side - 1), axis=1), 1)[:, None]
    pairs = (np.linalg.inv(powers(side)).T * scale, powers(kernel) / scale, powers(SIDE).T)
    return _Transforms(side, *(torch.from_numpy(np.kron(matrix, matrix)).float() for matrix in pairs))


class WinogradConv2d(nn.Conv2d):
    """`nn.Conv2d(c, k, R, padding=R // 2)` of R = 3 or 5, by Winograd's way where that is the faster one.

    That is in single precision on a processor. Elsewhere, and while the network is exported, it is the direct one.
    It has a bias; its gradient has no gradient of its own.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) to (N, K, H, W); H, W > R // 2."""
        if _pays(features):
            assert self.bias is not None
            borders = (self.weight.shape[-1] // 2,) * 4
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            return conv(F.pad(features, borders, mode=mode), self.weight, self.bias)
        return super().forward(features)


def conv(bordered: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`F.conv2d` of (N, C, H + R - 1, W + R - 1) by (K, C, R, R): (N, K, H, W), channels_last; gradients flow once."""
    height, width = (side - weight.shape[-1] + 1 for side in bordered.shape[2:])
    missing = (0, -width % SIDE, 0, -height % SIDE)
    filled = F.pad(bordered, missing) if any(missing) else bordered  # a padding by nothing would be a copy
    if torch.is_grad_enabled():
        convolved: Tensor = _Winograd.apply(filled, weight, bias)
    else:
        convolved = _in_bands(filled, weight).add_(bias[:, None, None])
    return convolved[:, :, :height, :width]


def _pays(features: Tensor) -> bool:
    is_single = features.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return is_single and is_computed_on_processor(features)


class _Winograd(torch.autograd.Function):
    """The convolution where H and W are multiples of SIDE, and its gradients by the same transforms."""

    @staticmethod
    def forward(ctx: Any, bordered: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        by = _transforms(weight.shape[-1])
        tiles = _tiles(bordered, by)
        points, weights = _points_of_tiles(tiles, by), _points_of_weight(weight, by)
        ctx.save_for_backward(points, weights)
        ctx.bordered_shape, ctx.kernel = bordered.shape, weight.shape[-1]
        return _from_squares(_squares(points, weights, tiles.shape, by)).add_(bias[:, None, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points, weights = ctx.saved_tensors
        kernel, by = ctx.kernel, _transforms(ctx.kernel)
        count, channels_in, channels_out = weights.shape
        squares = _to_squares(gradient)
        products = (by.from_points.T @ squares.reshape(SIDE**2, -1)).view(count, -1, channels_out)
        of_weights = torch.bmm(points.transpose(1, 2), products).view(count, -1)
        laid_out = (by.weight_to_points.T @ of_weights).view(kernel, kernel, channels_in, channels_out)
        of_points = torch.bmm(products, weights.transpose(1, 2)).view(count, -1)
        of_tiles = (by.to_points.T @ of_points).view(by.side, by.side, *squares.shape[2:5], channels_in)
        return _summed(of_tiles, ctx.bordered_shape), laid_out.permute(3, 2, 0, 1), gradient.sum((0, 2, 3))


def _in_bands(bordered: Tensor, weight: Tensor) -> Tensor:
    """The convolution without its bias and its gradient, a few rows of tiles at a time."""
    by = _transforms(weight.shape[-1])
    tiles, weights = _tiles(bordered, by), _points_of_weight(weight, by)
    count, rows, columns = tiles.shape[2:5]
    convolved = torch.empty((count, weight.shape[0], rows * SIDE, columns * SIDE), memory_format=torch.channels_last)
    squares, band = _to_squares(convolved), max(1, BAND_POINTS // (by.side**2 * count * columns))
    for row in range(0, rows, band):
        some = tiles[:, :, :, row : row + band]
        squares[:, :, :, row : row + band] = _squares(_points_of_tiles(some, by), weights, some.shape, by)
    return convolved


def _points_of_tiles(tiles: Tensor, by: _Transforms) -> Tensor:
    """Tiles (S, S, N, h, w, C) transformed, (S², N·h·w, C)."""
    return (by.to_points @ tiles.reshape(by.side**2, -1)).view(by.side**2, -1, tiles.shape[-1])


def _points_of_weight(weight: Tensor, by: _Transforms) -> Tensor:
    """A weight (K, C, R, R) transformed, (S², C, K)."""
    flat = weight.permute(2, 3, 1, 0).reshape(by.weight_to_points.shape[1], -1)
    return (by.weight_to_points @ flat).view(by.side**2, *weight.shape[1::-1])


def _squares(points: Tensor, weights: Tensor, shape: torch.Size, by: _Transforms) -> Tensor:
    """What transformed tiles and weight give, (4, 4, N, h, w, K); `shape` is the tiles', (S, S, N, h, w, C)."""
    products = torch.bmm(points, weights).view(by.side**2, -1)
    return (by.from_points @ products).view(SIDE, SIDE, *shape[2:5], -1)


def _tiles(bordered: Tensor, by: _Transforms) -> Tensor:
    """(N, C, 4h + R - 1, 4w + R - 1) as overlapping tiles (S, S, N, h, w, C); a view."""
    return bordered.unfold(2, by.side, SIDE).unfold(3, by.side, SIDE).permute(4, 5, 0, 2, 3, 1)


def _summed(tiles: Tensor, shape: torch.Size) -> Tensor:
    """What tiles (S, S, N, h, w, C) add up to where they overlap; `shape` is (N, C, 4h + R - 1, 4w + R - 1)."""
    total = torch.empty(shape, memory_format=torch.channels_last).zero_()
    rows, columns = tiles.shape[3:5]
    for row in range(tiles.shape[0]):
        for column in range(tiles.shape[1]):
            covered = total[:, :, row : row + SIDE * rows : SIDE, column : column + SIDE * columns : SIDE]
            covered += tiles[row, column].permute(0, 3, 1, 2)
    return total


def _to_squares(pictures: Tensor) -> Tensor:
    """(N, K, 4h, 4w) as squares (4, 4, N, h, w, K); a view."""
    return pictures.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE).permute(4, 5, 0, 2, 3, 1)


def _from_squares(squares: Tensor) -> Tensor:
    """The inverse, channels_last."""
    count, rows, columns, channels = squares.shape[2:]
    laid_out = squares.permute(2, 3, 0, 4, 1, 5).reshape(count, rows * SIDE, columns * SIDE, channels)
    return laid_out.permute(0, 3, 1, 2)

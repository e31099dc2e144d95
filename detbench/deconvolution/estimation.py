"""The blur kernel of one picture, from nothing but the picture: candidates by several ways, and a choice between them.

A candidate grows by alternation, coarse to fine: a latent picture with few edges given the kernel, then the kernel by
least squares given the latent picture (Xu, Zheng, Jia, CVPR 2013; Pan et al., CVPR 2014). The ways differ in where they
begin: at the kernel that a network guesses, or from nothing at a size where the blur is a pixel or two. The result is
the candidate whose latent picture explains the blurred one with the fewest edges; one candidate is no blur.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from detbench.deconvolution.filters import continued
from detbench.deconvolution.kernel_cleaning import (
    SPECK,
    centred,
    centred_exactly,
    cropped_or_padded,
    kernel_between,
    likeness,
    point,
    reach,
    resized,
    short_line,
    spread,
    trimmed,
)
from detbench.deconvolution.latent import few_edges
from detbench.deconvolution.spectra import gradients, lay_out, transfer

Guess = Callable[[Tensor], Tensor]
"""A grey picture (1, 1, H, W), sides multiples of 4, to a first kernel (1, K, K)."""

WORK_PX = 640
"""Longer side of what kernels are sought in: larger pictures are shrunk, or show their most textured part."""

SMALLEST_PX = 96
"""Shorter side below which a picture is left alone: the longest kernels, 95 pixels wide, would not fit in."""

SHORT_PX = 2.4
"""Kernels of less spread are short; at half the size nothing is left of them that a candidate could come from."""

AGREEMENT = 0.92
"""Likeness of a climb's kernel to that found from the guess above which both are right.

Of 44 photos with paths of 12 to 37 px it was reached in 17, in all but one of which no candidate was ahead by 1 dB.
"""

LONG_PX = 7.0
"""Spread above which a kernel that was found at half the size is believed: at full size such a path is hard to find."""

ABSURD = 1.15
"""Share of the cost of no blur above which not even a long kernel is believed.

Of eleven long ones the ten that gain cost up to 1.04, one that loses 15 dB costs 2.0.
"""

CLEAR = 0.96
"""Share of the cost of no blur below which a short kernel needs no other candidate."""

SHARP_PX = 1.0
"""Spread below which a kernel is a lens's own softness and no blur: sharp photos and streets have up to .8."""

FLAT = 1e-3
"""Standard deviation below which a picture shows nothing."""

COMPARING_COST = 2e-3
"""Cost of an edge in the latent pictures by which candidates are compared."""

EDGE = 1e-4
"""Squared gradient of a pixel that counts as an edge when candidates are compared."""

EDGE_PRICE = 0.02
"""What a share of edges costs beside the mean squared misfit.

On 53 photos with three candidates each, .004 to .024 were tried; this one never takes a kernel that makes a picture
worse, and loses .4 dB to the best choice each time.
"""


@dataclass(frozen=True)
class Stretch:
    """A stretch of the alternation: `rounds` of it, with `edge_cost` and `factor` as in `few_edges`.

    The cost of an edge falls by `decay` a round; `damping` is that of the kernel's least squares; `careful` continues
    the picture beyond its borders by a guess, which long kernels need; `faintest` is as in `tidied`.
    """

    rounds: int
    edge_cost: float
    decay: float = 1.0
    factor: float = 4.0
    damping: float = 0.02
    careful: bool = False
    faintest: float = SPECK


FROM_GUESS = Stretch(3, 3e-3, 2.0)
FINISH_SHORT = (Stretch(2, 2e-4),)
FINISH_LONG = (Stretch(2, 5e-4, factor=2.0, damping=0.05, careful=True), Stretch(1, 2e-4, careful=True))
"""Measured on 15 photos with paths of 12 to 37 px: from 27.2 dB to 28.3 by the first without its damping and its care,
28.5 with them, and .1 more by the last; the true kernels have 30.4. The first had three rounds then; on 21 photos two
give as much.
"""

THREADS = Stretch(2, 2e-4, careful=True, faintest=0.03)
"""After a finish: the faint parts of a path, up to THREADS_PX beyond what was found.

Levin et al.'s 32 pictures gain .3 dB, 31 blurred photos .02 dB; down to .02 the photos lose .06 dB, to .01 1.1 dB. One
round gives Levin's .2 dB. Within the finish, instead of after it, the photos lose .2 dB. They stay where they are not
dearer than the path without them.
"""

THREADS_PX = 6

STEP_UP = Stretch(2, 5e-4)
"""Refines a kernel on each size between that in which it was found and the full one."""

AT_FULL_SIZE = Stretch(2, 1e-3, 1.5)
"""What a candidate from half the size needs before it can be compared."""

LEAST_COST = 1e-4
"""Lowest cost of an edge."""

CLIMB_ROUNDS = 4
"""Rounds on each size of a climb."""

STEP = 2**0.5
"""Ratio of two successive sizes of a climb."""

LONGEST_RADIUS = 32
"""Largest radius of the kernels that a climb seeks, in pixels of the full size of a view."""


@dataclass(frozen=True, eq=False)
class _Start:
    """Where a climb begins: a kernel of a few pixels, the size where it is one, and the factor of `few_edges`."""

    kernel: Tensor
    scale: float
    factor: float


def estimate(grey: Tensor, guess: Guess) -> Tensor | None:
    """The kernel (1, K, K) of a grey picture (1, 1, H, W) in light; None where no blur explains it best.

    Its centroid is its middle, to a fraction of a pixel. It is sought in the whole picture, shrunk to WORK_PX, and
    where nothing is found there, in ever larger ones of which only the most textured part is seen.
    """
    scale = min(1.0, WORK_PX / max(grey.shape[-2:]))
    while True:
        found = _estimated(view_at(grey, scale), guess)
        if found is not None:
            return centred_exactly(enlarged(grey, found, scale))
        if scale == 1:
            return None
        scale = min(1.0, 2 * scale)


def view_at(grey: Tensor, scale: float) -> Tensor:
    """What is seen of a picture at a scale: all of it, or its most textured WORK_PX; sides are multiples of 4."""
    shrunk = _shrunk(grey, scale)
    height, width = min(shrunk.shape[-2], WORK_PX) // 4 * 4, min(shrunk.shape[-1], WORK_PX) // 4 * 4
    if min(height, width) < SMALLEST_PX:
        return shrunk
    texture = gradients(shrunk).abs().sum(1, keepdim=True).clamp(max=0.1)
    sums = F.avg_pool2d(texture, (height, width), stride=4)[0, 0]
    row, column = divmod(int(sums.argmax()), sums.shape[1])
    return shrunk[..., 4 * row : 4 * row + height, 4 * column : 4 * column + width].contiguous()


def _shrunk(grey: Tensor, scale: float) -> Tensor:
    if scale == 1:
        return grey
    size = [max(1, round(side * scale)) for side in grey.shape[-2:]]
    return F.interpolate(grey, size=size, mode="bilinear", antialias=True)


def enlarged(grey: Tensor, kernel: Tensor, scale: float) -> Tensor:
    """A kernel that was found at a scale, at full size, improved on each step of the way while it is short enough."""
    while scale < 1:
        step = min(STEP, 1 / scale)
        scale = min(1.0, scale * step)
        kernel = resized(kernel, max(1, round(kernel.shape[-1] // 2 * step)))
        view = view_at(grey, scale)
        if 6 * reach(kernel) < min(view.shape[-2:]):
            kernel = alternated(view, kernel, STEP_UP)
    return kernel


def _estimated(view: Tensor, guess: Guess) -> Tensor | None:
    """The best kernel for a view of the picture; None where no blur is the best, or there is nothing to go by."""
    if min(view.shape[-2:]) < SMALLEST_PX or float(view.std()) < FLAT:
        return None
    found = alternated(view, trimmed(guess(view), 3), FROM_GUESS)
    if float(spread(found)) < SHARP_PX:
        return None
    none = point(1, view.device)
    if float(spread(found)) < SHORT_PX:
        without, with_it = costs(view, [none, found])
        if with_it < CLEAR * without:
            return _finished(view, found, FINISH_SHORT)
    other = _from_half_the_size(view, guess)
    if other is not None and float(spread(other)) > LONG_PX:
        finished = _finished(view, other, FINISH_LONG)
        without, with_it = costs(view, [none, finished])
        return finished if with_it < ABSURD * without else None
    candidates = [none, found] if other is None else [none, found, other]
    place = _cheapest(view, candidates)
    return None if place == 0 else _finished(view, candidates[place], FINISH_LONG)


def _finished(view: Tensor, kernel: Tensor, stretches: Sequence[Stretch]) -> Tensor:
    for stretch in stretches:
        kernel = alternated(view, trimmed(kernel, 3), stretch)
    threaded = alternated(view, trimmed(kernel, THREADS_PX), THREADS)
    return (kernel, threaded)[_cheapest(view, [kernel, threaded])]


def _from_half_the_size(view: Tensor, guess: Guess) -> Tensor | None:
    """The best kernel for a view at half its size, brought to the full one; None where no blur is the best there."""
    half = _shrunk(view, 1 / 2)
    half = half[..., : half.shape[-2] // 4 * 4, : half.shape[-1] // 4 * 4]
    if min(half.shape[-2:]) < SMALLEST_PX:
        return None
    first = guess(half)
    found = alternated(half, trimmed(first, 3), FROM_GUESS)
    candidates = [point(1, view.device), found, *_climbs(half, first, found)]
    place = _cheapest(half, candidates)
    if place == 0:
        return None
    kernel = trimmed(resized(candidates[place], 2 * (candidates[place].shape[-1] // 2)), 3)
    return alternated(view, kernel, AT_FULL_SIZE)


def _climbs(view: Tensor, first: Tensor, found: Tensor) -> list[Tensor]:
    """The better two of three climbs; none where one agrees at half the size with what was found from the guess."""
    starts = (
        _Start(resized(first, LONGEST_RADIUS // 4), 1 / 4, 2.0),
        _Start(short_line(1, 0, view.device), 1 / 8, 4.0),
        _Start(short_line(1, 1, view.device), 1 / 8, 2.0),
    )
    half = _shrunk(view, 1 / 2)
    small = resized(cropped_or_padded(found, LONGEST_RADIUS), LONGEST_RADIUS // 2)
    climbed = []
    for start in starts:
        kernel = _climbed(view, start, 1 / 2)
        if likeness(kernel, small) > AGREEMENT:
            return []
        climbed.append(replace(start, kernel=kernel, scale=STEP / 2))
    order = np.argsort(costs(half, [start.kernel for start in climbed]))
    return [_climbed(view, climbed[place], 1.0) for place in order[:2]]


def _climbed(view: Tensor, start: _Start, last_scale: float) -> Tensor:
    """A start's kernel by alternation on ever larger sizes of a view, up to `last_scale`; edges cost ever less."""
    kernel, scale = start.kernel, start.scale
    while scale < last_scale * 1.01:
        kernel = resized(kernel, max(1, round(LONGEST_RADIUS * scale)))
        stretch = Stretch(1, 4e-3 * (16 * scale) ** -1.36, factor=start.factor)
        small = _shrunk(view, scale)
        for _ in range(CLIMB_ROUNDS):
            kernel = centred(alternated(small, kernel, stretch))
        scale *= STEP
    return kernel


def alternated(view: Tensor, kernel: Tensor, stretch: Stretch) -> Tensor:
    """A kernel (1, K, K) after a stretch of the alternation, of the same size."""
    cost = stretch.edge_cost
    for _ in range(stretch.rounds):
        canvas = continued(view, kernel) if stretch.careful else lay_out(view, kernel)
        sharp = few_edges(canvas, cost, stretch.factor)
        kernel = kernel_between(sharp, view, kernel.shape[-1] // 2, stretch.damping, stretch.faintest)
        cost = max(cost / stretch.decay, LEAST_COST)
    return kernel


def _cheapest(view: Tensor, kernels: Sequence[Tensor]) -> int:
    return int(np.argmin(costs(view, kernels)))


def costs(view: Tensor, kernels: Sequence[Tensor]) -> list[float]:
    """What it takes to believe each kernel: misfit and edges of the latent picture that it explains the view with."""
    margin = max(map(reach, kernels)) + 4  # what the latent picture blurs into itself from the other side
    return [_cost(view, kernel, margin) for kernel in kernels]


def _cost(view: Tensor, kernel: Tensor, margin: int) -> float:
    sharp = few_edges(lay_out(view, kernel), COMPARING_COST, tightest=1e3)
    size = (view.shape[-2], view.shape[-1])
    blurred = torch.fft.irfft2(torch.fft.rfft2(sharp) * transfer(kernel, size), s=size)
    inside = (..., slice(margin, size[0] - margin), slice(margin, size[1] - margin))
    misfit = (blurred - view)[inside].square().mean()
    edges = (gradients(sharp).square().sum(1, keepdim=True)[inside] > EDGE).float().mean()
    return float(misfit + EDGE_PRICE * edges)

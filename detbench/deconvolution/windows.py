"""Blur that varies over a picture: a kernel for each of half overlapping windows, and the sharp picture, blended.

In each window the kernels compared are that of the whole picture, what a few rounds of alternation make of it, of the
neighbours' and of the network's guess, and no blur; `estimation.costs` decides. A kernel that barely beats no blur, or
that two ways do not agree on, is not used: those windows keep their pixels.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from detbench.deconvolution.denoising import strength_for_found
from detbench.deconvolution.estimation import (
    FROM_GUESS,
    SHARP_PX,
    SMALLEST_PX,
    WORK_PX,
    Guess,
    Stretch,
    alternated,
    costs,
    enlarged,
    view_at,
)
from detbench.deconvolution.kernel_cleaning import (
    centred_exactly,
    cropped_or_padded,
    likeness,
    point,
    reach,
    resized,
    spread,
    trimmed,
)
from detbench.deconvolution.latent import total_variation
from detbench.deconvolution.spectra import MARGIN

WINDOW_PX = 240
"""Side of a window in a picture of at most WORK_PX; windows of 180 px gain .1 dB less (16 shaken photos)."""

IMPROVING = Stretch(3, 1e-3, 1.5)
"""Refines a kernel from elsewhere. On 16 shaken photos five rounds gain no more than three."""

CLEARLY_CHEAPER = 0.92
"""Cost of a window's kernel, in shares of no blur's, above which the window keeps its pixels."""

AGREEMENT = 0.75
"""Likeness of the kernel from the guess to the best of the others below which a window keeps its pixels.

Without both limits, 89 windows of eight shaken photos gained 1.2 dB on average, with them 1.4 dB; 70 windows of six
streets lost .8 dB, with them .1 dB.
"""

VARIES = 0.98
"""Summed cost of the windows' own kernels, in shares of the whole picture's kernel, above which blur is uniform."""

BELIEVED = 0.93
"""Summed cost of the whole picture's kernel, in shares of no blur's, below which a uniform blur is undone.

Seven of eight uniformly blurred photos had .73 to .92; twelve streets .92 to .97.
"""

UNANIMOUS = 0.96
"""Mean agreement above which a uniform blur is undone at any cost: the eighth photo had 1.00, streets at most .93."""

RANGE_PX = 7
"""Side of the square of blurred pixels whose range bounds a sharp one: rings overshoot it.

Where kernels vary it gains: eight shaken photos +2.0 dB without it, +2.5 with it (5 px +2.4, 13 px +2.6), six streets
-.09 and .00 dB (5 px +.01, 13 px -.02). With one right kernel it would cost 1.7 dB, so there it is left out.
"""

RADIUS = 48
"""Radius within which two kernels are compared, in pixels."""


@dataclass(frozen=True, eq=False)
class KernelGrid:
    """Windows by their rows and columns, and the kernel (1, K, K) of each; None where no blur is to be undone."""

    rows: tuple[slice, ...]
    columns: tuple[slice, ...]
    kernels: tuple[tuple[Tensor | None, ...], ...]


@dataclass(frozen=True, eq=False)
class _Match:
    """The cheapest kernel of a window, None for no blur; what it, the whole picture's kernel and no blur cost there."""

    kernel: Tensor | None
    cost: float
    whole_cost: float
    still_cost: float
    agreement: float

    @property
    def trusted(self) -> Tensor | None:
        """The kernel where it is to be undone."""
        is_clear = self.cost < CLEARLY_CHEAPER * self.still_cost and self.agreement > AGREEMENT
        return self.kernel if is_clear else None


def one_window(pictures: Tensor, kernel: Tensor | None) -> KernelGrid:
    """The grid of a blur that is the same all over pictures (N, C, H, W)."""
    height, width = pictures.shape[-2:]
    return KernelGrid((slice(0, height),), (slice(0, width),), ((kernel,),))


def kernel_grid(grey: Tensor, whole: Tensor, guess: Guess) -> KernelGrid:
    """The kernels of a grey picture (1, 1, H, W) in light, and `whole`, that of all of it.

    One window for a small picture, and where the windows' own kernels explain it hardly better than `whole`.
    """
    height, width = grey.shape[-2:]
    scale = min(1.0, WORK_PX / max(height, width))
    window_px = math.ceil(WINDOW_PX / scale)
    rows, columns = _windows(height, window_px), _windows(width, window_px)
    if min(height, width) * scale < SMALLEST_PX or len(rows) * len(columns) == 1:
        return one_window(grey, whole)
    small = trimmed(whole if scale == 1 else resized(whole, max(1, round(whole.shape[-1] // 2 * scale))), 3)
    matches: dict[tuple[int, int], _Match] = {}
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        around = [matches.get(place) for place in ((i - 1, j), (i, j - 1), (i - 1, j - 1), (i - 1, j + 1))]
        known = [match.kernel for match in around if match and match.kernel is not None]
        view = view_at(grey[..., rows[i], columns[j]], scale)
        matches[i, j] = _match(view, [small, *known], guess)
    blurred = [match for match in matches.values() if match.kernel is not None]
    if not _varies(blurred):
        return one_window(grey, whole if _is_believed(blurred) else None)
    kernels = [
        tuple(_full_size(grey[..., down, across], matches[i, j].trusted, scale) for j, across in enumerate(columns))
        for i, down in enumerate(rows)
    ]
    return KernelGrid(rows, columns, tuple(kernels))


def restored(seen: Tensor, grid: KernelGrid, noise: float) -> Tensor:
    """The sharp picture behind (1, C, H, W) in light: total variation in each window with room around it, blended.

    Where there are several windows, no pixel leaves the range of the blurred ones around it: see RANGE_PX.
    """
    height, width = seen.shape[-2:]
    blended, total = torch.zeros_like(seen), seen.new_zeros((1, 1, height, width))
    for i, rows in enumerate(grid.rows):
        for j, columns in enumerate(grid.columns):
            weights = (_fade(grid.rows, i)[:, None] * _fade(grid.columns, j)).to(seen.device)
            here = (..., rows, columns)
            kernel = grid.kernels[i][j]
            blended[here] += weights * (seen[here] if kernel is None else _sharp(seen, rows, columns, kernel, noise))
            total[here] += weights
    sharp = blended / total
    return sharp if len(grid.rows) * len(grid.columns) == 1 else _within_range(sharp, seen)


def as_array(grid: KernelGrid) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    """The kernels as (rows, columns, K, K), no blur being a point; None where nothing was blurred."""
    found = [kernel for row in grid.kernels for kernel in row if kernel is not None]
    if not found:
        return None
    radius = max(kernel.shape[-1] // 2 for kernel in found)
    still = point(radius, found[0].device)
    rows = [
        torch.cat([still if kernel is None else cropped_or_padded(kernel, radius) for kernel in row])
        for row in grid.kernels
    ]
    weights = torch.stack(rows).cpu().numpy().astype(np.float64).clip(0)
    return np.asarray(weights / weights.sum((2, 3), keepdims=True))


def _windows(length: int, side: int) -> tuple[slice, ...]:
    """Windows of a side that overlap by half or a little more or less, evenly over a length."""
    if length <= side:
        return (slice(0, length),)
    count = max(2, round(2 * (length - side) / side) + 1)
    starts = [round(place * (length - side) / (count - 1)) for place in range(count)]
    return tuple(slice(start, start + side) for start in starts)


def _match(view: Tensor, known: Sequence[Tensor], guess: Guess) -> _Match:
    """Compare the candidate kernels of a window; `known` are the whole picture's and the neighbours'."""
    guessed = alternated(view, trimmed(guess(view), 3), FROM_GUESS)
    improved = [alternated(view, trimmed(kernel, 3), IMPROVING) for kernel in known]
    candidates = [point(1, view.device), guessed, known[0], *improved]
    prices = costs(view, candidates)
    place = int(np.argmin(prices))
    other = candidates[2 + int(np.argmin(prices[2:]))]
    alike = likeness(cropped_or_padded(guessed, RADIUS), cropped_or_padded(other, RADIUS))
    is_still = place == 0 or float(spread(candidates[place])) < SHARP_PX
    return _Match(
        kernel=None if is_still else centred_exactly(candidates[place]),
        cost=prices[place],
        whole_cost=prices[2],
        still_cost=prices[0],
        agreement=alike,
    )


def _varies(matches: Sequence[_Match]) -> bool:
    return sum(match.cost for match in matches) < VARIES * sum(match.whole_cost for match in matches)


def _is_believed(matches: Sequence[_Match]) -> bool:
    if sum(match.whole_cost for match in matches) < BELIEVED * sum(match.still_cost for match in matches):
        return True
    return sum(match.agreement for match in matches) > UNANIMOUS * len(matches)


def _full_size(window: Tensor, kernel: Tensor | None, scale: float) -> Tensor | None:
    if kernel is None or scale == 1:
        return kernel
    return centred_exactly(enlarged(window, kernel, scale))


def _sharp(seen: Tensor, rows: slice, columns: slice, kernel: Tensor, noise: float) -> Tensor:
    """One window's part, by its kernel, from as much of the picture around it as the kernel reaches."""
    room = reach(kernel) + MARGIN
    top, left = max(0, rows.start - room), max(0, columns.start - room)
    around = seen[..., top : rows.stop + room, left : columns.stop + room].contiguous()
    sharp = total_variation(around, trimmed(kernel, 1), strength_for_found(noise, float(spread(kernel))))
    return sharp[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def _within_range(sharp: Tensor, seen: Tensor) -> Tensor:
    highest = F.max_pool2d(seen, RANGE_PX, 1, RANGE_PX // 2)
    lowest = -F.max_pool2d(-seen, RANGE_PX, 1, RANGE_PX // 2)
    return torch.clamp(sharp, lowest, highest)


def _fade(windows: Sequence[slice], place: int) -> Tensor:
    """Weights of a window's rows or columns: 1 within, falling to 0 as a cosine where it shares them with the next."""
    here = windows[place]
    at = torch.arange(here.start, here.stop) + 0.5
    share = torch.ones(len(at))
    if place > 0:
        end = windows[place - 1].stop
        share = torch.minimum(share, ((at - here.start) / (end - here.start)).clamp(max=1))
    if place < len(windows) - 1:
        start = windows[place + 1].start
        share = torch.minimum(share, ((here.stop - at) / (here.stop - start)).clamp(max=1))
    return 0.5 - 0.5 * torch.cos(math.pi * share)

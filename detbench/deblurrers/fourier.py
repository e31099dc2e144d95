"""Filtering a picture by its spectrum, on a canvas that continues it so that it has no border of its own."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from detbench.types import Kernel

Canvas = NDArray[np.float32]
"""A picture in light, continued to the right and below, shape (H', W', 3); it repeats without a step.

Double precision would take twice the time and change no pixel by more than one grey level.
"""

Response = NDArray[np.complex64]
"""What a filter does to each frequency of a canvas, shape (H', W' // 2 + 1, 1)."""


def canvas_size(height: int, width: int, kernel: Kernel) -> tuple[int, int]:
    """Sides of a canvas that leaves a kernel's width free on each side of the picture, and transforms fast."""
    margin = 2 * len(kernel.weights)
    return fft.next_fast_len(height + margin, real=True), fft.next_fast_len(width + margin, real=True)


def continued(picture: NDArray[np.float32], size: tuple[int, int]) -> Canvas:
    """Lay a picture, shape (H, W, 3), on a canvas: borders go on by reflection, opposite ones fade into each other."""
    canvas = picture
    for axis, side in enumerate(size):
        length = canvas.shape[axis]
        margin = side - length
        places = np.pad(np.arange(length), margin, mode="reflect")
        after, before = (np.take(canvas, chosen, axis) for chosen in (places[-margin:], places[:margin]))
        share = np.arange(1, margin + 1, dtype=np.float32) / (margin + 1)
        share = np.expand_dims(share, (1, 2) if axis == 0 else (0, 2))
        canvas = np.concatenate([canvas, (1 - share) * after + share * before], axis)
    return canvas


def response_of(kernel: Kernel, size: tuple[int, int]) -> Response:
    """Transform a kernel whose middle lies at the canvas's origin, so that it moves nothing."""
    side = len(kernel.weights)
    canvas = np.zeros(size, dtype=np.float32)
    canvas[:side, :side] = kernel.weights
    return np.asarray(fft.rfft2(np.roll(canvas, (-(side // 2), -(side // 2)), axis=(0, 1))))[..., None]


def squared_gradient(size: tuple[int, int]) -> NDArray[np.float32]:
    """Power of the horizontal and the vertical difference filter at each frequency, 0..8, shaped as a Response."""
    rows, columns = fft.fftfreq(size[0])[:, None], fft.rfftfreq(size[1])[None, :]
    power = 4 - 2 * np.cos(2 * np.pi * rows) - 2 * np.cos(2 * np.pi * columns)
    return np.asarray(power, dtype=np.float32)[..., None]


def filtered(canvas: Canvas, response: Response) -> Canvas:
    """Multiply each frequency of the canvas by the filter's response."""
    spectrum = fft.rfft2(canvas, axes=(0, 1))
    spectrum *= response
    return np.asarray(fft.irfft2(spectrum, s=canvas.shape[:2], axes=(0, 1), overwrite_x=True))

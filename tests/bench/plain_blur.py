"""The random blur of DeblurGAN's authors in plain Python, step by step and sample by sample, as public code has it."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

SAMPLES = 2000


def trajectory(length_px: float, anxiety: float, rng: np.random.Generator) -> NDArray[np.complex128]:
    """A camera's path, shape (2000,), every step on arrays and numbers of numpy."""
    path = np.zeros(SAMPLES, complex)
    step = length_px / (SAMPLES - 1)
    inertia, impulse, tremor = 0.7 * rng.random(), 0.2 * rng.random(), 10 * rng.random()
    speed = step * np.exp(2j * np.pi * rng.random())
    for index in range(SAMPLES - 1):
        jerk = 0j
        if rng.random() < impulse * anxiety:
            jerk = 2 * speed * np.exp(1j * (np.pi + (rng.random() - 0.5)))
        shake = rng.standard_normal() + 1j * rng.standard_normal()
        speed = speed + jerk + anxiety * (tremor * shake - inertia * path[index]) * step
        speed = speed / np.abs(speed) * step
        path[index + 1] = path[index] + speed
    return path


def psf(path: NDArray[np.complex128], side: int) -> NDArray[np.float64]:
    """The same bilinear splat as ours: every sample onto four pixels, weight by weight; shape (side, side)."""
    weights = np.zeros((side, side))
    middle, mean = side // 2, path.mean()
    for sample in path:
        x, y = (sample - mean).real + middle, (sample - mean).imag + middle
        left, top = int(np.floor(x)), int(np.floor(y))
        for column, row in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
            share = np.maximum(0, 1 - np.abs(x - column)) * np.maximum(0, 1 - np.abs(y - row))
            if share > 0:
                weights[row, column] += share / len(path)
    return weights


def blurred(picture: NDArray[np.uint8], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """A square picture convolved channel by channel with a kernel on a canvas of its own size, grey levels."""
    side = len(picture)
    margin = side - len(weights)
    canvas = np.pad(weights, ((margin // 2, margin - margin // 2),) * 2)
    channels = [fftconvolve(picture[..., index] / 255.0, canvas, "same") for index in range(3)]
    return np.stack(channels, axis=2) * 255

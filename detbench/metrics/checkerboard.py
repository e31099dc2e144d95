"""The grid that transposed convolutions leave in a picture: peaks of its spectrum at periods of 2 and 4 pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.types import Image

PERIODS_PX = (2, 4)
SIDE_PX = 64
_NEIGHBOURS = (2, 3, 4)
"""How many frequencies away, of the 64, a peak's surroundings lie: outside the window's own width."""


def checkerboard_db(image: Image, reference: Image) -> float | None:
    """How far the error's spectrum rises at periods of 2 and 4 px above its surroundings, in dB; 0 is no grid.

    The error is `image` minus `reference`, both (H, W, 3), 0..255. Its power spectrum is averaged over channels and
    64×64 Hann-windowed tiles side by side; at each pair of frequencies whose periods are 2, 4 or infinite, not both
    infinite, power is compared with the mean of that 2 to 4 frequencies away. The highest ratio counts. None below 64
    pixels of side and where there is no error. Stride-2 layers leave such a grid: Odena et al., Distill 2016.
    """
    error = image.astype(np.float64) - reference
    tiles = tiles_of(error)
    return peak_db(tiles) if len(tiles) and error.any() else None


def tiles_of(error: NDArray[Any]) -> NDArray[Any]:
    """The whole tiles of every channel of an error (H, W, C), side by side: (N, 64, 64); none below 64 pixels."""
    height, width = (side // SIDE_PX * SIDE_PX for side in error.shape[:2])
    whole = error[:height, :width].reshape(height // SIDE_PX, SIDE_PX, width // SIDE_PX, SIDE_PX, error.shape[2])
    return whole.transpose(0, 2, 4, 1, 3).reshape(-1, SIDE_PX, SIDE_PX)


def peak_db(tiles: NDArray[Any]) -> float | None:
    """The highest peak of the tiles' mean spectrum over its surroundings in dB; None where there is no power there."""
    power = _mean_power(tiles)
    frequencies = [0, *(sign * SIDE_PX // period for period in PERIODS_PX for sign in (1, -1))]
    pairs = [(row, column) for row in frequencies for column in frequencies if row or column]
    highest = max(_ratio(power, row, column) for row, column in pairs)
    return float(10 * np.log10(highest)) if highest > 0 else None


def _mean_power(tiles: NDArray[Any]) -> NDArray[Any]:
    """Mean power spectrum of the tiles (N, 64, 64), shape (64, 64)."""
    window = np.hanning(SIDE_PX + 1)[:-1].astype(tiles.dtype)
    spectra = np.abs(np.fft.fft2(tiles * np.outer(window, window))) ** 2
    return np.asarray(spectra.mean(axis=0))


def _ratio(power: NDArray[Any], row: int, column: int) -> float:
    """Power at a frequency over the mean of its surroundings, which wrap around as frequencies do."""
    steps = (0, *_NEIGHBOURS, *(-step for step in _NEIGHBOURS))
    around = [(row + down, column + right) for down in steps for right in steps if down or right]
    mean = float(np.mean([power[r % SIDE_PX, c % SIDE_PX] for r, c in around]))
    return float(power[row, column]) / mean if mean else 0.0

"""Speed beside the peers, in one interleaved run: `nox -s bench`.

Every round measures ours and the peer's back to back, so that a machine whose speed drifts slows both; what counts is
the ratio of each round, given as median and range. That both give the same result is asserted first.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.trajectory import random_trajectory
from detbench.metrics.quality import psnr_db, ssim

ROUNDS = 9


@dataclass(frozen=True)
class Measured:
    """One comparison: milliseconds and the peer's time over ours, round by round."""

    work: str
    peer: str
    ours_ms: float
    peer_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


def main() -> None:
    """Measure every row, print the table, write `reports/bench.json`."""
    rows = [ssim_row(), psnr_row(), psf_row(), blur_row()]
    Path("reports/bench.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    table = Table("work", "peer", "ours ms", "peer ms", "ratio", "range", box=None)
    for row in rows:
        spread = f"{row.ratio_low:.1f}–{row.ratio_high:.1f}"
        table.add_row(row.work, row.peer, f"{row.ours_ms:.2f}", f"{row.peer_ms:.2f}", f"{row.ratio:.1f}×", spread)
    Console(width=120).print(table)


def measured(work: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object]) -> Measured:
    """Time both in turn, ROUNDS times after one warm-up of each."""
    ours(), theirs()
    times = [(_seconds(ours), _seconds(theirs)) for _ in range(ROUNDS)]
    ratios = sorted(their / our for our, their in times)
    our_ms, their_ms = (median(column) * 1000 for column in zip(*times, strict=True))
    return Measured(work, peer, our_ms, their_ms, median(ratios), ratios[0], ratios[-1])


def ssim_row() -> Measured:
    """SSIM of 1280×720 RGB against scikit-image with Wang's settings, equal to 1e-9."""
    one, other = _pictures()
    wang = {"channel_axis": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert abs(ssim(one, other) - structural_similarity(one, other, data_range=255, **wang)) <= 1e-9
    return measured(
        "SSIM, 1280×720 RGB",
        "scikit-image",
        lambda: ssim(one, other),
        lambda: structural_similarity(one, other, data_range=255, **wang),
    )


def psnr_row() -> Measured:
    """PSNR of 1280×720 RGB against scikit-image, equal to 1e-9."""
    one, other = _pictures()
    assert abs(psnr_db(one, other) - peak_signal_noise_ratio(other, one, data_range=255)) <= 1e-9
    return measured(
        "PSNR, 1280×720 RGB",
        "scikit-image",
        lambda: psnr_db(one, other),
        lambda: peak_signal_noise_ratio(other, one, data_range=255),
    )


def psf_row() -> Measured:
    """A point-spread function from 2,000 samples against a plain loop over them, equal to 1e-12."""
    path = random_trajectory(60.0, 0.005, np.random.default_rng(5))
    kernel = kernel_from_path(path, "gamma").weights
    assert np.abs(kernel - _plain_psf(path, len(kernel))).max() <= 1e-12
    return measured(
        "PSF of 2,000 samples",
        "plain Python loop",
        lambda: kernel_from_path(path, "gamma"),
        lambda: _plain_psf(path, len(kernel)),
    )


def blur_row() -> Measured:
    """Blurring 1280×720 against scipy's full-picture FFT of each channel, equal away from the border."""
    from scipy.signal import fftconvolve

    picture, _ = _pictures()
    kernel = kernel_from_path(random_trajectory(60.0, 0.005, np.random.default_rng(5)), "gamma")
    margin = len(kernel.weights)

    def plain() -> np.ndarray:
        channels = [fftconvolve(picture[..., index] / 255.0, kernel.weights, "same") for index in range(3)]
        return np.stack(channels, axis=2) * 255

    inside = slice(margin, -margin)
    assert np.abs(convolve(picture, kernel) - plain())[inside, inside].max() <= 1e-6
    return measured("blur of 1280×720 RGB", "scipy fftconvolve", lambda: convolve(picture, kernel), plain)


def _plain_psf(path: np.ndarray, side: int) -> np.ndarray:
    """The same bilinear splat, sample by sample, as public code has it."""
    weights = np.zeros((side, side))
    middle, mean = side // 2, path.mean()
    for sample in path:
        x, y = (sample - mean).real + middle, (sample - mean).imag + middle
        left, top = int(np.floor(x)), int(np.floor(y))
        for column, row in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
            share = max(0.0, 1 - abs(x - column)) * max(0.0, 1 - abs(y - row))
            if share:
                weights[row, column] += share / len(path)
    return weights


def _pictures() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    coarse = generator.integers(0, 256, (45, 80, 3), dtype=np.uint8)
    sharp = cv2.resize(coarse, (1280, 720), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(sharp, (0, 0), 3), sharp


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())

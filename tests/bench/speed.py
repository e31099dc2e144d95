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
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.trajectory import random_trajectory
from detbench.metrics.bootstrap import RESAMPLES, draw_pictures
from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.detection import evaluate
from detbench.metrics.quality import psnr_db, ssim
from detbench.metrics.ranking import ranked
from detbench.metrics.resampled import average_precision, coco_numbers, once

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
    rows = [ssim_row(), psnr_row(), psf_row(), blur_row(), resamples_row()]
    Path("reports/bench.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    table = Table("work", "peer", "ours ms", "peer ms", "ratio", "range", box=None)
    for row in rows:
        spread = f"{row.ratio_low:.1f}–{row.ratio_high:.1f}"
        table.add_row(row.work, row.peer, f"{row.ours_ms:.2f}", f"{row.peer_ms:.2f}", f"{row.ratio:.1f}×", spread)
    Console(width=120).print(table)


def measured(
    work: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int = ROUNDS
) -> Measured:
    """Time both in turn, `rounds` times after one warm-up of each."""
    ours(), theirs()
    times = [(_seconds(ours), _seconds(theirs)) for _ in range(rounds)]
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


def resamples_row() -> Measured:
    """1,000 paired resamples of two arms' mAP, matching included, against one pycocotools evaluation of one arm; 5,000
    pictures, 54,000 true boxes, 80 classes. All twelve numbers of the dataset itself are equal to 1e-12.
    """
    truth, arms = _coco_like()
    columns = true_columns(truth)
    ranking = ranked(columns, found_columns(arms[0], columns))
    numbers, theirs = coco_numbers(ranking, once(ranking)), evaluate(truth, arms[0]).stats
    assert all(abs(numbers[key][0] - theirs[key]) <= 1e-12 for key in theirs)

    def ours() -> None:
        columns = true_columns(truth)
        draws = draw_pictures(len(columns.image_ids), RESAMPLES)
        for found in arms:
            average_precision(ranked(columns, found_columns(found, columns)), draws)

    work = "1,000 paired resamples of mAP"
    return measured(work, "one pycocotools evaluation", ours, lambda: evaluate(truth, arms[0]), rounds=3)


def _coco_like() -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """Truth and two arms' results of COCO val's size: most objects found nearly in place, and as many false boxes."""
    rng = np.random.default_rng(0)
    pictures, boxes, classes = 5_000, 54_000, 80
    common = 1 / np.arange(1, classes + 1)
    common /= common.sum()

    def places(count: int) -> np.ndarray:
        return np.concatenate(
            [rng.uniform(0, 400, (count, 2)), np.exp(rng.uniform(np.log(10), np.log(250), (count, 2)))], axis=1
        )

    picture, category = rng.integers(1, pictures + 1, boxes), rng.choice(classes, boxes, p=common) + 1
    true, crowd = places(boxes), rng.random(boxes) < 0.01
    columns = zip(picture.tolist(), category.tolist(), true.tolist(), crowd.tolist(), strict=True)
    annotations = [
        {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": int(is_crowd)}
        for n, (i, c, b, is_crowd) in enumerate(columns, start=1)
    ]

    def arm() -> list[dict[str, Any]]:
        hit, alarms = np.flatnonzero(rng.random(boxes) < 0.7), int(0.6 * boxes)
        shift = rng.normal(0, 0.08, (len(hit), 4)) * true[hit, 2:].mean(axis=1, keepdims=True)
        near = np.concatenate([true[hit, :2] + shift[:, :2], np.maximum(true[hit, 2:] + shift[:, 2:], 1)], axis=1)
        found = np.concatenate([near, places(alarms)])
        where = np.concatenate([picture[hit], rng.integers(1, pictures + 1, alarms)])
        what = np.concatenate([category[hit], rng.choice(classes, alarms, p=common) + 1])
        scores = np.concatenate([rng.beta(3, 2, len(hit)), rng.beta(1.5, 4, alarms)])
        rows = zip(where.tolist(), what.tolist(), found.tolist(), scores.tolist(), strict=True)
        return [{"image_id": i, "category_id": c, "bbox": b, "score": s} for i, c, b, s in rows]

    images = [{"id": number} for number in range(1, pictures + 1)]
    categories = [{"id": number} for number in range(1, classes + 1)]
    return {"images": images, "categories": categories, "annotations": annotations}, [arm(), arm()]


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

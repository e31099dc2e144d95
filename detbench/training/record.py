"""What a training tells while it goes on: lines, curves for TensorBoard, a page, checkpoints and weights."""

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from PIL import Image as PillowImage

from detbench.images import write_atomically
from detbench.training.history import Epoch, History, Interval
from detbench.training.tensorboard import Scalars
from detbench.types import Image

Say = Callable[[str], None]

SHOWN = 3
"""Held-out crops whose pictures are kept for the page."""


@dataclass
class StepLog:
    """Loss terms of the steps since the last line, and when that was."""

    begun: float = field(default_factory=time.perf_counter)
    terms: dict[str, list[float]] = field(default_factory=dict)
    steps: int = 0

    def add(self, terms: Mapping[str, float]) -> None:
        """Take in one step."""
        self.steps += 1
        for name, value in terms.items():
            self.terms.setdefault(name, []).append(value)

    def skip(self, seconds: float) -> None:
        """Leave out time that was not spent on steps."""
        self.begun += seconds

    def interval(self, epoch: int, step: int, learning_rate: float) -> Interval:
        """The means since the last call; begins anew."""
        now = time.perf_counter()
        means = {name: fmean(values) for name, values in self.terms.items()}
        made = Interval(epoch, step, (now - self.begun) / self.steps, learning_rate, means)
        self.begun, self.terms, self.steps = now, {}, 0
        return made


@dataclass(frozen=True)
class Record:
    """Where intervals and epochs go: the history's file, TensorBoard, and `say`, in plain lines."""

    history: History
    scalars: Scalars
    say: Say

    def tell_interval(self, interval: Interval, epochs: int) -> None:
        """Epoch of how many, iteration, seconds an iteration, and each loss term by its name."""
        self.history.add(interval)
        terms = " ".join(f"{name} {value:.4g}" for name, value in interval.terms.items())
        self.say(
            f"epoch {interval.epoch}/{epochs} iteration {interval.step} {interval.step_seconds:.3f} s/iteration "
            f"rate {interval.learning_rate:.3g}: {terms}"
        )
        values = {"rate": interval.learning_rate, "seconds per iteration": interval.step_seconds}
        self.scalars.add(interval.step, {f"loss/{name}": value for name, value in interval.terms.items()} | values)

    def tell_epoch(self, epoch: Epoch, epochs: int | None) -> None:
        """Quality of the held-out crops, beside that of the blurred ones; `epochs` is None while nobody knows them."""
        self.history.add(epoch)
        restored, blurred = (
            f"{_db(quality.psnr_db)} SSIM {_ssim(quality.ssim)}" for quality in (epoch.restored, epoch.blurred)
        )
        of = f"/{epochs}" if epochs else ""
        self.say(f"epoch {epoch.epoch}{of} held out: {restored}; blurred: {blurred}")
        for name, quality in (("restored", epoch.restored), ("blurred", epoch.blurred)):
            values = {"psnr_db": quality.psnr_db, "ssim": quality.ssim, "checkerboard_db": quality.checkerboard_db}
            defined = {f"held out/{key} {name}": value for key, value in values.items() if value is not None}
            self.scalars.add(epoch.step, defined)


def write_pictures(folder: Path, name: str, images: list[Image]) -> None:
    """The first SHOWN pictures as `NAME-0.jpg`, `NAME-1.jpg`, …"""
    for number, image in enumerate(images[:SHOWN]):
        stream = io.BytesIO()
        PillowImage.fromarray(image).save(stream, format="JPEG", quality=88)
        write_atomically(folder / f"{name}-{number}.jpg", stream.getvalue())


def _db(value: float | None) -> str:
    return "no PSNR" if value is None else f"{value:.2f} dB"


def _ssim(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"

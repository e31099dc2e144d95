"""What a training reports while it goes on: lines and curves for TensorBoard."""

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

from PIL import Image as PillowImage

from detbench.core.images import write_atomically
from detbench.training.held_out import HeldOutQuality
from detbench.training.history import EpochRecord, History, IntervalRecord
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

    def interval(self, epoch: int, step: int, learning_rate: float) -> IntervalRecord:
        """The means since the last call; begins anew."""
        now = time.perf_counter()
        means = {name: fmean(values) for name, values in self.terms.items()}
        made = IntervalRecord(epoch, step, (now - self.begun) / self.steps, learning_rate, means)
        self.begun, self.terms, self.steps = now, {}, 0
        return made


@dataclass(frozen=True)
class Record:
    """Where intervals and epochs go: the history's file, TensorBoard, and `say`, in plain lines."""

    history: History
    scalars: Scalars
    say: Say

    def add_interval(self, interval: IntervalRecord, epochs: int) -> None:
        """EpochRecord of how many, iteration, seconds an iteration, and each loss term by its name."""
        self.history.add(interval)
        terms = " ".join(f"{name} {value:.4g}" for name, value in interval.terms.items())
        self.say(
            f"epoch {interval.epoch}/{epochs} iteration {interval.step} {interval.step_seconds:.3f} s/iteration "
            f"rate {interval.learning_rate:.3g}: {terms}"
        )
        values = {"rate": interval.learning_rate, "seconds per iteration": interval.step_seconds}
        self.scalars.add(interval.step, {f"loss/{name}": value for name, value in interval.terms.items()} | values)

    def add_epoch(self, epoch: EpochRecord, epochs: int | None) -> None:
        """Quality of each source's held-out pictures, beside the blurred ones'; `epochs` is None while unknown."""
        self.history.add(epoch)
        of = f"/{epochs}" if epochs else ""
        for source, compared in epoch.held_out.items():
            sharp = "" if compared.sharp_map is None else f"; sharp: mAP {compared.sharp_map:.3f}"
            qualities = f"{_words(compared.restored)}; blurred: {_words(compared.blurred)}{sharp}"
            self.say(f"epoch {epoch.epoch}{of} held out, {source}: {qualities}")
            for name, quality in (("restored", compared.restored), ("blurred", compared.blurred)):
                values = {f"held out/{source} {key} {name}": value for key, value in asdict(quality).items()}
                self.scalars.add(epoch.step, {key: value for key, value in values.items() if value is not None})


def write_pictures(folder: Path, name: str, images: list[Image]) -> None:
    """The first SHOWN pictures as `NAME-0.jpg`, `NAME-1.jpg`, …"""
    for number, image in enumerate(images[:SHOWN]):
        stream = io.BytesIO()
        PillowImage.fromarray(image).save(stream, format="JPEG", quality=88)
        write_atomically(folder / f"{name}-{number}.jpg", stream.getvalue())


def _words(quality: HeldOutQuality) -> str:
    psnr = "no PSNR" if quality.psnr_db is None else f"{quality.psnr_db:.2f} dB"
    ssim = "–" if quality.ssim is None else f"{quality.ssim:.4f}"
    return f"{psnr} SSIM {ssim}" + ("" if quality.map is None else f" mAP {quality.map:.3f}")

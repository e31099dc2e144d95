"""The record of a training while it goes on: a history on disk, lines, TensorBoard's files, and pictures."""

import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from PIL import Image as PillowImage

from detbench.core.images import write_atomically
from detbench.training.held_out import HeldOutQuality
from detbench.training.validation import Comparison
from detbench.types import Image

Say = Callable[[str], None]
"""Takes one line for the user."""

HISTORY = "history.jsonl"

SHOWN = 3
"""Held-out crops whose pictures are kept for the page."""


@dataclass(frozen=True)
class IntervalRecord:
    """Some steps up to `step`: how long each took, the rate, and the mean of each loss term."""

    epoch: int
    step: int
    step_seconds: float
    learning_rate: float
    terms: Mapping[str, float]


@dataclass(frozen=True)
class EpochRecord:
    """A finished epoch, and the held-out pictures of each source by its name."""

    epoch: int
    step: int
    held_out: Mapping[str, Comparison]


class History:
    """Intervals and epochs so far, in memory and in the file; `step` is where a resumed training goes on."""

    def __init__(self, folder: Path, step: int) -> None:
        """Read what the file holds up to `step`; what a lost stretch wrote after it is dropped."""
        self._path = folder / HISTORY
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        records = [record for record in map(json.loads, lines) if record["step"] <= step]
        self.intervals = [_interval(record) for record in records if "terms" in record]
        self.epochs = [_epoch(record) for record in records if "held_out" in record]
        write_atomically(self._path, "".join(json.dumps(record) + "\n" for record in records))

    def add(self, record: IntervalRecord | EpochRecord) -> None:
        """Append to both."""
        if isinstance(record, IntervalRecord):
            self.intervals.append(record)
        else:
            self.epochs.append(record)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")


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


class Scalars:
    """Numbers by step in TensorBoard's own files; `tensorboard --logdir FOLDER` shows them.

    Without TensorBoard, an extra, nothing is written.
    """

    def __init__(self, folder: Path, step: int, say: Say) -> None:
        """Go on after `step`: what lies there of later steps is hidden. Says where TensorBoard is not installed."""
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError:
            say("no files for TensorBoard, which is not installed: pip install 'detbench[tensorboard]'")
        else:
            self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add the values of a step by their names, and put them on disk."""
        if self._writer:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()

    def close(self) -> None:
        """End the file."""
        if self._writer:
            self._writer.close()


@dataclass(frozen=True)
class Record:
    """Where intervals and epochs go: the history's file, TensorBoard, and `say`, in plain lines."""

    history: History
    scalars: Scalars
    say: Say

    def add_interval(self, interval: IntervalRecord, epochs: int) -> None:
        """Epoch of how many, iteration, seconds an iteration, and each loss term by its name."""
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


def _interval(record: Mapping[str, Any]) -> IntervalRecord:
    return IntervalRecord(**record)


def _epoch(record: Mapping[str, Any]) -> EpochRecord:
    return EpochRecord(
        record["epoch"], record["step"], {name: _comparison(each) for name, each in record["held_out"].items()}
    )


def _comparison(record: Mapping[str, Any]) -> Comparison:
    return Comparison(HeldOutQuality(**record["restored"]), HeldOutQuality(**record["blurred"]), record["sharp_map"])

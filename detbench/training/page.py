"""The training page: curves, and Original / Generated / Real pictures by epoch; one self-contained file."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detbench.images import write_atomically
from detbench.pages import rendered
from detbench.training.curves import HEIGHT, WIDTH, Chart, Series, chart
from detbench.training.history import Epoch, History
from detbench.training.record import SHOWN

MOST_EPOCHS = 12
"""Epochs whose pictures are on the page: the first, the last, and others evenly between."""


@dataclass(frozen=True)
class Generated:
    """A held-out crop as restored after an epoch; `picture` is a data URI."""

    epoch: int
    picture: str


@dataclass(frozen=True)
class Strip:
    """One held-out crop: as it was blurred, as restored epoch by epoch, and as it really is."""

    original: str
    generated: tuple[Generated, ...]
    real: str


@dataclass(frozen=True)
class PageView:
    """What the page shows; `gain_db` is the restored crops' PSNR above the blurred ones' in the last epoch."""

    title: str
    steps: int
    gain_db: float | None
    last: Epoch | None
    charts: tuple[Chart, ...]
    strips: tuple[Strip, ...]


def render_page(out: Path, title: str, history: History, pictures: Path) -> None:
    """Write `out` from the history and the pictures kept so far."""
    view = view_of(title, history, pictures)
    template = Path(__file__).parent / "templates" / "training.html.j2"
    write_atomically(out, rendered(template, view=view, width=WIDTH, height=HEIGHT))


def view_of(title: str, history: History, pictures: Path) -> PageView:
    """The page's content, without its form."""
    last = history.epochs[-1] if history.epochs else None
    steps = max([0, *(record.step for record in history.intervals), *(record.step for record in history.epochs)])
    strips = tuple(
        _strip(number, history, pictures) for number in range(SHOWN) if _file(pictures, "real", number).exists()
    )
    return PageView(title, steps, _gain_db(last), last, tuple(_charts(history)), strips)


def _charts(history: History) -> list[Chart]:
    held_out = [_held_out(history, key, title) for key, title in _QUALITIES.items()]
    names = dict.fromkeys(name for interval in history.intervals for name in interval.terms)
    terms = [chart(name, {name: _series(history.intervals, _term(name))}) for name in names]
    speed = chart("seconds per iteration", {"seconds": _series(history.intervals, lambda record: record.step_seconds)})
    return [made for made in (*held_out, *terms, speed) if made is not None]


_QUALITIES = {"psnr_db": "PSNR, dB", "ssim": "SSIM", "checkerboard_db": "checkerboard, dB"}


def _held_out(history: History, key: str, title: str) -> Chart | None:
    return chart(
        f"held out: {title}",
        {
            "restored": _series(history.epochs, lambda epoch: getattr(epoch.restored, key)),
            "blurred": _series(history.epochs, lambda epoch: getattr(epoch.blurred, key)),
        },
    )


def _term(name: str) -> Callable[[Any], float | None]:
    return lambda interval: interval.terms.get(name)


def _series(records: list[Any], value_of: Callable[[Any], float | None]) -> Series:
    points = ((record.step, value_of(record)) for record in records)
    return [(step, value) for step, value in points if value is not None]


def _strip(number: int, history: History, pictures: Path) -> Strip:
    epochs = [record.epoch for record in history.epochs if _file(pictures, _epoch_name(record.epoch), number).exists()]
    generated = (Generated(epoch, _embedded(pictures, _epoch_name(epoch), number)) for epoch in _evenly(epochs))
    return Strip(_embedded(pictures, "original", number), tuple(generated), _embedded(pictures, "real", number))


def _evenly(epochs: list[int]) -> list[int]:
    count = min(len(epochs), MOST_EPOCHS)
    return [epochs[round(place * (len(epochs) - 1) / max(1, count - 1))] for place in range(count)]


def _epoch_name(epoch: int) -> str:
    return f"epoch-{epoch:04d}"


def _file(pictures: Path, name: str, number: int) -> Path:
    return pictures / f"{name}-{number}.jpg"


def _embedded(pictures: Path, name: str, number: int) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(_file(pictures, name, number).read_bytes()).decode()}"


def _gain_db(last: Epoch | None) -> float | None:
    if last is None or last.restored.psnr_db is None or last.blurred.psnr_db is None:
        return None
    return last.restored.psnr_db - last.blurred.psnr_db

"""The training page: curves, and Original / Generated / Real pictures by epoch; one self-contained file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from detbench.core.images import read_image, write_atomically
from detbench.pages.html import rendered
from detbench.pages.parts import Exhibit, KeyEntry
from detbench.pages.plot import CEILING, FLOOR, Pen, inline_svg, pen
from detbench.pages.strips import Panel, Role, Strip
from detbench.pages.thumbnails import thumbnail
from detbench.training.training_record import SHOWN, EpochRecord, History

MOST_EPOCHS = 12
"""Epochs whose pictures are on the page: the first, the last, and others evenly between."""

HEIGHT_IN = 2.2
"""Of a chart."""

MOST_POINTS = 160
"""Of a curve; more are averaged."""

Series = Sequence[tuple[float, float]]
"""Points (step, value) in order of steps."""


@dataclass(frozen=True)
class SourceGain:
    """PSNR of a source's held-out crops, and their `map` in words where it is known."""

    source: str
    restored_db: float
    blurred_db: float
    map: str


@dataclass(frozen=True)
class PageView:
    """What the page shows; `gains` are those of the epoch number `epoch`, the last."""

    title: str
    steps: int
    epoch: int
    gains: tuple[SourceGain, ...]
    charts: tuple[Exhibit, ...]
    strips: tuple[Strip, ...]


def render_page(out: Path, title: str, history: History, pictures: Path) -> None:
    """Write `out` from the history and the pictures kept so far."""
    template = Path(__file__).parent / "templates" / "training.html.j2"
    write_atomically(out, rendered(template, view=view_of(title, history, pictures)))


def view_of(title: str, history: History, pictures: Path) -> PageView:
    """The page's content, without its form."""
    gains = tuple(_gains(history.epochs[-1])) if history.epochs else ()
    number = history.epochs[-1].epoch if history.epochs else 0
    steps = max([0, *(record.step for record in history.intervals), *(record.step for record in history.epochs)])
    strips = tuple(
        _strip(number, history, pictures) for number in range(SHOWN) if _file(pictures, "real", number).exists()
    )
    return PageView(title, steps, number, gains, tuple(_charts(history)), strips)


_PENS = {"blurred": FLOOR, "sharp": CEILING}
_QUALITIES = {"psnr_db": "PSNR, dB", "ssim": "SSIM", "checkerboard_db": "checkerboard, dB", "map": "mAP"}


def _charts(history: History) -> list[Exhibit]:
    sources = dict.fromkeys(name for epoch in history.epochs for name in epoch.held_out)
    held_out = [_held_out(history, source, *quality) for source in sources for quality in _QUALITIES.items()]
    names = dict.fromkeys(name for interval in history.intervals for name in interval.terms)
    terms = [_chart(name, {name: _series(history.intervals, _term(name))}) for name in names]
    speed = _chart("seconds per iteration", {"seconds": _series(history.intervals, lambda record: record.step_seconds)})
    return [made for made in (*held_out, *terms, speed) if made is not None]


def _held_out(history: History, source: str, key: str, title: str) -> Exhibit | None:
    series = {
        "restored": _series(history.epochs, lambda epoch: getattr(epoch.held_out[source].restored, key)),
        "blurred": _series(history.epochs, lambda epoch: getattr(epoch.held_out[source].blurred, key)),
    }
    if key == "map":
        series["sharp"] = _series(history.epochs, lambda epoch: epoch.held_out[source].sharp_map)
    return _chart(f"held out, {source}: {title}", series)


def _chart(title: str, series: Mapping[str, Series]) -> Exhibit | None:
    """A chart of the series that have points; None where none has."""
    drawn = {name: points for name, points in series.items() if points}
    if not drawn:
        return None
    pens = {name: _PENS.get(name, pen(0)) for name in drawn}
    key = tuple(KeyEntry(name, pens[name], note=f"{points[-1][1]:.4g}") for name, points in drawn.items())
    words = "; ".join(f"{entry.name} ends at {entry.note}" for entry in key)
    draw = curves([(pens[name], points) for name, points in drawn.items()])
    plot = inline_svg(_key_of(title), f"{title}: {words}", draw, HEIGHT_IN)
    return Exhibit(title, "", key, plot, table=None)


def curves(drawn: Sequence[tuple[Pen, Series]]) -> Callable[[Figure], None]:
    """What draws several series over the same steps."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for line, points in drawn:
            steps, values = zip(*thinned(points), strict=True)
            axis.plot(steps, values, color=line.colour)
        axis.set_xlabel("iterations")
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.ticklabel_format(useOffset=False)

    return draw


def thinned(points: Series) -> Series:
    """At most MOST_POINTS points, each the mean of those that it stands for."""
    size = -(-len(points) // MOST_POINTS)
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return [(fmean(step for step, _ in group), fmean(value for _, value in group)) for group in groups]


def _key_of(title: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else f"-{ord(letter):x}-" for letter in title)


def _term(name: str) -> Callable[[Any], float | None]:
    return lambda interval: interval.terms.get(name)


def _series(records: list[Any], value_of: Callable[[Any], float | None]) -> Series:
    points = ((record.step, value_of(record)) for record in records)
    return [(step, value) for step, value in points if value is not None]


def _strip(number: int, history: History, pictures: Path) -> Strip:
    numbers = dict.fromkeys(record.epoch for record in history.epochs)
    epochs = [epoch for epoch in numbers if _file(pictures, _epoch_name(epoch), number).exists()]
    generated = (
        _panel(f"Generated, epoch {epoch}", "after", _file(pictures, _epoch_name(epoch), number))
        for epoch in _evenly(epochs)
    )
    original = _panel("Original", "before", _file(pictures, "original", number))
    real = _panel("Real", "goal", _file(pictures, "real", number))
    return Strip(f"Held-out picture {number + 1}", "", (original, *generated, real))


def _panel(title: str, role: Role, file: Path) -> Panel:
    height, width = read_image(file).shape[:2]
    return Panel(title, role, thumbnail(file), width, height, alt=title)


def _evenly(epochs: list[int]) -> list[int]:
    count = min(len(epochs), MOST_EPOCHS)
    return [epochs[round(place * (len(epochs) - 1) / max(1, count - 1))] for place in range(count)]


def _epoch_name(epoch: int) -> str:
    return f"epoch-{epoch:04d}"


def _file(pictures: Path, name: str, number: int) -> Path:
    return pictures / f"{name}-{number}.jpg"


def _gains(last: EpochRecord) -> Iterator[SourceGain]:
    for source, compared in last.held_out.items():
        restored, blurred = compared.restored, compared.blurred
        known = restored.map is not None and blurred.map is not None and compared.sharp_map is not None
        maps = f"mAP {restored.map:.3f}, blurred {blurred.map:.3f}, sharp {compared.sharp_map:.3f}" if known else ""
        if restored.psnr_db is not None and blurred.psnr_db is not None:
            yield SourceGain(source, restored.psnr_db, blurred.psnr_db, maps)

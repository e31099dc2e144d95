"""How time and memory of a run grow: `python reports/growth.py` draws what `tests/bench/growth.py` measured."""

import io
import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter
from PIL import Image as PillowImage

from detbench.pages.figure_files import figure_files

FIGURES = Path(__file__).with_name("bench-growth.json")
PLOT = Path(__file__).parents[1] / "detbench" / "docs" / "pages" / "pictures" / "growth.webp"
HEIGHT_IN = 2.6
RUNS = {"first": "first run", "again": "repeated"}
PANELS = {"s": ("seconds", "log"), "mb": ("peak memory, MB", "linear")}
"""What each panel shows, and the scale of its upright axis."""


def main() -> None:
    """Write the plot: two panels over the number of pictures."""
    rows = json.loads(FIGURES.read_text())

    def draw(figure: Figure) -> None:
        for place, key in enumerate(PANELS, start=1):
            _panel(figure.add_subplot(1, 2, place), rows, key)
        figure.subplots_adjust(wspace=0.6)
        figure.axes[1].legend(loc="center", frameon=False)

    with PillowImage.open(io.BytesIO(figure_files(draw, HEIGHT_IN)["png"])) as plot:
        plot.convert("RGB").save(PLOT, "WEBP", quality=85, method=6)


def _panel(axes: Axes, rows: list[dict[str, dict[str, float]]], key: str) -> None:
    title, scale = PANELS[key]
    pictures = [row["pictures"] for row in rows]
    for run, label in RUNS.items():
        axes.plot(pictures, [row[run][key] for row in rows], marker="o", label=label)
    axes.set(xscale="log", yscale=scale, xlabel="pictures", title=title)
    axes.set_ylim(*((1, 200) if scale == "log" else (0, None)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_formatter(NullFormatter())


if __name__ == "__main__":
    main()

"""How time and memory of a run grow: `python reports/growth.py` draws what `tests/bench/growth.py` measured."""

import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from detbench.core.images import write_atomically
from detbench.pages.figure_files import figure_files

FIGURES = Path(__file__).with_name("bench-growth.json")
PLOT = Path(__file__).parents[1] / "detbench" / "docs" / "pages" / "pictures" / "growth.svg"
HEIGHT_IN = 2.6
RUNS = {"first": "from an empty cache", "again": "repeated"}
PANELS = {"s": "seconds", "mb": "peak memory, MB"}


def main() -> None:
    """Write the plot: two panels over the number of pictures, all axes logarithmic."""
    rows = json.loads(FIGURES.read_text())

    def draw(figure: Figure) -> None:
        for place, (key, title) in enumerate(PANELS.items(), start=1):
            _panel(figure.add_subplot(1, 2, place), rows, key, title)

    write_atomically(PLOT, figure_files(draw, HEIGHT_IN)["svg"])


def _panel(axes: Axes, rows: list[dict[str, dict[str, float]]], key: str, title: str) -> None:
    pictures = [row["pictures"] for row in rows]
    for run, label in RUNS.items():
        axes.plot(pictures, [row[run][key] for row in rows], marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="pictures", title=title)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend()


if __name__ == "__main__":
    main()

"""A plot as files of its own, to stand in a paper or on a slide: in the light page's colours, with its key above it."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from detbench.pages.html import PARTS
from detbench.pages.parts import Exhibit, KeyEntry
from detbench.pages.plot import VARIABLES, drawn, truncate_label

_UNDATED: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}
"""Formats, each with the metadata that would differ from one writing to the next, or from machine to machine."""
_AS_FILE = {"svg.fonttype": "path", "pdf.fonttype": 42}  # letters that need no font; fonts that publishers take
_DPI = 200
_ENTRIES_IN_A_ROW = 4


def figure_files(exhibit: Exhibit) -> dict[str, bytes]:
    """The plot as SVG, PNG and PDF, by suffix; equal plots give equal bytes."""
    with _light_colours(), drawn(exhibit.plot.draw, exhibit.plot.height_in) as figure, mpl.rc_context(_AS_FILE):
        _add_key(figure, exhibit.key)
        return {suffix: _saved(figure, suffix) for suffix in _UNDATED}


def _saved(figure: Figure, suffix: str) -> bytes:
    stream = io.BytesIO()
    metadata = _UNDATED[suffix]
    figure.savefig(
        stream, format=suffix, metadata=metadata, dpi=_DPI, facecolor="white", bbox_inches="tight", pad_inches=0.05
    )
    return stream.getvalue()


def _add_key(figure: Figure, key: Sequence[KeyEntry]) -> None:
    lines = [
        Line2D(
            [],
            [],
            color=each.pen.colour,
            linestyle=each.pen.linestyle,
            marker=each.pen.marker if each.has_marker else "",
        )
        for each in key
    ]
    names = [truncate_label(f"{each.name} {each.note}".strip()) for each in key]
    figure.legend(
        lines,
        names,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=_ENTRIES_IN_A_ROW,
        frameon=False,
        handlelength=2.5,
    )


@contextmanager
def _light_colours() -> Iterator[None]:
    """The colours that stand for the page's variables mean those of its light theme."""
    style = (PARTS / "style.css").read_text(encoding="utf-8")
    known = mpl.colors.get_named_colors_mapping()
    for colour, variable in VARIABLES.items():
        known[colour] = re.findall(rf"--{variable}: (#\w+)", style)[0]
    try:
        yield
    finally:
        for colour in VARIABLES:
            del known[colour]

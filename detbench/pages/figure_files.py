"""A plot as files of its own, to stand in a paper or on a slide: in the light page's colours, with its key above it."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from detbench.pages.html import PARTS
from detbench.pages.parts import KeyEntry
from detbench.pages.plot import VARIABLES, drawn, truncate_label

_UNDATED: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}
"""Formats, each with the metadata that would differ from one writing to the next, or from machine to machine."""
_AS_FILE: dict[Any, Any] = {
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}  # letters that need no font; fonts that publishers take
_DPI = 200
_ENTRIES_IN_A_ROW = 4


def figure_files(draw: Callable[[Figure], None], height_in: float, key: Sequence[KeyEntry] = ()) -> dict[str, bytes]:
    """What `draw` puts on a figure of this height as SVG, PNG and PDF, by suffix; equal drawings give equal bytes."""
    with _light_colours(), drawn(draw, height_in) as figure, mpl.rc_context(_AS_FILE):
        if key:
            _add_key(figure, key)
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


@cache
def page_colour(variable: str) -> str:
    """A CSS variable of the light page, as #rrggbb."""
    style = (PARTS / "style.css").read_text(encoding="utf-8")
    return str(re.findall(rf"--{variable}: (#\w+)", style)[0])


@contextmanager
def _light_colours() -> Iterator[None]:
    """The colours that stand for the page's variables mean those of its light theme."""
    known = mpl.colors.get_named_colors_mapping()
    for colour, variable in VARIABLES.items():
        known[colour] = page_colour(variable)
    try:
        yield
    finally:
        for colour in VARIABLES:
            del known[colour]

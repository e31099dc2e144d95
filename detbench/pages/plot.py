"""Matplotlib's figures as inline SVG that takes the page's colours: light, dark and in print, without inline styles.

A figure is drawn in the colours below, which stand for the page's CSS variables; text stays text.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

from markupsafe import Markup

if TYPE_CHECKING:  # a second of time that only drawing costs: words and tables need no more of this module than names
    from matplotlib.figure import Figure

INK, SOFT, RULE, PLAIN = "#000001", "#000002", "#000003", "#000004"
FONT_SIZE = 12.0
"""Of all text, in units of the view box. A page never shows a plot smaller than on a phone 360 pixels wide, where a
unit is a pixel: there text is 12 pixels high.
"""
WIDTH_IN, HEIGHT_IN = 4.5, 3.2
POINTS_PER_IN = 72

_SERIES = tuple(f"#0000{16 + index:02x}" for index in range(8))
VARIABLES = {INK: "ink", SOFT: "soft", RULE: "rule", PLAIN: "plain"}
VARIABLES |= {colour: f"series-{index}" for index, colour in enumerate(_SERIES)}
"""The page's CSS variable that each colour of a drawing stands for."""
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "detbench",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": SOFT,
    "axes.titlesize": FONT_SIZE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_WORDS = 22
LETTER_IN = 0.6 * FONT_SIZE / POINTS_PER_IN
"""The width of a letter, about: readers' fonts differ."""


@dataclass(frozen=True)
class Pen:
    """How one series is drawn, in a plot and in the key beside it: `variable` is its colour in CSS, `dashes` are
    lengths of line and gap, `marker` Matplotlib's and `shape` the same as a path around (0, 0).
    """

    colour: str
    dashes: tuple[float, ...]
    marker: str
    shape: str

    @property
    def variable(self) -> str:
        """The colour as the page knows it."""
        return f"var(--{VARIABLES[self.colour]})"

    @property
    def linestyle(self) -> Literal["solid"] | tuple[float, tuple[float, ...]]:
        """The dashes as Matplotlib takes them."""
        return (0, self.dashes) if self.dashes else "solid"


class Plot(Markup):
    """A plot as an SVG element of a page, with what drew it, on a figure `height_in` inches high: a file of its own is
    drawn by the same.
    """

    draw: Callable[["Figure"], None]
    height_in: float


_MARKERS = (
    ("o", "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z"),
    ("s", "M-3-3H3V3H-3z"),
    ("^", "M0-4L4 3H-4z"),
    ("D", "M0-4L4 0L0 4L-4 0z"),
    ("v", "M0 4L4-3H-4z"),
)
_DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (1.5, 1.5), (5, 1.5, 1.5, 1.5))
CEILING = Pen(INK, (1, 2), *_MARKERS[0])
FLOOR = Pen(PLAIN, (), *_MARKERS[1])


def pen(index: int) -> Pen:
    """The pen of a series that is neither floor nor ceiling; neighbours differ in colour, dashes and marker."""
    return Pen(_SERIES[index % len(_SERIES)], _DASHES[index % len(_DASHES)], *_MARKERS[index % len(_MARKERS)])


def truncate_label(text: str) -> str:
    """A name for a plot: without control characters, which SVG cannot hold, and not too long."""
    plain = " ".join(_CONTROL.sub("\ufffd", text).split())
    return plain if len(plain) <= _LONGEST_WORDS else f"{plain[: _LONGEST_WORDS - 1]}…"


def width_pt(words: str) -> float:
    """How wide words are in a plot, in points: in Matplotlib's own font, which is wider than most readers'."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(words, FontProperties(size=FONT_SIZE), ismath=False)[0]


def make_room(figure: "Figure", names: Sequence[str]) -> None:
    """Widen the left margin, so that names stand beside the axis."""
    figure.subplots_adjust(left=(0.25 + LETTER_IN * max(map(len, names), default=0)) / WIDTH_IN)


def inline_svg(key: str, alt: str, draw: Callable[["Figure"], None], height_in: float = HEIGHT_IN) -> Plot:
    """What `draw` puts on a figure, as an SVG element; equal drawings give equal text.

    `key` is unique among the plots of a page, `alt` describes it in words.
    """
    stream = io.StringIO()
    with drawn(draw, height_in) as figure:
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    plot = Plot(_inlined(stream.getvalue(), key, alt))
    plot.draw, plot.height_in = draw, height_in
    return plot


@contextmanager
def drawn(draw: Callable[["Figure"], None], height_in: float) -> Iterator["Figure"]:
    """A figure that is drawn, to be saved within the context: Matplotlib reads its settings until then."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the reader's fonts may have it
        figure = Figure(figsize=(WIDTH_IN, height_in))
        figure.subplots_adjust(0.7 / WIDTH_IN, 0.6 / height_in, 1 - 0.14 / WIDTH_IN, 1 - 0.28 / height_in, wspace=0.2)
        draw(figure)
        yield figure


def _inlined(svg: str, key: str, alt: str) -> str:
    """The file as an element of a page: attributes instead of styles, variables instead of colours, ids of its own."""
    root = ElementTree.fromstring(svg)
    kept = set(re.findall(r"#([\w-]+)", " ".join(_references(root))))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for element in root.iter():
        _rewrite(element, key, kept)
    shape = {"viewBox": root.attrib["viewBox"], "class": "plot", "role": "img", "aria-label": alt}
    root.attrib = {**shape, "stroke-linejoin": "round"}
    return ElementTree.tostring(root, encoding="unicode")


def _references(root: ElementTree.Element) -> list[str]:
    return [value for element in root.iter() for name, value in element.attrib.items() if name != "id" and "#" in value]


def _rewrite(element: ElementTree.Element, key: str, kept: set[str]) -> None:
    element.tag = element.tag.removeprefix(_SVG)
    given = {name.removeprefix(_XLINK): value for name, value in element.attrib.items()}
    if given.get("id") not in kept:
        given.pop("id", None)
    styles = given.pop("style", "")
    given |= dict(map(_property, filter(str.strip, styles.split(";"))))
    element.attrib = {name: _value(name, value, key) for name, value in given.items()}
    element.tail = None if element.tail is None or not element.tail.strip() else element.tail
    element.text = None if element.text is None or not element.text.strip() else element.text


def _property(declaration: str) -> tuple[str, str]:
    """One declaration as a presentation attribute; of a font only the size is kept, its family is the page's."""
    name, _, value = declaration.partition(":")
    size = re.search(r"([\d.]+)px", value)
    return ("font-size", size[1]) if name.strip() == "font" and size else (name.strip(), value.strip())


def _value(name: str, value: str, key: str) -> str:
    """Colours by name, references within this plot, and no more than two decimals."""
    if value in VARIABLES:
        return f"var(--{VARIABLES[value]})"
    if name == "id":
        return f"{key}-{value}"
    if value.startswith(("#", "url(#")):
        return value.replace("#", f"#{key}-")
    if name in ("d", "x", "y", "width", "height", "transform", "points"):
        return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), value)
    return value

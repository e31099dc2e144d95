import re
from xml.etree import ElementTree

from matplotlib.figure import Figure

from detbench.pages.plot import INK, inline_svg, pen, truncate_label

HOSTILE = "<script>alert(1)</script> $x^2$ {{ 7*7 }} \x00 模糊 \"'"


def draw(figure: Figure) -> None:
    """A line, a marker, a clipped curve and hostile words."""
    axis = figure.subplots()
    axis.plot([0, 1, 2], [0, 1, 0], color=pen(0).colour, linestyle=pen(1).linestyle, marker="o")
    axis.axhline(0.5, color=INK)
    axis.set(title=truncate_label(HOSTILE), xlim=(0.5, 1.5))


def test_a_plot_gives_the_same_text_again() -> None:
    """Nothing of the time, the process or a random salt is in it."""
    assert inline_svg("a", "A plot", draw) == inline_svg("a", "A plot", draw)


def test_a_plot_has_no_styles_of_its_own() -> None:
    """A strict policy forbids inline styles; colours are the page's variables, so that dark pages have dark plots."""
    svg = inline_svg("a", "A plot", draw)
    assert not re.search(r"style|#0000|<metadata|<!--", svg)
    assert "var(--series-0)" in svg
    assert "var(--ink)" in svg


def test_references_stay_within_their_plot() -> None:
    """Every id bears the plot's key, every reference is to one of them, and nothing else has an id."""
    root = ElementTree.fromstring(inline_svg("a", "A plot", draw))
    ids = {value for element in root.iter() if (value := element.get("id")) is not None}
    texts = " ".join(value for element in root.iter() for value in element.attrib.values())
    assert ids == set(re.findall(r"#([\w-]+)", texts))
    assert all(name.startswith("a-") for name in ids)


def test_words_stay_words() -> None:
    """Markup and formulas in a name are text, control characters are replaced, long names are cut."""
    root = ElementTree.fromstring(inline_svg("a", "A <plot>", draw))
    assert root.get("aria-label") == "A <plot>"
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    assert "<script>alert(1)</scr…" in "".join(root.itertext())
    assert truncate_label("a\x00b\nc $y$") == "a\ufffdb c $y$"


def test_neighbouring_series_differ_without_colour() -> None:
    """Marker and dashes tell neighbours apart where colours cannot."""
    assert all(
        pen(index).dashes != pen(index + 1).dashes and pen(index).marker != pen(index + 1).marker for index in range(16)
    )

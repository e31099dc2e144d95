import io
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from detbench.pages.figure_files import figure_files
from detbench.pages.parts import Exhibit, KeyEntry
from detbench.pages.plot import inline_svg, pen

BLUE = (0x00, 0x72, 0xB2)
"""The light page's first series."""


@pytest.fixture
def exhibit() -> Exhibit:
    """A line in the first pen."""

    def draw(figure: Figure) -> None:
        figure.subplots().plot([0, 1], [0, 1], color=pen(0).colour, linewidth=6)

    key = (KeyEntry("my $net_1$", pen(0), has_marker=True),)
    return Exhibit("A line", "", key, inline_svg("line", "A line", draw), None)


def files_of(exhibit: Exhibit) -> dict[str, bytes]:
    """Its plot with its key."""
    return figure_files(exhibit.plot.draw, exhibit.plot.height_in, exhibit.key)


def test_each_format_is_written_alike_each_time(exhibit: Exhibit) -> None:
    """No date, no random id: the same plot gives the same bytes."""
    files = files_of(exhibit)
    assert {suffix: content[:4] for suffix, content in files.items()} == {
        "svg": b"<?xm",
        "png": b"\x89PNG",
        "pdf": b"%PDF",
    }
    assert files_of(exhibit) == files
    assert b"CreationDate" not in files["pdf"]
    assert b"<dc:date>" not in files["svg"]


def test_colours_are_those_of_the_light_page(exhibit: Exhibit) -> None:
    """On white; the colours that stand for the page's variables mean themselves again afterwards."""
    files = files_of(replace(exhibit, key=()))
    pixels = np.asarray(Image.open(io.BytesIO(files["png"])).convert("RGB")).reshape(-1, 3)
    assert (pixels == BLUE).all(axis=1).sum() > 1000
    assert pixels[0].tolist() == [255, 255, 255]
    assert b"#0072b2" in files["svg"]
    assert mpl.colors.to_hex(pen(0).colour) == pen(0).colour
    assert "var(--series-0)" in inline_svg("line", "A line", exhibit.plot.draw)


def test_the_key_stands_above_the_plot(exhibit: Exhibit) -> None:
    """A picture with a key is taller than one without."""
    tall, low = (Image.open(io.BytesIO(files_of(each)["png"])).height for each in (exhibit, replace(exhibit, key=())))
    assert tall > low + 20

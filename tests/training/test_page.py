import json
import re
from pathlib import Path

import numpy as np
import pytest

from detbench.training.curves import HEIGHT, MOST_POINTS, WIDTH, chart
from detbench.training.held_out import Quality
from detbench.training.history import Epoch, History, Interval
from detbench.training.page import MOST_EPOCHS, render_page, view_of
from detbench.training.record import write_pictures


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Thirty epochs of two steps."""
    made = History(tmp_path, 0)
    for number in range(31):
        if number:
            made.add(Interval(number, 2 * number, 0.5, 1e-4, {"G_L1": 1 / number, "D_real+fake": -0.1 * number}))
        made.add(Epoch(number, 2 * number, Quality(24 + number / 10, 0.7, 3.0), Quality(25.0, 0.71, 3.1)))
    return made


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures of each of the thirty epochs."""
    images = [np.full((16, 16, 3), level, np.uint8) for level in (50, 100, 150)]
    for name in ("original", "real", *(f"epoch-{number:04d}" for number in range(31))):
        write_pictures(tmp_path / "pictures", name, images)
    return tmp_path / "pictures"


def test_the_page_says_whether_it_works(history: History, pictures: Path, tmp_path: Path) -> None:
    """The held-out PSNR stands beside that of the blurred pictures, in words and as curves."""
    render_page(tmp_path / "page.html", "deblurgan on photos", history, pictures)
    page = " ".join((tmp_path / "page.html").read_text().split())
    assert "After epoch 30 held-out pictures are at 27.00 dB, 2.00 dB above the blurred ones (25.00 dB)" in page
    assert "held out: PSNR, dB: <b>restored 27</b> <b>blurred 25</b>" in page
    assert "G_L1" in page
    assert "D_real+fake" in page


def test_the_page_is_self_contained(history: History, pictures: Path, tmp_path: Path) -> None:
    """No address but those of the pictures in it, and of no script."""
    render_page(tmp_path / "page.html", "x", history, pictures)
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"https?:|<script|@import|url\(", page)
    sources = re.findall(r'src="([^"]{0,23})', page)
    assert set(sources) == {"data:image/jpeg;base64,"}
    assert "default-src 'none'" in page


def test_text_is_escaped(history: History, pictures: Path, tmp_path: Path) -> None:
    """A folder's name is text, whatever it is."""
    render_page(tmp_path / "page.html", "<script>alert(1)</script>", history, pictures)
    assert "<script>" not in (tmp_path / "page.html").read_text()


def test_pictures_stand_side_by_side(history: History, pictures: Path) -> None:
    """Original, generated and real for three crops; of many epochs the first, the last and some between."""
    view = view_of("x", history, pictures)
    assert len(view.strips) == 3
    epochs = [generated.epoch for generated in view.strips[0].generated]
    assert len(epochs) == MOST_EPOCHS
    assert (epochs[0], epochs[-1]) == (0, 30)
    assert view.strips[0].original != view.strips[1].original


def test_an_empty_history_is_a_page_too(tmp_path: Path) -> None:
    """Before the first epoch there are no numbers to show, and nothing fails."""
    render_page(tmp_path / "page.html", "x", History(tmp_path, 0), tmp_path / "pictures")
    assert "No epoch is finished yet" in (tmp_path / "page.html").read_text()


def test_a_resumed_history_forgets_what_was_lost(history: History, tmp_path: Path) -> None:
    """Records after the checkpoint's step are dropped, in the file too; what is added follows what was kept."""
    resumed = History(tmp_path, 20)
    assert resumed.intervals == history.intervals[:10]
    assert resumed.epochs == history.epochs[:11]
    resumed.add(Interval(11, 22, 0.5, 1e-4, {"G_L1": 0.5}))
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines[-2:]] == [20, 22]


def test_curves_fill_their_chart() -> None:
    """The lowest value lies at the lower edge, the highest at the upper, the last step at the right."""
    made = chart("x", {"falling": [(5, 4.0), (10, 2.0)], "none": []})
    assert made is not None
    assert [line.name for line in made.lines] == ["falling"]
    assert made.lines[0].points == f"{WIDTH / 2:.1f},0.0 {WIDTH:.1f},{HEIGHT:.1f}"
    assert (made.low, made.high, made.lines[0].last) == ("2", "4", "2")
    assert chart("x", {"none": []}) is None


def test_long_curves_are_thinned() -> None:
    """Points are means of their neighbours, as many as there is room for."""
    made = chart("x", {"long": [(step, step % 2) for step in range(1, 10 * MOST_POINTS + 1)]})
    assert made is not None
    assert len(made.lines[0].points.split()) == MOST_POINTS
    assert (made.low, made.high) == ("0.5", "0.5")

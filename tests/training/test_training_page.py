import re
from pathlib import Path

import numpy as np
import pytest

from detbench.training.held_out import HeldOutQuality
from detbench.training.training_page import MOST_EPOCHS, MOST_POINTS, render_page, thinned, view_of
from detbench.training.training_record import EpochRecord, History, IntervalRecord, write_pictures
from detbench.training.validation import Comparison


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Thirty epochs of two steps."""
    made = History(tmp_path, 0)
    for number in range(31):
        if number:
            made.add(IntervalRecord(number, 2 * number, 0.5, 1e-4, {"G_L1": 1 / number, "D_real+fake": -0.1 * number}))
        photos = Comparison(HeldOutQuality(24 + number / 10, 0.7, 3.0), HeldOutQuality(25.0, 0.71, 3.1))
        streets = Comparison(
            HeldOutQuality(21.5, 0.6, 3.0, map=0.3), HeldOutQuality(22.0, 0.61, 3.1, map=0.25), sharp_map=0.5
        )
        made.add(EpochRecord(number, 2 * number, {"photos": photos, "streets": streets}))
    return made


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures of each of the thirty epochs."""
    images = [np.full((16, 16, 3), level, np.uint8) for level in (50, 100, 150)]
    for name in ("original", "real", *(f"epoch-{number:04d}" for number in range(31))):
        write_pictures(tmp_path / "pictures", name, images)
    return tmp_path / "pictures"


def test_the_page_says_whether_it_works(history: History, pictures: Path, tmp_path: Path) -> None:
    """Each source's PSNR stands beside that of its blurred pictures, in words and curves; mAP where known."""
    render_page(tmp_path / "page.html", "deblurgan on photos", history, pictures)
    page = " ".join((tmp_path / "page.html").read_text().split())
    assert "held-out pictures of photos are at 27.00 dB, 2.00 dB above the blurred ones (25.00 dB)." in page
    assert "of streets are at 21.50 dB, 0.50 dB below the blurred ones (22.00 dB); mAP 0.300, blurred 0.250" in page
    assert "<h3>held out, photos: PSNR, dB</h3>" in page
    assert "<h3>held out, streets: mAP</h3>" in page
    assert "<h3>held out, photos: mAP</h3>" not in page
    assert "sharp <small>0.5</small>" in page
    assert "restored <small>27</small>" in page
    assert "blurred <small>25</small>" in page
    assert "G_L1" in page
    assert "D_real+fake" in page


def test_the_page_is_self_contained(history: History, pictures: Path, tmp_path: Path) -> None:
    """No address but those of the pictures in it; the policy forbids everything else."""
    render_page(tmp_path / "page.html", "x", history, pictures)
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"https?://(?!www.w3.org/2000/svg)|@import|url\((?!#)", page)
    sources = re.findall(r'src="([^"]{0,23})', page)
    assert set(sources) == {"data:image/webp;base64,"}
    assert "default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-" in page


def test_text_is_escaped(history: History, pictures: Path, tmp_path: Path) -> None:
    """A folder's name is text, whatever it is."""
    render_page(tmp_path / "page.html", "<script>alert(1)</script>", history, pictures)
    assert "<script>alert" not in (tmp_path / "page.html").read_text()


def test_pictures_stand_side_by_side(history: History, pictures: Path) -> None:
    """Original, generated and real for three crops; of many epochs the first, the last and some between."""
    view = view_of("x", history, pictures)
    assert len(view.strips) == 3
    titles = [panel.title for panel in view.strips[0].panels]
    assert len(titles) == MOST_EPOCHS + 2
    assert titles[:2] + titles[-2:] == ["Original", "Generated, epoch 0", "Generated, epoch 30", "Real"]
    assert view.strips[0].panels[0].picture != view.strips[1].panels[0].picture


def test_an_empty_history_is_a_page_too(tmp_path: Path) -> None:
    """Before the first epoch there are no numbers to show, and nothing fails."""
    render_page(tmp_path / "page.html", "x", History(tmp_path, 0), tmp_path / "pictures")
    assert "No epoch is finished yet" in (tmp_path / "page.html").read_text()


def test_long_curves_are_thinned() -> None:
    """Points are means of their neighbours, as many as there is room for; short curves stay as they are."""
    points = thinned([(step, step % 2) for step in range(1, 10 * MOST_POINTS + 1)])
    assert len(points) == MOST_POINTS
    assert points[0] == (5.5, 0.5)
    assert thinned([(1, 2.0), (2, 3.0)]) == [(1, 2.0), (2, 3.0)]

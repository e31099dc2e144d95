"""Pages that are rendered once for the same files."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from detbench.core import fingerprints
from detbench.errors import DataError
from detbench.report import render
from detbench.report.kept_page import render_or_reuse
from detbench.results.cache import Cache

MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377}
Write = Callable[..., Path]


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that are rendered, in their order: those whose page was not kept."""
    folders: list[Path] = []
    render_report = render.render_report

    def noted(folder: Path, out: Path | None = None, figures: None = None, budget: float | None = None) -> Path:
        folders.append(folder)
        return render_report(folder, out, figures, budget)

    monkeypatch.setattr(render, "render_report", noted)
    return folders


def test_a_page_is_rendered_once_and_is_the_same_from_the_cache(
    write: Write, rendered: list[Path], tmp_path: Path
) -> None:
    """Page and summary come back byte for byte after both were removed, and nothing is rendered for them."""
    folder, cache = write(maps=MAPS), Cache(tmp_path / "cache")
    files = (render_or_reuse(folder, cache), folder / "summary.md")
    before = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    assert render_or_reuse(folder, cache) == files[0]
    assert [file.read_bytes() for file in files] == before
    assert rendered == [folder]


@pytest.mark.parametrize("name", ["result.json", "analysis.json", "images.csv", "truth.json", "detections/wiener.json"])
def test_another_input_is_another_page(name: str, write: Write, rendered: list[Path], tmp_path: Path) -> None:
    """A byte more in any file that a page is made of, and the page is rendered again."""
    folder, cache = write(maps=MAPS), Cache(tmp_path / "cache")
    render_or_reuse(folder, cache)
    file = folder / name
    file.write_bytes(file.read_bytes() + b"\n")
    render_or_reuse(folder, cache)
    assert len(rendered) == 2


def test_a_picture_another_place_and_a_budget_count(write: Write, rendered: list[Path], tmp_path: Path) -> None:
    """A page elsewhere has no links to full pictures, one with a budget greys arms out, and thumbnails are of files."""
    folder, cache = write(maps=MAPS), Cache(tmp_path / "cache")
    render_or_reuse(folder, cache)
    render_or_reuse(folder, cache, out=tmp_path / "page.html")
    render_or_reuse(folder, cache, budget=0.5)
    picture = next((folder / "pictures").iterdir())
    picture.write_bytes(picture.read_bytes() + b"\0")
    render_or_reuse(folder, cache)
    assert len(rendered) == 4


def test_other_code_renders_again(
    write: Write, rendered: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of another detbench or of other libraries is not this one's."""
    folder, cache = write(maps=MAPS), Cache(tmp_path / "cache")
    render_or_reuse(folder, cache)
    other = {**fingerprints.package_identity(), "package_sha256": "0"}
    monkeypatch.setattr("detbench.report.kept_page.package_identity", lambda: other)
    render_or_reuse(folder, cache)
    assert len(rendered) == 2


def test_without_a_cache_that_can_be_written_the_page_is_there(write: Write, tmp_path: Path) -> None:
    """Neither no cache nor one whose place is a file keeps a page from being written."""
    folder = write(maps=MAPS)
    (tmp_path / "file").write_text("")
    for cache in (None, Cache(tmp_path / "file" / "cache")):
        page = render_or_reuse(folder, cache)
        assert stat.S_ISREG(page.stat().st_mode)
        page.unlink()


def test_a_folder_without_a_run_says_so(tmp_path: Path) -> None:
    """The message is that of rendering, and nothing is kept."""
    with pytest.raises(DataError, match=r"result\.json: no such file"):
        render_or_reuse(tmp_path, Cache(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()

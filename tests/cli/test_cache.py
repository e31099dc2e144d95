import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from detbench.results.cache import TAG

Run = Callable[..., Any]


def files_in(folder: Path) -> set[Path]:
    """All files below a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def filled(drawn_run: Run, tmp_path: Path) -> Path:
    """The cache's folder after a run."""
    assert drawn_run("--limit", "1", "--resamples", "0").code == 0
    return tmp_path / "cache"


def test_info_counts_what_lies_there(detbench: Run, filled: Path) -> None:
    """Records and pictures by number, size and day, and the folder alone on its line."""
    records, pictures = (len(list(filled.rglob(f"*.{ending}"))) for ending in ("json", "png"))
    said = detbench("cache", "info")
    rows = {line.split()[0]: line.split() for line in said.out.splitlines() if line.startswith(("records", "pictures"))}
    assert rows["records"][1] == str(records)
    assert rows["pictures"][1] == str(pictures)
    assert rows["pictures"][4] == time.strftime("%Y-%m-%d")
    assert said.out.splitlines()[-1] == str(filled)


def test_info_of_no_cache_is_no_error(detbench: Run) -> None:
    """Before the first run there is nothing, and that is said."""
    said = detbench("cache", "info")
    assert said.code == 0
    assert "0.0 MB" in said.out
    assert "nothing to remove" in detbench("cache", "clear", "--yes").err


def test_clear_removes_finished_work_and_nothing_else(detbench: Run, drawn_run: Run, filled: Path) -> None:
    """Fetched weights, and whatever else lies in the folder, stay; the next run does its work again."""
    others = filled / "weights" / "yolov8n.pt", filled / "notes" / "ab" / "abc.json"
    for file in others:
        file.parent.mkdir(parents=True)
        file.write_text("mine")
    assert detbench("cache", "clear", "--yes").code == 0
    assert files_in(filled) == {*others, filled / "CACHEDIR.TAG"}
    assert drawn_run("--limit", "1", "--resamples", "0").code == 0
    assert len(files_in(filled)) > 3


def test_clear_asks_for_yes_without_a_terminal(detbench: Run, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that forgets it loses nothing; on a terminal the answer decides."""
    before = files_in(filled)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    said = detbench("cache", "clear")
    assert said.code == 2
    assert "--yes" in said.err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    assert detbench("cache", "clear").code == 1
    assert files_in(filled) == before
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: True)
    assert detbench("cache", "clear").code == 0
    assert files_in(filled) == {filled / "CACHEDIR.TAG"}


def test_only_what_is_old_is_removed(detbench: Run, filled: Path) -> None:
    """`--older-than 30d` goes by when a file was written."""
    old, *young = sorted(filled.rglob("*.json"))
    long_ago = time.time() - 31 * 86400
    os.utime(old, (long_ago, long_ago))
    assert "Removed 1 files" in detbench("cache", "clear", "--older-than", "30d", "--yes").err
    assert not old.exists()
    assert all(file.exists() for file in young)


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1y", "30 d"])
def test_an_age_that_is_none_is_refused(detbench: Run, age: str) -> None:
    """Never guessed: the message says what is taken."""
    said = detbench("cache", "clear", f"--older-than={age}", "--yes")
    assert said.code == 2
    assert "such as 30d" in said.err


def test_a_folder_that_is_no_cache_is_left_alone(
    detbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the tag nothing is removed, whatever its files are called; nor by way of a link."""
    name = "ab" + "0" * 62
    file = tmp_path / "papers" / "quality" / "ab" / f"{name}.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "papers"))
    said = detbench("cache", "clear", "--yes")
    assert said.code == 2
    assert "is not marked as a cache of detbench" in said.err
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "linked"))
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "quality").symlink_to(tmp_path / "papers" / "quality")
    (tmp_path / "linked" / "CACHEDIR.TAG").write_text(TAG)
    assert "Removed 0 files" in detbench("cache", "clear", "--yes").err
    assert file.exists()

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_doctor_finds_this_installation_sound(detbench: Run) -> None:
    """On a sound installation every check is ok and the exit code is 0."""
    said = detbench("doctor")
    assert said.code == 0, said.out
    assert "BROKEN" not in said.out
    assert "streets: 120 pictures" in said.out


def test_doctor_names_what_is_broken(detbench: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache that cannot be written is found: exit 1."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "file" / "cache"))
    said = detbench("doctor")
    assert said.code == 1
    assert "BROKEN" in next(line for line in said.out.splitlines() if line.startswith("cache"))

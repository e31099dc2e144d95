"""The script that makes the page of deblurrers on several kinds of blur."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def domains(script: Callable[..., ModuleType], tmp_path: Path) -> ModuleType:
    """The script, with words of its own."""
    (tmp_path / "domains-words.md").write_text("What the numbers say.\n")
    return script("domains", "domains.md.j2")


def test_each_run_is_a_row_and_each_deblurrer_a_column(
    domains: ModuleType, write: Callable[..., Path], tmp_path: Path
) -> None:
    """The best on average comes first, a deblurrer that a run lacks has an empty cell, and identity has no column."""
    every = {"sharp": 0.6, "blurred": 0.3, "wiener": 0.4, "richardson_lucy": 0.35, "identity": 0.3}
    runs = [
        write("one", maps=every),
        write("two", maps={name: every[name] for name in ("sharp", "blurred", "wiener")}),
    ]
    domains.main(runs)
    page = (tmp_path / "domains.md").read_text()
    assert "What the numbers say." in page
    assert page.count("| pictures and detector | wiener | richardson_lucy |\n") == 3
    gains = page.partition("## Change in mAP")[2].partition("##")[0].splitlines()[4:6]
    result = domains.RunFolder(runs[0]).read_result()
    change = result.change("wiener", "blurred").difference.value
    shown = domains.signed(domains.METRICS["map"], change)
    assert all(shown in line.split("|")[2] for line in gains)
    assert gains[1].split("|")[3].strip() == ""
    assert gains[0].split("|")[3].strip() != ""

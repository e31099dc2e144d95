from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_one_run_is_rendered_again_and_several_compared(detbench: Run, drawn_run: Run) -> None:
    """The path of the page is all of stdout: a run's own page, or one for all runs below reports/."""
    for name in ("one", "two"):
        assert drawn_run("--name", name, "--limit", "2", "--resamples", "0").code == 0
    page = Path("reports/one/report.html")
    before = page.read_bytes()
    page.unlink()
    assert detbench("report", "reports/one").out == "reports/one/report.html\n"
    assert page.read_bytes() == before
    assert detbench("report").out == "reports/comparison.html\n"
    assert all(name in Path("reports/comparison.html").read_text() for name in ("one", "two"))


def test_a_folder_that_is_no_run_is_named(detbench: Run, tmp_path: Path) -> None:
    """One message with the folder and what to do; without any run, too."""
    for words, part in (([tmp_path / "none"], "none"), ([], "no runs below reports/")):
        said = detbench("report", *words)
        assert (said.code, said.out) == (2, "")
        assert part in said.err
        assert "detbench run" in said.err


def test_figures_go_into_a_folder(detbench: Run, drawn_run: Run) -> None:
    """The page's path is all of stdout; a file in the folder's place is named before anything is written."""
    assert drawn_run("--name", "one", "--limit", "2", "--resamples", "0").code == 0
    assert detbench("report", "reports/one", "--figures", "figures").out == "reports/one/report.html\n"
    assert Path("figures/arms.tex").read_text().startswith("% Needs \\usepackage{booktabs}")
    said = detbench("report", "reports/one", "--figures", "figures/arms.tex")
    assert (said.code, said.out) == (2, "")
    assert "--figures figures/arms.tex: this is a file; name a folder" in said.err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--budget", "0", "one"], "--budget 0: give the seconds"),
        (["--budget", "nan", "one"], "--budget nan"),
        (["--budget", "0.1", "one", "two"], "marks the report of one run, and these are 2"),
    ],
)
def test_a_budget_is_a_time_and_of_one_run(detbench: Run, words: list[str], part: str) -> None:
    """Anything else is one message before any page is written."""
    said = detbench("report", *words)
    assert (said.code, said.out) == (2, "")
    assert part in said.err

"""What a finished run prints: compared with texts that were looked at, and held to what they must say."""

import json
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from detbench.cli import answer, console
from detbench.evaluation.measure import steps
from detbench.results.schema import RunResult

Run = Callable[..., Any]
RECORDED = Path(__file__).with_name("recorded")


def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every restoration take 50 ms, and everything else no time."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(steps, "time", SimpleNamespace(perf_counter=lambda: 0.05 * next(ticks)))
    monkeypatch.setattr(console, "time", SimpleNamespace(perf_counter=lambda: 0.0))


@pytest.mark.parametrize("width", [80, 120])
def test_a_run_prints_what_was_recorded(drawn_run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Stderr and stdout on a terminal of that width are the file's, and no line of the answer is wider. A file that is
    missing is written, to be looked at.
    """
    still(monkeypatch)
    monkeypatch.setattr(
        console, "out", Console(width=width, force_terminal=True, color_system=None, highlight=False, soft_wrap=True)
    )
    said = drawn_run("-n", "first", "-l", 10, deblurrers=("identity,wiener", "richardson_lucy"))
    assert said.code == 0, said.err
    text = "\n".join(line.rstrip() for line in f"{said.err}\n{said.out}".splitlines()) + "\n"
    assert max(map(len, said.out.splitlines())) <= width
    file = RECORDED / f"run-{width}.txt"
    if not file.is_file():
        file.write_text(text)
        pytest.fail(f"{file} was recorded: read it as a newcomer would")
    assert text == file.read_text()


def test_the_verdict_comes_first_and_the_best_deblurrer_before_others(
    make_result: Callable[..., RunResult], capsys: pytest.CaptureFixture[str]
) -> None:
    """Floor and ceiling, then deblurrers by mAP, in the report's numbers; a name that is too long keeps both ends."""
    long = "recorded-restored-by-the-second-network"
    answer.print_answer(make_result({"sharp": 0.6, "blurred": 0.2, "wiener": 0.1, long: 0.3}), Path("job/report.html"))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"There is no verdict on {long}."
    rows = [line.split()[:2] for line in lines if " ." in line]
    assert rows == [["blurred", ".200"], ["sharp", ".600"], ["recorded-…-network", ".300"], ["wiener", ".100"]]
    assert lines[-1] == "Report: job/report.html"
    assert max(map(len, lines)) <= 80


def test_an_answer_is_one_json_object(drawn_run: Run) -> None:
    """Its verdict is the report's, metrics and differences are those of `result.json`, and nothing else is printed."""
    said = drawn_run("--json", "--name", "job", deblurrers=("wiener",))
    found = json.loads(said.out)
    result = json.loads(Path("reports/job/result.json").read_text())
    assert found["metrics"] == {arm["name"]: arm["metrics"] for arm in result["arms"]}
    assert found["differences"] == result["differences"]
    assert (found["answer"], found["verdict"][:48]) == ("yes", "Yes: wiener (told the kernel) gains .335 mAP at ")
    assert found["verdicts"]["wiener"].startswith("wiener (told the kernel) recovers")
    assert (found["folder"], found["report"]) == ("reports/job", "reports/job/report.html")
    assert "pictures × arms" in said.err


def test_quiet_leaves_the_folder_and_what_failed(
    drawn_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plan, progress or notes; a deblurrer that fails is still named."""
    said = drawn_run("--quiet", "--name", "job", "--limit", 2)
    assert (said.code, said.out, said.err) == (0, "reports/job\n", "")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "glassy.py").write_text("def restore(image):\n    raise ValueError('glass')\n")
    said = drawn_run("--quiet", "--name", "other", "--limit", 2, deblurrers=("identity", "python:glassy:restore"))
    assert (said.code, said.out) == (4, "reports/other\n")
    assert said.err.startswith("python-restore failed and has no numbers. ")
    assert said.err.count("\n") == 1


def test_open_shows_the_report(drawn_run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The browser gets the page's address."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert drawn_run("--open", "--name", "job", "--limit", 2).code == 0
    assert opened == [(tmp_path / "reports" / "job" / "report.html").as_uri()]


def test_a_share_has_no_answer(drawn_run: Run) -> None:
    """`--shard` measures alone, so there is neither JSON nor a page."""
    said = drawn_run("--shard", "1/2", "--json")
    assert said.code == 2
    assert "leave out --engine" in said.err


def test_a_run_says_when_to_deblur(drawn_run: Run) -> None:
    """With a measure to gate by, the answer has one more sentence, on its first deblurrer; the words of a repeated run
    may name another measure, and one that is none is refused before anything is measured.
    """
    words = ("-n", "first", "-l", 10, "--resamples", 20)
    for measure in ("blur_effect", "laplacian_variance"):
        said = drawn_run(*words, "--gate-by", measure, deblurrers=("identity",))
        assert said.code == 0, said.err
        sentence = f"A gate by {measure} is not shown to beat never and always in mAP per second with identity."
        assert " ".join(said.out.split()).count(sentence) == 1
        (found,) = json.loads(Path("reports/first/result.json").read_text())["selective"]
        assert (found["measure"], found["rule"]["restores"]) == (measure, "never")
    refused = drawn_run("--gate-by", "ssim")
    assert (refused.code, "needs another picture" in refused.err) == (2, True)

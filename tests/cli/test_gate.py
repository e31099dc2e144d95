from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def job(drawn_run: Run) -> Path:
    """A finished run's folder."""
    said = drawn_run("--name", "job", deblurrers=("wiener",))
    assert said.code == 0, said.err
    return Path("reports/job")


def test_gate_passes_an_equal_run(detbench: Run, job: Path) -> None:
    """A run against its own baseline passes with exit 0, each arm on a line, and the baseline is small."""
    written = detbench("baseline", job, "--out", "baseline.json")
    assert written.out.splitlines() == ["baseline.json"]
    assert "12 pictures, arms sharp, blurred, wiener" in written.err
    assert Path("baseline.json").stat().st_size < 40_000
    said = detbench("gate", job, "--baseline", "baseline.json")
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == "PASS: 3 rules kept"
    assert "passes with a probability of about 5\xa0%," in said.out.splitlines()[-2]
    assert [line.split()[:2] for line in said.out.splitlines()[:-2]] == [
        ["ok", "sharp:"],
        ["ok", "blurred:"],
        ["ok", "wiener:"],
    ]


def test_gate_catches_a_worse_run(detbench: Run, drawn_run: Run, job: Path) -> None:
    """Other settings of a deblurrer that lose mAP on the same pictures give exit 1, and every place is told: stdout,
    Markdown, JUnit, GitHub's annotations and step summary.
    """
    worse = drawn_run("--name", "worse", deblurrers=("identity",))
    assert worse.code == 0
    for name in ("result.json", "images.csv"):
        file = Path("reports/worse") / name
        file.write_text(file.read_text().replace("identity", "wiener"))
    for folder in ("detections/", "detections/sharp+"):
        Path(f"reports/worse/{folder}identity.json").rename(f"reports/worse/{folder}wiener.json")
    said = detbench("gate", "reports/worse", "--baseline", job, "--summary", "out/gate.md", "--junit", "out/gate.xml")
    assert said.code == 1, said.err
    assert said.out.splitlines()[-1] == "FAIL: 1 of 3 rules not kept"
    assert next(line for line in said.out.splitlines() if line.startswith("REGRESSION")).split()[1] == "wiener:"
    assert "REGRESSION | wiener | mAP" in Path("out/gate.md").read_text()
    assert 'failures="1"' in Path("out/gate.xml").read_text()


def test_gate_writes_for_github(detbench: Run, drawn_run: Run, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On GitHub the summary goes where the step's summary is read, and what cannot be judged is an annotation."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    Path("step.md").write_text("before\n")
    assert detbench("gate", job, "--baseline", job).code == 0
    assert Path("step.md").read_text().startswith("before\n### detbench gate: PASS")
    assert drawn_run("--name", "few", "--limit", "5", deblurrers=("wiener",)).code == 0
    said = detbench("gate", "reports/few", "--baseline", job, "--junit", "gate.xml")
    assert said.code == 3
    assert "5 pictures" in said.err
    assert "::error title=detbench gate::" in said.err
    assert 'errors="1"' in Path("gate.xml").read_text()
    assert Path("step.md").read_text().count("### detbench gate") == 2

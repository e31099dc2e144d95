"""The smaller commands: gate, list, doctor."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import detbench.datasets.opening  # noqa: F401  (takes its functions before a test replaces them)
from detbench.core.paths import shipped
from detbench.plugins import registry

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
    assert [line.split()[:2] for line in said.out.splitlines()[:-1]] == [
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


def test_gate_speaks_github(detbench: Run, drawn_run: Run, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def line_of(said: Any, name: str) -> str:
    """The line of a listing that begins with a name."""
    assert said.code == 0, said.err
    return next(line for line in said.out.splitlines() if line.split(" ")[0] == name)


def test_list_says_how_weights_are_made(detbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without weights is listed with the command that trains it."""
    monkeypatch.setattr("detbench.core.paths.shipped", lambda kind: tmp_path / kind)
    for name, network in (("nah", "nah"), ("nafnet", "nafnet"), ("yolov8-blur", "yolov8")):
        assert f"no weights: detbench train {network} " in line_of(detbench("list"), name)


def test_list_shows_what_is_ready(detbench: Run) -> None:
    """Every built-in and every kind of reference is listed."""
    said = detbench("list")
    assert "ready" in line_of(said, "wiener")
    assert "arXiv 1612.02177" in line_of(said, "nah")
    for name in (
        "identity",
        "blobs",
        "recorded:FOLDER",
        "onnx:FILE",
        "torchvision:MODEL",
        "streets",
        "[yolo:]PATH[#SPLIT]",
    ):
        assert "ready" in line_of(said, name)


def test_list_shows_weights_with_licence_and_checksum(detbench: Run) -> None:
    """What ships has the checksum of its file and the licence of its card."""
    sha256 = hashlib.sha256((shipped("models") / "yolov8n-streets" / "weights.safetensors").read_bytes()).hexdigest()
    line = line_of(detbench("list"), "yolov8")
    assert f"yolov8n-streets {sha256[:12]}…" in line
    assert "AGPL-3.0" in line


def test_list_names_damaged_weights(detbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not what their card says are no longer ready."""
    folder = Path(shutil.copytree(shipped("models") / "yolov8n-streets", tmp_path / "models" / "yolov8n-streets"))
    (folder / "weights.safetensors").write_bytes(b"half")
    monkeypatch.setattr("detbench.core.paths.shipped", lambda kind: tmp_path / kind)
    assert "damaged: weights.safetensors does not match its card" in line_of(detbench("list"), "yolov8")


def test_list_says_what_is_missing(detbench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind whose package is not installed says which, and the command that brings it."""
    real = registry.installed_version
    monkeypatch.setattr(registry, "installed_version", lambda name: None if name == "onnxruntime" else real(name))
    assert "lacks onnxruntime: pip install 'detbench[onnx]'" in line_of(detbench("list"), "onnx:FILE")


def test_card_is_printed_as_yaml(detbench: Run, tmp_path: Path) -> None:
    """The shipped detector's card, as front matter; a folder without one is an error with a message."""
    said = detbench("card", shipped("models") / "yolov8n-streets")
    assert yaml.safe_load(said.out)["model-index"][0]["name"] == "yolov8n-streets"
    assert detbench("card", tmp_path).code == 2


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


def test_blur_command(detbench: Run, drawn_dataset: Path) -> None:
    """`detbench blur` prints the folder that it made, and how strong the blur is on stderr."""
    said = detbench("blur", drawn_dataset, "--out", "twins", "--recipe", "shake")
    assert said.code == 0, said.err
    assert said.out.splitlines() == ["twins"]
    assert "12 pictures" in said.err
    assert len(list(Path("twins/blurred").iterdir())) == 12

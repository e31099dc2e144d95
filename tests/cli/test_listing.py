import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import detbench.datasets.opening  # noqa: F401  (takes its functions before a test replaces them)
from detbench.cli.listing import Listed, _line
from detbench.core.paths import shipped
from detbench.plugins import registry

Run = Callable[..., Any]


def line_of(said: Any, name: str) -> str:
    """The line of a listing that begins with a name."""
    assert said.code == 0, said.err
    return next(line for line in said.out.splitlines() if line.split(" ")[0] == name)


def test_list_fits_a_terminal(detbench: Run) -> None:
    """Every name has one line of at most 80 columns, with its state and what it is."""
    said = detbench("list")
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert line_of(said, "nafnet") == "nafnet                  ready    Chen et al., ECCV 2022, at half resolution"
    assert line_of(said, "shake").startswith("shake                   seed=0, degrees=drawn")
    assert len(lines) < 105


def test_list_says_how_weights_are_made(detbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without weights is listed with the command that trains it."""
    monkeypatch.setattr("detbench.core.paths.shipped", lambda kind: tmp_path / kind)
    for name in ("deblurgan", "yolov8"):
        assert line_of(detbench("list"), name).endswith(f"missing  no weights: detbench train {name}")


def test_what_is_missing_is_never_cut() -> None:
    """A long remedy goes on in the next line, so that it can be copied; a long summary is cut between words."""
    mend = "lacks ultralytics, torch, torchvision: pip install 'detbench[yolo]'"
    lines = _line(Listed("yolov8", "what it is", "missing", mend)).splitlines()
    assert " ".join(line[33:] for line in lines) == mend
    assert max(map(len, lines)) <= 80
    assert _line(Listed("a", "word " * 20)) == f"{'a':<22}  ready    {'word ' * 9}…"


def test_list_shows_what_is_ready(detbench: Run) -> None:
    """Every built-in and every kind of reference is listed; names too long for their column by their kind."""
    said = detbench("list")
    for name in (
        "identity",
        "wiener",
        "blobs",
        "recorded:FOLDER",
        "onnx:FILE",
        "python:…",
        "torchvision:MODEL",
        "streets",
        "[yolo:]PATH[#SPLIT]",
    ):
        assert "ready" in line_of(said, name)


def test_one_section_can_be_listed(detbench: Run) -> None:
    """`detbench list detectors` has the detectors and nothing else; an unknown section is refused."""
    said = detbench("list", "detectors")
    assert "DETECTORS" in said.out
    assert "wiener" not in said.out
    assert detbench("list", "models").code == 2


def test_the_long_list_says_all(detbench: Run) -> None:
    """A block for each name: source, licence, weights with the checksum of their file, and when work is used again."""
    sha256 = hashlib.sha256((shipped("models") / "yolov8n-streets" / "weights.safetensors").read_bytes()).hexdigest()
    said = detbench("list", "detectors", "--long")
    block = said.out.partition("\nyolov8\n")[2].partition("\nyolov8-blur\n")[0].splitlines()
    assert [line.split(maxsplit=1) for line in block] == [
        ["state", "ready"],
        ["what", "YOLOv8n trained on the embedded streets"],
        ["source", "ultralytics"],
        ["licence", "AGPL-3.0"],
        ["weights", f"yolov8n-streets, SHA-256 {sha256}"],
        ["reused", "always"],
    ]
    assert "arXiv 1612.02177" in detbench("list", "--long").out


def test_the_list_is_json_for_scripts(detbench: Run) -> None:
    """`--json` prints one object, uncut, by section and name."""
    said = json.loads(detbench("list", "--json").out)
    assert list(said) == ["deblurrers", "detectors", "datasets", "recipes", "metrics", "networks"]
    network = next(each for each in said["networks"] if each["name"] == "nafnet-width32")
    assert "GoPro 32.87 dB, SSIM .961 (the README's table;" in network["facts"]["claims"]
    assert network["facts"]["source"] == "https://github.com/megvii-research/NAFNet"
    metric = next(each for each in said["metrics"] if each["name"] == "psnr_db")
    assert (metric["facts"]["title"], metric["facts"]["unit"], metric["facts"]["better"]) == ("PSNR", "dB", "higher")
    named = [each["name"] for each in said["deblurrers"]]
    assert "command:'tool {input} {output}'" in named


def test_list_names_damaged_weights(detbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not what their card says are no longer ready."""
    folder = Path(shutil.copytree(shipped("models") / "yolov8n-streets", tmp_path / "models" / "yolov8n-streets"))
    (folder / "weights.safetensors").write_bytes(b"half")
    monkeypatch.setattr("detbench.core.paths.shipped", lambda kind: tmp_path / kind)
    line = line_of(detbench("list"), "yolov8")
    assert line.endswith("damaged  weights.safetensors does not match its card")


def test_list_says_what_is_missing(detbench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind whose package is not installed says which, and the command that brings it."""
    real = registry.installed_version
    monkeypatch.setattr(registry, "installed_version", lambda name: None if name == "onnxruntime" else real(name))
    line = line_of(detbench("list"), "onnx:FILE")
    assert line.endswith("missing  lacks onnxruntime: pip install 'detbench[onnx]'")

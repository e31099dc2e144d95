import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import detbench.datasets.opening  # noqa: F401  (takes its functions before a test replaces them)
from detbench.core.paths import shipped
from detbench.plugins import registry

Run = Callable[..., Any]


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

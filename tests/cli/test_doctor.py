import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detbench import __version__
from detbench.core.fingerprints import installed_version
from detbench.core.paths import shipped

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


def test_doctor_says_which_licences_are_here(detbench: Run) -> None:
    """What is under the AGPL comes first: both YOLO weights, and ultralytics with its version. The last lines say what
    that means for a product, and where the weights lie.
    """
    said = detbench("doctor").out
    lines = [" ".join(line.split()) for line in said.splitlines()]
    first = lines[lines.index("licence what is under it") + 1]
    version = installed_version("ultralytics")
    assert re.fullmatch(
        rf"AGPL-3\.0 models/yolov8n-streets, models/yolov8n-streets-blur, ultralytics(-opencv-headless)? {version}",
        first,
    )
    assert any(line.startswith(f"MIT detbench {__version__}, models/blind, models/deblurgan") for line in lines)
    meaning, way_out = lines[-2:]
    assert meaning.startswith("For a product: models/yolov8n-streets, models/yolov8n-streets-blur and ultralytics")
    assert meaning.endswith("owes its users its whole source, or needs a licence from Ultralytics.")
    assert way_out.startswith("Leave them out, and MIT is all that detbench asks for")
    assert way_out.endswith(f"The models are in {shipped('models')}.")


def test_without_agpl_doctor_says_mit(detbench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither ultralytics nor its weights here: nothing asks for more than MIT does."""
    monkeypatch.setattr("detbench.core.licences.weights_licences", lambda: {"blind": "MIT"})
    monkeypatch.setattr("detbench.core.licences.required_packages", lambda: iter(()))
    said = detbench("doctor").out.splitlines()
    assert said[-1] == "For a product: MIT is all that detbench asks for."
    assert "AGPL" not in "".join(said[-4:])

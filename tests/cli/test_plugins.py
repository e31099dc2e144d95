"""Deblurrers, detectors and datasets of other packages, found by their entry points."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PLUGIN = """
from pathlib import Path

from detbench.datasets.coco import CocoFolder
from detbench.detectors.blobs import Blobs


def invert(blurred):
    return 255 - blurred


class Keen(Blobs):
    min_area_px = 5


class Mine(CocoFolder):
    def __init__(self):
        super().__init__(Path("DATASET"))
"""
ENTRY_POINTS = """
[detbench.deblurrers]
invert = their_package:invert
gone = their_package:gone

[detbench.detectors]
keen = their_package:Keen

[detbench.datasets]
mine = their_package:Mine
"""


@pytest.fixture
def installed(tmp_path: Path, drawn_dataset: Path) -> dict[str, str]:
    """An environment in which another package is installed."""
    packages = tmp_path / "packages"
    info = packages / "their_package-1.2.dist-info"
    info.mkdir(parents=True)
    (packages / "their_package.py").write_text(PLUGIN.replace("DATASET", str(drawn_dataset)))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return environment_with(packages, tmp_path / "cache")


def environment_with(packages: Path, cache: Path) -> dict[str, str]:
    """This process's environment with a folder of installed packages in front."""
    paths = [str(packages), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "DETBENCH_CACHE": str(cache)}


def said(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What `detbench WORDS…` does in that environment."""
    command = [sys.executable, "-m", "detbench", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_another_packages_backends_run(installed: dict[str, str], tmp_path: Path) -> None:
    """A function, a detector and a dataset of another package run by name and are listed with their package."""
    words = ["--deblurrer", "invert", "--detector", "keen", "--dataset", "mine", "--limit", "2"]
    done = said(installed, tmp_path, "run", *words)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / done.stdout.splitlines()[-1] / "result.json").read_text())
    backend = result["arms"][-1]["backend"]
    assert backend["versions"]["their-package"] == "1.2"
    assert {"numpy", "opencv-python"} < set(backend["versions"])
    assert result["detector"]["name"] == "keen"
    assert "from the package their-package" in said(installed, tmp_path, "list").stdout


def test_editing_a_plugin_is_noticed(installed: dict[str, str], tmp_path: Path) -> None:
    """A changed deblurrer is run again: what the old one made is not taken for its work."""
    words = ["run", "--deblurrer", "invert", "--detector", "keen", "--dataset", "mine", "--limit", "2", "--name", "job"]
    assert said(installed, tmp_path, *words).returncode == 0
    inverted = json.loads((tmp_path / "reports" / "job" / "metrics.json").read_text())
    source = tmp_path / "packages" / "their_package.py"
    source.write_text(source.read_text().replace("255 - blurred", "blurred.copy()"))
    assert said(installed, tmp_path, *words).returncode == 0
    unchanged = json.loads((tmp_path / "reports" / "job" / "metrics.json").read_text())
    assert unchanged["invert.map"] == unchanged["blurred.map"] != inverted["invert.map"]


def test_broken_plugin_is_named(installed: dict[str, str], tmp_path: Path) -> None:
    """An entry point that leads nowhere is one message with its name, and only when it is asked for."""
    done = said(installed, tmp_path, "run", "--deblurrer", "gone", "--detector", "keen", "--dataset", "mine")
    assert done.returncode == 2
    assert "gone (their_package:gone) cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr


EXAMPLE = Path(__file__).parents[1] / "example_plugin"


def test_the_example_package_runs_once_it_is_installed(tmp_path: Path, drawn_dataset: Path) -> None:
    """The example, a module of at most 40 lines and one entry point, is built, installed, listed and run; it restores
    more than nothing does.
    """
    pytest.importorskip("hatchling")
    assert len((EXAMPLE / "detbench_example.py").read_text().splitlines()) <= 40
    source = shutil.copytree(EXAMPLE, tmp_path / "source")
    wheel = build_wheel(Path(source), tmp_path)
    packages = tmp_path / "packages"
    with zipfile.ZipFile(wheel) as archive:  # what pip does with a wheel of plain Python, without its network
        archive.extractall(packages)
    environment = environment_with(packages, tmp_path / "cache")
    listed = said(environment, tmp_path, "list").stdout
    line = next(line for line in listed.splitlines() if line.startswith("unsharp"))
    assert "from the package detbench-example" in line
    assert "MIT" in line
    words = ["--deblurrer", "unsharp", "--detector", "blobs", "--dataset", str(drawn_dataset), "--blur", "trajectory"]
    done = said(environment, tmp_path, "run", *words, "--limit", "4")
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / done.stdout.splitlines()[-1] / "metrics.json").read_text())
    assert metrics["unsharp.map"] > metrics["blurred.map"]


def build_wheel(source: Path, out: Path) -> Path:
    """Build a package as pip would, with the build backend that its pyproject.toml names."""
    script = f"from hatchling.build import build_wheel; print(build_wheel({str(out)!r}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.splitlines()[-1]

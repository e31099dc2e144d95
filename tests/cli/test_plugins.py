"""Deblurrers, detectors, datasets and metrics of other packages, found by their entry points."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
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
    """This environment, in which Python finds the packages of a folder first."""
    path = os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path, "DETBENCH_CACHE": str(cache)}


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


METRIC = """

from detbench.types import MetricSpec

CONTRAST = MetricSpec(
    "contrast", "Contrast", "levels", "higher", "standard deviation of all values", style="number", decimals=1,
    in_main_table=True, function="their_package:contrast", needs_sharp=False,
)


def contrast(image):
    return image.std()
"""
WORDS = ("run", "--deblurrer", "invert", "--detector", "keen", "--dataset", "mine", "--limit", "2", "--name", "job")


@pytest.fixture
def with_metric(installed: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The package has a metric too."""
    with (tmp_path / "packages" / "their_package.py").open("a") as source:
        source.write(METRIC)
    with (tmp_path / "packages" / "their_package-1.2.dist-info" / "entry_points.txt").open("a") as entry_points:
        entry_points.write("\n[detbench.metrics]\ncontrast = their_package:CONTRAST\n")
    return installed


def replaced(tmp_path: Path, old: str, new: str) -> None:
    """Change the package's source."""
    source = tmp_path / "packages" / "their_package.py"
    source.write_text(source.read_text().replace(old, new))


def test_another_packages_metric_is_one_like_all(with_metric: dict[str, str], tmp_path: Path) -> None:
    """It is listed, stands in images.csv, metrics.json and the report, its package's version in result.json, and the
    gate takes a rule on it; an arm's value is the mean over its pictures.
    """
    done = said(with_metric, tmp_path, *WORDS)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "reports" / "job"
    metrics = json.loads((folder / "metrics.json").read_text())
    rows = pd.read_csv(folder / "images.csv")
    for arm in ("blurred", "invert"):
        assert metrics[f"{arm}.contrast"] == pytest.approx(rows[rows["arm"] == arm]["contrast"].mean(), abs=1e-12)
    assert metrics["invert.contrast"] > 1
    assert json.loads((folder / "result.json").read_text())["environment"]["versions"]["their-package"] == "1.2"
    shown = f">{metrics['invert.contrast']:.1f}<"
    assert "Contrast" in (folder / "report.html").read_text()
    assert shown in (folder / "report.html").read_text().replace("\n", "").replace(" ", "")
    assert any(line.startswith("contrast") for line in said(with_metric, tmp_path, "list").stdout.splitlines())
    baseline = said(with_metric, tmp_path, "baseline", str(folder), "--out", "baseline.json")
    assert baseline.returncode == 0, baseline.stderr
    for rule, code in (("max_drop = 0.5", 0), ("at_least = 250", 1)):
        (tmp_path / "rules.toml").write_text(f'[[rule]]\nmetric = "contrast"\n{rule}\n')
        words = ("gate", str(folder), "--baseline", "baseline.json", "--rules", "rules.toml")
        judged = said(with_metric, tmp_path, *words, "--min-pictures", "2")
        assert judged.returncode == code, judged.stderr
        assert "Contrast" in judged.stdout


def test_editing_a_metric_is_noticed(with_metric: dict[str, str], tmp_path: Path) -> None:
    """A changed metric is measured again: what the old one gave is not taken for its work."""
    assert said(with_metric, tmp_path, *WORDS).returncode == 0
    before = json.loads((tmp_path / "reports" / "job" / "metrics.json").read_text())
    replaced(tmp_path, "image.std()", "2 * image.std()")
    assert said(with_metric, tmp_path, *WORDS).returncode == 0
    after = json.loads((tmp_path / "reports" / "job" / "metrics.json").read_text())
    assert after["blurred.contrast"] == pytest.approx(2 * before["blurred.contrast"])
    assert after["blurred.map"] == before["blurred.map"]


def test_a_metric_that_fails_is_named(with_metric: dict[str, str], tmp_path: Path) -> None:
    """A metric that raises ends the run with one message that names it."""
    replaced(tmp_path, "image.std()", "image / None")
    done = said(with_metric, tmp_path, *WORDS)
    assert done.returncode == 2
    assert "metric contrast failed: TypeError" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_metric_cannot_replace_another(with_metric: dict[str, str], tmp_path: Path) -> None:
    """A package's metric with one of detbench's keys is refused by name."""
    replaced(tmp_path, '"contrast", "Contrast"', '"ssim", "Contrast"')
    done = said(with_metric, tmp_path, *WORDS)
    assert done.returncode == 2
    metric = "metric contrast of the package their-package (their_package:CONTRAST)"
    assert f"{metric}: the key 'ssim' is taken" in done.stderr


def test_a_run_reads_without_the_package_of_its_metric(with_metric: dict[str, str], tmp_path: Path) -> None:
    """Report and gate read what a metric measured that is no longer installed, and leave it out."""
    assert said(with_metric, tmp_path, *WORDS).returncode == 0
    folder = tmp_path / "reports" / "job"
    assert said(with_metric, tmp_path, "baseline", str(folder), "--out", "baseline.json").returncode == 0
    without = dict(os.environ)
    rendered = said(without, tmp_path, "report", str(folder))
    assert rendered.returncode == 0, rendered.stderr
    assert "Contrast" not in (folder / "report.html").read_text()
    words = ("gate", str(folder), "--baseline", "baseline.json", "--max-drop", "1", "--min-pictures", "2")
    judged = said(without, tmp_path, *words)
    assert judged.returncode == 0, judged.stderr


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
    listed = json.loads(said(environment, tmp_path, "list", "deblurrers", "--json").stdout)["deblurrers"]
    own = next(each for each in listed if each["name"] == "unsharp")
    assert "from the package detbench-example" in own["summary"]
    assert own["facts"]["licence"] == "MIT"
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

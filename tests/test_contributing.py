"""CONTRIBUTING.md: its map is the rooms', and its walks are followed word by word.

A block with a title is a file to write; a block of `diff` with a title changes that file: lines that go (-), that come
(+), and that stay. Blocks of `sh` are run, as on the pages that tests/test_docs.py reads.
"""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detbench.datasets.coco import CocoFolder

TESTS = Path(__file__).parent
DOCS = runpy.run_path(str(TESTS / "test_docs.py"))
ROOMS: dict[str, str] = runpy.run_path(str(TESTS / "test_rooms.py"))["MAY_IMPORT"]
CHECKOUT: Path = DOCS["CHECKOUT"]
EXAMPLE = TESTS / "example_plugin"
TEXT = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WALKS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT.partition("# Five walks")[2], re.M | re.S))
PACKAGE_WALKS = ["A deblurrer", "A metric", "A dataset format"]
CHECKOUT_WALKS = ["A network", "A plot"]


def write_files(walk: str, place: Path) -> None:
    """Write and change the files of a walk."""
    for fence in DOCS["fences"](WALKS[walk]):
        if fence.kind == "diff":
            change(place / fence.title, fence.text)
        elif fence.title:
            (place / fence.title).write_text(fence.text)


def change(file: Path, diff: str) -> None:
    """Change a file as a block shows it; the lines that it starts from stand in the file once."""
    lines = diff.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] != sign) for sign in "+-")
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name} holds these lines {text.count(old)} times:\n{old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def run_commands(walk: str, place: Path, path: Sequence[Path]) -> None:
    """Run the commands of a walk in a folder, with modules of `path`; parse those that are only parsed."""
    commands = []
    for fence in DOCS["fences"](WALKS[walk]):
        if fence.kind == "sh" and fence.is_run:
            commands.append(fence.text)
        elif fence.kind == "sh":
            DOCS["parse_all"](fence)
    variables = {"PYTHONPATH": os.pathsep.join(map(str, path)), "DETBENCH_CACHE": str(place / "cache")}
    DOCS["run_script"](commands, place, variables)


def follow_package_walk(walk: str, place: Path) -> None:
    """Make the package of a walk, and of those before it, in a folder; install it and run the walk's commands."""
    for each in PACKAGE_WALKS[: PACKAGE_WALKS.index(walk) + 1]:
        write_files(each, place)
    install(place)
    run_commands(walk, place, (place, CHECKOUT))


def install(place: Path) -> None:
    """Install the package in a folder as an editable one: what pip writes beside its modules."""
    project = tomllib.loads((place / "pyproject.toml").read_text())["project"]
    info = place / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{a} = {b}" for a, b in points.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines))


def metrics_of(place: Path, run: str) -> dict[str, float]:
    """The metrics.json of a run in a folder."""
    metrics: dict[str, float] = json.loads((place / "reports" / run / "metrics.json").read_text())
    return metrics


@pytest.fixture
def place(tmp_path: Path, drawn_dataset: Path) -> Path:
    """A folder in which `drawn/` lies."""
    shutil.copytree(drawn_dataset, tmp_path / "drawn")
    return tmp_path


@pytest.fixture
def checkout(place: Path) -> Path:
    """A copy of the package's code, with what ships beside it."""
    ignored = shutil.ignore_patterns("__pycache__", "docs")
    shutil.copytree(CHECKOUT / "detbench", place / "detbench", ignore=ignored)
    for name in ("models", "datasets"):
        (place / name).symlink_to(CHECKOUT / name)
    return place


def test_the_package_walks_end_in_the_example_package(tmp_path: Path) -> None:
    """What the three walks write is tests/example_plugin, to the letter."""
    for walk in PACKAGE_WALKS:
        write_files(walk, tmp_path)
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert written == {file.name: file.read_text() for file in EXAMPLE.iterdir() if file.is_file()}


def test_the_deblurrer_of_the_walk_restores(place: Path) -> None:
    """The function of one file is an arm of a run, and finds more than is found without it."""
    follow_package_walk("A deblurrer", place)
    metrics = metrics_of(place, "first")
    assert metrics["unsharp.map"] > metrics["blurred.map"]
    assert metrics["unsharp.psnr_db"] > 20


def test_the_metric_of_the_walk_is_measured(place: Path) -> None:
    """It stands in metrics.json and images.csv, as the mean over the pictures, and in the report."""
    follow_package_walk("A metric", place)
    folder = place / "reports" / "measured"
    rows = pd.read_csv(folder / "images.csv")
    mean = rows[rows["arm"] == "unsharp"]["brightness_error"].mean()
    assert metrics_of(place, "measured")["unsharp.brightness_error"] == pytest.approx(mean, abs=1e-12)
    assert 0 < mean < 10
    assert metrics_of(place, "measured")["sharp.brightness_error"] == 0
    assert "Brightness error" in (folder / "report.html").read_text()


def test_the_format_of_the_walk_is_read(place: Path) -> None:
    """`run` reads the table, recognised or named, to the same numbers, and `list` shows how to name it."""
    follow_package_walk("A dataset format", place)
    variables = {"PYTHONPATH": f"{place}{os.pathsep}{CHECKOUT}"}
    DOCS["run_script"](["detbench list > listed.txt"], place, variables)
    assert re.search(r"^\[csv:\]PATH\[#SPLIT\] +ready +from the package", (place / "listed.txt").read_text(), re.M)
    runs = sorted((place / "reports").iterdir())
    results = [json.loads((run / "result.json").read_text()) for run in runs]
    assert [(result["data"]["name"], result["data"]["images"], result["data"]["boxes"]) for result in results] == [
        ("table", 1, 1),
        ("table", 1, 1),
    ]
    assert results[0]["data"]["fingerprint"] == results[1]["data"]["fingerprint"]


def test_the_format_of_the_walk_reads_what_coco_reads(place: Path) -> None:
    """The drawn pictures and boxes as a table are the same samples as from COCO's file."""
    source = CocoFolder(place / "drawn")
    lines = [
        f"{sample.file_name},{source.classes[label]},{','.join(map(str, box))}"
        for sample in source
        for label, box in zip(sample.truth.labels, sample.truth.boxes, strict=True)
    ]
    folder = place / "drawn" / "images"
    (folder / "boxes.csv").write_text("\n".join(["file,class,x1,y1,x2,y2", *lines]))
    csv_boxes = runpy.run_path(str(EXAMPLE / "detbench_example_format.py"))["CsvBoxes"]
    assert csv_boxes.recognises(folder)
    read = csv_boxes(folder, None)
    assert len(read) == len(source) == 12
    for sample, expected in zip(read, source, strict=True):
        labels = [read.classes[label] for label in sample.truth.labels]
        assert labels == [source.classes[label] for label in expected.truth.labels]
        np.testing.assert_array_equal(sample.truth.boxes, expected.truth.boxes)
        assert sample.blurred == expected.blurred
        np.testing.assert_array_equal(sample.blurred.load(), expected.blurred.load())


def test_the_network_of_the_walk_trains_and_restores(checkout: Path) -> None:
    """Two steps give weights with a card, and a run with them: begun as its input, it has nearly the blurred PSNR."""
    write_files("A network", checkout)
    run_commands("A network", checkout, (checkout,))
    card = tomllib.loads((checkout / "trained" / "card.toml").read_text())
    assert (card["architecture"], card["training"]["steps"]) == ("srcnn", 2)
    (run,) = (checkout / "reports").iterdir()
    metrics = metrics_of(checkout, run.name)
    (arm,) = {key.partition(".")[0] for key in metrics} - {"sharp", "blurred"}
    change_db = abs(metrics[f"{arm}.psnr_db"] - metrics["blurred.psnr_db"])
    assert 0 < change_db < 1


def test_the_plot_of_the_walk_stands_in_the_report(checkout: Path) -> None:
    """The page of a run that is rendered anew has the plot, in its place, with its numbers."""
    write_files("A plot", checkout)
    run_commands("A plot", checkout, (checkout,))
    page = (checkout / "reports" / "drawn" / "report.html").read_text()
    assert page.count("Plot: At one confidence.") == 1
    titles = [
        page.index(f"Plot: {title}.") for title in ("Precision and recall", "At one confidence", "At other confidences")
    ]
    assert titles == sorted(titles)


@pytest.mark.parametrize("walk", CHECKOUT_WALKS)
def test_the_code_of_a_walk_passes_lint(walk: str, checkout: Path) -> None:
    """Ruff has nothing to say of a checkout after a walk, neither of its rules nor of its format."""
    write_files(walk, checkout)
    shutil.copy(CHECKOUT / "pyproject.toml", checkout)
    for words in (("check",), ("format", "--check")):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "detbench"]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_no_package_of_the_walks_is_installed_here() -> None:
    """The walks would pass without their files if the example were installed in this environment."""
    assert "csv" not in entry_points(group="detbench.datasets").names


def test_the_map_shows_every_room_below_those_that_it_imports() -> None:
    """CONTRIBUTING's tree has each room of tests/test_rooms.py once, from the ground up."""
    tree = re.search(r"^```\ndetbench/\n(.*?)^```", TEXT, re.M | re.S)
    assert tree is not None
    rooms = re.findall(r"^  ([\w/]+)/ ", tree[1], re.M)
    assert sorted(rooms) == sorted(filter(None, ROOMS))
    for place, room in enumerate(rooms):
        assert set(ROOMS[room].split()) <= set(rooms[:place])

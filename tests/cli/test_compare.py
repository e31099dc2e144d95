"""Results files of any detectors, compared as a user does it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[..., Any]


@pytest.fixture
def files(drawn_dataset: Path, tmp_path: Path) -> Path:
    """A folder with the true boxes alone, and two results files: one finds all of them, the other every second."""
    folder = tmp_path / "files"
    folder.mkdir()
    shutil.copy(drawn_dataset / "annotations.json", folder / "truth.json")
    rng = np.random.default_rng(3)
    true = json.loads((folder / "truth.json").read_text())["annotations"]
    found = [
        {"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": float(score)}
        for a, score in zip(true, rng.uniform(0.3, 0.9, len(true)), strict=True)
    ]
    (folder / "all.json").write_text(json.dumps(found))
    (folder / "half.json").write_text(json.dumps(found[::2]))
    return folder


def test_two_files_are_compared_without_pictures(detbench: Run, files: Path) -> None:
    """The terminal says who is better, by how much and how sure; the folder has numbers, boxes, pictures and a page."""
    said = detbench(
        "compare", files / "truth.json", files / "half.json", f"new={files / 'all.json'}", "--resamples", 99
    )
    assert said.code == 0, said.err
    *_, sentence, place = said.out.splitlines()
    assert sentence.startswith("new has more mAP than half: +.")
    folder = Path(place)
    assert {path.name for path in folder.iterdir()} == {"comparison.json", "flips.csv", "images.csv", "report.html"}
    written = json.loads((folder / "comparison.json").read_text())
    assert [file["name"] for file in written["files"]] == ["half", "new"]
    assert written["files"][1]["metrics"]["map"]["value"] == 1
    flips = (folder / "flips.csv").read_text().splitlines()
    assert flips[1].startswith("new,half,")
    assert flips[1].endswith(",gained")
    assert len(flips) == 1 + written["flips"][0]["gained"] > 5
    assert "new has more mAP than half" in (folder / "report.html").read_text()
    assert detbench("compare", files / "truth.json", files / "half.json", files / "all.json", "--name", "x").code == 0


def test_json_is_all_that_is_printed(detbench: Run, files: Path) -> None:
    """With --json stdout holds the content of comparison.json and nothing else."""
    said = detbench(
        "compare",
        files / "truth.json",
        files / "all.json",
        files / "half.json",
        "--json",
        "--resamples",
        20,
        "--name",
        "n",
    )
    printed = json.loads(said.out)
    assert printed == json.loads(Path("reports/n/comparison.json").read_text())
    difference = next(each for each in printed["differences"] if each["metric"] == "map")
    assert difference["difference"]["high"] < 0 < difference["p_value"] <= difference["p_holm"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["all.json"], "compare needs two or more results files, not 1"),
        ([], "compare needs two or more results files, not 0"),
        (["all.json", "all.json"], "is named twice"),
        (["all.json", "again/all.json"], "would both be called 'all'; give one a name: NAME="),
        (["all.json", "truth.json"], "the top level is an object; it must be a list of detections"),
        (["all.json", "absent.json"], "absent.json: cannot be read"),
        (["all.json", "other.json"], "no image has id 99"),
        (["all.json", "text.json"], "text.json: not JSON"),
    ],
)
def test_mistakes_are_one_message(detbench: Run, files: Path, names: list[str], words: str) -> None:
    """What a newcomer may name instead of two results files of the same pictures is said in a sentence."""
    (files / "again").mkdir()
    shutil.copy(files / "half.json", files / "again" / "all.json")
    first = json.loads((files / "all.json").read_text())[0]
    (files / "other.json").write_text(json.dumps([first | {"image_id": 99}]))
    (files / "text.json").write_text("words")
    said = detbench("compare", files / "truth.json", *(files / name for name in names))
    assert said.code == 2
    assert words in said.err
    assert said.out == ""


def test_a_runs_folder_is_not_overwritten(detbench: Run, files: Path, tmp_path: Path) -> None:
    """A folder that holds anything but a comparison is refused before any work."""
    (tmp_path / "reports" / "mine").mkdir(parents=True)
    (tmp_path / "reports" / "mine" / "result.json").write_text("{}")
    said = detbench("compare", files / "truth.json", files / "half.json", files / "all.json", "--name", "mine")
    assert said.code == 2
    assert "holds other files (result.json" in said.err

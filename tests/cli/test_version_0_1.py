"""What version 0.1 wrote stays readable: `tests/results/version_0_1/`, a run and its baseline.

Those files must not be written anew, whatever changes: they stand for the files that people have committed. Only the
shown pictures, which are large, are not among them; the tests draw grey ones in their places. The files were made by

    python tests/drawn.py drawn
    detbench run --deblurrer wiener --detector blobs --dataset drawn --blur trajectory --limit 10 --name run
    detbench baseline reports/run --out baseline.json
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image as PillowImage

from detbench.gate.baseline import read_baseline
from detbench.results.folder import RunFolder
from detbench.results.request_file import read_request
from detbench.results.schema import flat_metrics

KEPT = Path(__file__).parents[1] / "results" / "version_0_1"
BASELINE = KEPT / "baseline.json"
SHA256 = "8f79458ffe81d66df2b1c43a4695646db7c8729c889a3a41ce52373a344dd450"
Command = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the run, with a grey picture for each that its report shows."""
    folder = tmp_path / "run"
    shutil.copytree(KEPT / "run", folder)
    (folder / "pictures").mkdir()
    rows = pd.read_csv(folder / "images.csv")
    for column in ("picture", "found_kernel", "true_kernel"):
        for row in rows[rows[column].notna()].itertuples():
            grey = PillowImage.new("RGB", (int(row.width), int(row.height)), (128, 128, 128))
            grey.save(folder / getattr(row, column))
    return folder


def test_the_files_are_those_of_version_0_1() -> None:
    """No file was written anew, added or lost: the digest of them all is the one of the day they were made."""
    files = sorted(path for path in KEPT.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(KEPT).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == SHA256


def test_its_result_is_read() -> None:
    """The numbers are those that it had, and `metrics.json` still has the same keys with the same values."""
    result = RunFolder(KEPT / "run").read_result()
    assert (result.schema, result.environment["detbench"], result.data.boxes) == (1, "0.1.0", 70)
    assert flat_metrics(result) == json.loads((KEPT / "run" / "metrics.json").read_text())
    gain = result.change("wiener", "blurred")
    assert gain is not None
    assert gain.is_shown
    assert gain.difference.value == pytest.approx(0.3308, abs=1e-4)


def test_its_request_is_known() -> None:
    """A run of today knows what the folder was made for, so it does not replace another run's."""
    request = read_request(KEPT / "run")
    assert request is not None
    assert (request.dataset.place, list(request.deblurrers)) == ("drawn", ["wiener"])


def test_its_report_is_rendered(detbench: Command, run: Path) -> None:
    """`detbench report` makes page and summary of it, with the sentence that it had."""
    said = detbench("report", run)
    assert said.code == 0, said.err
    first = (KEPT / "run" / "summary.md").read_text().splitlines()[0]
    assert "gains .331 mAP" in first
    assert (run / "summary.md").read_text().splitlines()[0] == first
    assert "gains .331 mAP" in (run / "report.html").read_text()


def test_it_stands_beside_other_runs(detbench: Command, run: Path, tmp_path: Path) -> None:
    """`detbench report RUN RUN` takes it, with its change in mAP for both."""
    shutil.copytree(run, tmp_path / "again")
    said = detbench("report", run, tmp_path / "again", "--out", tmp_path / "matrix.html")
    assert said.code == 0, said.err
    page = (tmp_path / "matrix.html").read_text()
    assert "+.331" in page
    assert "again" in page


def test_its_detections_are_compared(detbench: Command) -> None:
    """`detbench compare` finds in its files the difference that its result states."""
    found = KEPT / "run" / "detections"
    words = (KEPT / "run" / "truth.json", found / "blurred.json", found / "wiener.json", "--json")
    said = detbench("compare", *words)
    assert said.code == 0, said.err
    assert "0.33083" in said.out


def test_its_baseline_still_judges(detbench: Command) -> None:
    """The gate passes the run that the baseline was made of, and refuses a rule that it does not keep."""
    passed = detbench("gate", KEPT / "run", "--baseline", BASELINE)
    assert passed.code == 0, passed.err
    assert passed.out.splitlines()[-1] == "PASS: 3 rules kept"
    assert read_baseline(BASELINE).values["wiener"]["map"] == pytest.approx(0.9226, abs=1e-4)


def test_its_baseline_still_refuses(detbench: Command, run: Path) -> None:
    """A run whose deblurrer found as little as is found without it is a regression against the baseline."""
    result = json.loads((run / "result.json").read_text())
    metrics = {arm["name"]: arm["metrics"] for arm in result["arms"]}
    metrics["wiener"] |= {key: value for key, value in metrics["blurred"].items() if key.startswith(("map", "ar"))}
    (run / "result.json").write_text(json.dumps(result))
    shutil.copy(run / "detections" / "blurred.json", run / "detections" / "wiener.json")
    said = detbench("gate", run, "--baseline", BASELINE)
    assert said.code == 1, said.err
    assert "REGRESSION wiener: mAP .923 → .592" in said.out

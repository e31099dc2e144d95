"""A baseline's file: complete and stable."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detbench.errors import NotEvaluableError
from detbench.gate.baseline import read_baseline, write_baseline
from detbench.gate.judge import judge
from detbench.gate.rules import Rule
from detbench.metrics.evidence import point_numbers
from detbench.results.cache import digest

Job = Callable[..., Path]
RULES = (Rule("map", max_drop=0.02), Rule("psnr_db", arm="wiener", at_least=24.0))


def test_a_baseline_gives_back_what_was_measured(job: Job, tmp_path: Path) -> None:
    """From its file come the same ground, numbers and evidence as from the run folder: every draw gives the same."""
    written = write_baseline(job("run"), tmp_path / "baseline.json")
    read = read_baseline(tmp_path / "baseline.json")
    assert (read.ground, read.definitions, read.image_ids, read.values) == (
        dict(written.ground), dict(written.definitions), written.image_ids, written.values,
    )  # fmt: skip
    assert list(read.evidence) == ["sharp", "blurred", "wiener", "sharp+wiener"]
    for arm, evidence in written.evidence.items():
        assert point_numbers(read.evidence[arm]) == point_numbers(evidence)
    assert judge(read, written, RULES) == judge(written, written, RULES)


def test_a_baseline_keeps_the_pictures_of_its_harm(job: Job, tmp_path: Path) -> None:
    """A sample of every fourth picture comes back, and harm is judged as from the run folder; files of an earlier
    version, which do not name them, are over all pictures.
    """
    rules = (Rule("harm", max_drop=0.02),)
    run = job("run", buses={"sharp+wiener": 20}, harm_every=4)
    written = write_baseline(run, tmp_path / "baseline.json")
    read = read_baseline(tmp_path / "baseline.json")
    assert read.harm_ids == written.harm_ids == tuple(range(1, 41, 4))
    assert judge(read, written, rules) == judge(written, written, rules)
    write_baseline(job("all"), tmp_path / "older.json")
    content = json.loads((tmp_path / "older.json").read_text())
    content.pop("sha256")
    assert content.pop("harm_ids") is None
    (tmp_path / "older.json").write_text(json.dumps({**content, "sha256": digest(content)}))
    assert read_baseline(tmp_path / "older.json").pictures_of("harm") == tuple(range(1, 41))


def test_equal_scores_stay_equal(job: Job, tmp_path: Path) -> None:
    """The file keeps the order of the boxes and which of them share a score, not the scores."""
    written = write_baseline(job("run"), tmp_path / "baseline.json").evidence["wiener"].ranking.scores
    read = read_baseline(tmp_path / "baseline.json").evidence["wiener"].ranking.scores
    assert len(read) == 40 + 36
    assert np.array_equal(np.diff(read) != 0, np.diff(written) != 0)


def test_one_run_gives_one_file(job: Job, tmp_path: Path) -> None:
    """Written again it has the same bytes, so that a repository shows a change only where there is one."""
    run = job("run")
    for name in ("one.json", "other.json"):
        write_baseline(run, tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()


def test_a_run_with_a_failed_arm_is_no_baseline(job: Job, tmp_path: Path) -> None:
    """No gate would ask for the arm again; nothing is written."""
    run = job("run", failed={"net": "out of memory"})
    with pytest.raises(NotEvaluableError, match=r"arm 'net' failed, so this is no baseline\. out of memory"):
        write_baseline(run, tmp_path / "baseline.json")
    assert not (tmp_path / "baseline.json").exists()

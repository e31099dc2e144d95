from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_shards_are_named_and_merged(drawn_run: Run, detbench: Run) -> None:
    """Each shard's folder, named after its share, is the last line of stdout; merging them prints what a run prints."""
    words = ("--limit", "3", "--resamples", "9", "--name", "job")
    whole = drawn_run(*words)
    shards = [drawn_run(*words, "--shard", f"{index}/2") for index in (1, 2)]
    folders = [said.out.strip() for said in shards]
    assert folders == ["reports/job-1-of-2", "reports/job-2-of-2"]
    said = detbench("merge", *folders, "--out", "reports/merged")
    assert said.code == 0, said.err
    assert said.out == whole.out.replace("reports/job", "reports/merged")
    assert Path("reports/merged/metrics.json").read_bytes() == Path("reports/job/metrics.json").read_bytes()
    assert Path("reports/merged/report.html").is_file()


def test_a_missing_shard_has_an_exit_code_of_its_own(drawn_run: Run, detbench: Run) -> None:
    """Exit code 3 and the number of the shard that is missing."""
    folder = drawn_run("--limit", "3", "--shard", "1/2").out.strip()
    said = detbench("merge", folder, "--out", "whole")
    assert said.code == 3
    assert "1 of 2 shards missing (2/2)" in said.err

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from detbench.cli.speed import parse_threads
from detbench.core import energy
from detbench.errors import UsageError

KEYS = {
    "deblurrer", "threads", "warm_up", "pictures", "restore_ms_p50", "restore_ms_p95", "fps", "detect_ms_p50",
    "detect_ms_p95", "fps_p50", "fps_p95", "restore_peak_mib", "process_peak_mib", "energy_j",
}  # fmt: skip


def test_each_deblurrer_and_number_of_threads_is_one_line(detbench: Any, tmp_path: Path) -> None:
    """Two deblurrers in one word on 1 and 2 threads, 2 named twice, are four lines of the CSV, in the order in which
    they were named; the JSON says the same, with the device and the size.
    """
    words = ("--size", "64x48", "--threads", "1,2,2", "--seconds", "0", "--out", "s.csv", "--json")
    said = detbench("speed", "identity,identity", *words)
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (told["device"], told["size"], told["detector"]) == ("cpu", "64x48", None)
    assert told["device_name"] == told["processor"]
    assert [(each["deblurrer"], each["threads"]) for each in told["speeds"]] == [("identity", 1), ("identity", 2)] * 2
    assert all(each.keys() == KEYS for each in told["speeds"])
    with Path("s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["threads"] for row in rows] == ["1", "2", "1", "2"]
    assert rows[0]["size"] == "64x48"
    assert rows[0]["fps_p50"] == ""
    assert float(rows[0]["fps"]) == told["speeds"][0]["fps"]


def test_the_table_leaves_open_what_the_machine_does_not_say(
    detbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a readable counter the energy is a dash; with a detector there is a column of both."""
    from detbench.evaluation import device_speed

    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "absent")
    monkeypatch.setattr(device_speed, "measured_apart", device_speed.measure_speed)
    said = detbench("speed", "identity", "-t", "blobs", "--size", "64x48", "--threads", "1", "--seconds", "0")
    assert said.code == 0, said.err
    head, line = said.out.splitlines()[:2]
    assert head.split("  ")[0] == "deblurrer"
    assert "fps + det." in head
    assert line.split()[:2] == ["identity", "1"]
    assert line.split()[-1] == "–"
    assert "Pictures left out to warm up, and pictures that count: identity " in said.err


@pytest.mark.parametrize(
    ("words", "said_of_it"),
    [
        (("nobody",), "no deblurrer named 'nobody'"),
        (("identity", "--threads", "0"), "--threads is '0', but must be whole numbers from 1 on"),
        (("identity", "--size", "big"), "--size is 'big', but must be WIDTHxHEIGHT"),
        (("identity", "-t", "nobody"), "nobody"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(
    detbench: Any, words: tuple[str, ...], said_of_it: str
) -> None:
    """A wrong word is one message with exit code 2."""
    said = detbench("speed", *words)
    assert (said.code, said.out) == (2, "")
    assert said_of_it in said.err
    assert "measuring" not in said.err


def test_threads_are_each_core_unless_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`4, 1,4` is 4 and 1; without a word it is the number of cores that the process may use."""
    assert parse_threads("4, 1,4") == [4, 1]
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0, 3, 5}, raising=False)
    assert parse_threads(None) == [3]
    with pytest.raises(UsageError, match="must be whole numbers"):
        parse_threads("two")

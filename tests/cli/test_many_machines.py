"""`detbench run --shard`, `detbench merge` and `--engine ray`, from words to files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

Said = Any  # code, out, err: the tuple of conftest.py, which is no module to import from
Run = Callable[..., Said]

FRAGILE = """
import os
import signal
from pathlib import Path


def fragile(blurred):
    if not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 255 - blurred
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--shard", "4/3"), "--shard takes I/N"),
        (("--shard", "1/3", "--engine", "ray"), "leave out --engine"),
    ],
)
def test_impossible_divisions_are_refused(words: tuple[str, ...], message: str, drawn_run: Run) -> None:
    """A share that does not exist, or a division both by hand and by Ray, is one message before anything runs."""
    said = drawn_run(*words)
    assert said.code == 2
    assert message in said.err
    assert not Path("reports").exists()


def test_without_ray_its_engine_says_what_to_install(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--engine ray` on a machine without Ray names the extra."""
    monkeypatch.setitem(sys.modules, "ray", None)
    said = drawn_run("--engine", "ray")
    assert said.code == 2
    assert "detbench[ray]" in said.err


def test_a_ray_cluster_survives_a_killed_worker(tmp_path: Path, drawn_dataset: Path) -> None:
    """A worker that is killed in the middle of a block costs nothing: the block goes to another, the numbers are those
    of one process, to the byte.
    """
    if not find_spec("ray"):
        pytest.skip("needs Ray: pip install 'detbench[ray]'")
    (tmp_path / "fragile.py").write_text(FRAGILE)
    checkout = str(Path(__file__).parents[2])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((checkout, str(tmp_path))),
        "DETBENCH_CACHE": str(tmp_path / "cache"),
        "RAY_worker_niceness": "0",  # else its workers wait for whatever else the machine does
    }
    words = [
        "--deblurrer",
        "inverted=python:fragile:fragile",
        "--detector",
        "blobs",
        "--resamples",
        "9",
        "--limit",
        "4",
    ]
    command = [sys.executable, "-m", "detbench", "run", *words, "--dataset", drawn_dataset, "--blur", "trajectory"]
    outputs = {}
    for engine in ("ray", "local"):
        named = [*command, "--name", engine, "--engine", engine]
        done = subprocess.run(named, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        outputs[engine] = Path(tmp_path, "reports", engine)
        assert done.stdout.splitlines()[-1] == f"reports/{engine}"
    assert (tmp_path / "killed").exists()
    for name in ("metrics.json", "result.json"):
        assert (outputs["ray"] / name).read_bytes() == (outputs["local"] / name).read_bytes()
    assert json.loads((outputs["ray"] / "result.json").read_text())["data"]["images"] == 4

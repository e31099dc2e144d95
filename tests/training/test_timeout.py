"""A training that is asked to end, as `timeout` and a cluster's scheduler ask: the whole group of processes at once."""

import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

RECIPE = """
vgg_weight = 0
l1_weight = 100
epochs = 1
decay_epochs = 0
epoch_steps = 100000
batch = 1
critic_steps = 0
crop_px = 32
held_out_px = 32
held_out_crops = 1
log_steps = 1
"""


def running(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    alive = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, of_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of_group) == group and state != "Z":
            alive.append(int(folder.name))
    return alive


def test_the_end_of_the_time_loses_nothing(photos: Path, tmp_path: Path) -> None:
    """SIGTERM to the training and its two loading processes: checkpoint, weights, card and page stand, none stays."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "detbench", "train", "deblurgan", "--data", photos, "--out", tmp_path / "out"]
    words = ["--recipe", tmp_path / "recipe.toml", "--device", "cpu", "--workers", "2"]
    with subprocess.Popen([*command, *words], stderr=subprocess.PIPE, text=True, start_new_session=True) as begun:
        assert begun.stderr is not None
        next(line for line in begun.stderr if "iteration 2 " in line)
        os.killpg(begun.pid, signal.SIGTERM)
        said = begun.stderr.read()
        assert begun.wait(timeout=120) == 130, said
    assert "repeat the command with --resume" in said
    assert "Traceback" not in said
    card = tomllib.loads((tmp_path / "out" / "card.toml").read_text())
    assert card["training"]["steps"] >= 2
    for name in ("weights.safetensors", "training.html", "training/checkpoint.json"):
        assert (tmp_path / "out" / name).stat().st_size > 100
    deadline = time.monotonic() + 20
    while running(begun.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not running(begun.pid)

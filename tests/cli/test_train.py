"""`detbench train` as a user meets it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_one_epoch_from_the_command_line(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """The weights' path is the last line of stdout, each epoch a line on stderr; `run` takes the weights."""
    out = tmp_path / "mine"
    said = detbench("train", "yolov8", "--data", drawn_dataset, "--out", out, "--epochs", 1, "--image-px", 64)
    assert said.code == 0, said.err
    assert said.out == f"{out / 'weights.safetensors'}\n"
    assert "epoch 1/1: box " in said.err
    judged = detbench(
        *("run", "--deblurrer", "identity", "--detector", out / "weights.safetensors"),
        *("--dataset", drawn_dataset, "--blur", "trajectory", "--limit", 2),
    )
    assert judged.code == 0, judged.err


def test_what_is_wrong_is_said(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """A folder without a dataset, a side that no stride divides, nothing to resume: one message each, nothing made."""
    out = tmp_path / "mine"
    for words, part in (
        (("--data", tmp_path), "no dataset"),
        (("--data", drawn_dataset, "--image-px", 100), "multiple of 32, such as 96"),
        (("--data", drawn_dataset, "--resume"), "no training to resume"),
        (("--data", drawn_dataset, "--start", tmp_path / "none.safetensors"), "none.safetensors"),
    ):
        said = detbench("train", "yolov8", "--out", out, *words)
        assert said.code == 2, said.err
        assert part in said.err
        assert "Traceback" not in said.err
        assert not (out / "weights.safetensors").exists()


def test_recipe_keys_are_listed(detbench: Run) -> None:
    """One line for each key with the network's own default; a network's misspelt name is met with the nearest."""
    said = detbench("train", "recipe-keys", "nafnet")
    assert said.code == 0, said.err
    lines = {line.split()[0]: line.split() for line in said.out.splitlines() if line}
    assert lines["crop_px"][1:9] == ["128", "a", "multiple", "of", "4,", "32", "or", "more"]
    assert detbench("train", "recipe-keys").out != said.out
    assert "Did you mean 'nafnet'?" in detbench("train", "recipe-keys", "nafne").err

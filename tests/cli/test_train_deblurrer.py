"""`detbench train deblurgan` as a user meets it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detbench.cli.train_deblurrer import TRAINED
from detbench.training.architectures import ARCHITECTURES

Run = Callable[..., Any]

SETTINGS = """
vgg_weight = 0
l1_weight = 100
epochs = 1
decay_epochs = 0
epoch_steps = 1
batch = 1
critic_steps = 1
crop_px = 32
held_out_px = 32
held_out_crops = 1
init_as_identity = true
"""


@pytest.fixture
def photos(drawn_dataset: Path, tmp_path: Path) -> Path:
    """The drawn pictures without their boxes."""
    return Path(shutil.copytree(drawn_dataset / "images", tmp_path / "photos"))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The recipe of a training of one step."""
    file = tmp_path / "recipe.toml"
    file.write_text(SETTINGS)
    return file


@pytest.mark.parametrize("network", ["deblurgan", "deblurgan-resize", "deep_generative_filter"])
def test_one_step_from_the_command_line(
    network: str, detbench: Run, photos: Path, recipe: Path, drawn_dataset: Path, tmp_path: Path
) -> None:
    """The weights' path is the last line of stdout, each epoch a line on stderr; `run` takes the weights."""
    out = tmp_path / "mine"
    said = detbench(
        *("train", network, "--data", photos, "--out", out, "--recipe", recipe, "--device", "cpu"),
        *("--workers", 0, "--fraction", "1/2"),
    )
    assert said.code == 0, said.err
    assert said.out == f"{out / 'weights.safetensors'}\n"
    assert "epoch 1/1 held out, photos: " in said.err
    judged = detbench(
        *(
            "run",
            "--deblurrer",
            f"{network.removesuffix('-resize')}:{out / 'weights.safetensors'}",
            "--detector",
            "blobs",
        ),
        *("--dataset", drawn_dataset, "--blur", "trajectory", "--limit", 1),
    )
    assert judged.code == 0, judged.err


def test_a_kernel_network_from_the_command_line(detbench: Run, photos: Path, tmp_path: Path) -> None:
    """`train blind` is like the others, its losses its own; pairs are refused in one message."""
    recipe, out = tmp_path / "recipe.toml", tmp_path / "mine"
    recipe.write_text(
        "epochs = 1\ndecay_epochs = 0\nepoch_steps = 1\nbatch = 1\ncrop_px = 96\nheld_out_px = 96\nheld_out_crops = 1\n"
    )
    words = ("--recipe", recipe, "--device", "cpu", "--workers", 0)
    said = detbench("train", "blind", "--data", photos, "--out", out, *words)
    assert said.code == 0, said.err
    assert said.out == f"{out / 'weights.safetensors'}\n"
    assert "epoch 1/1 held out, photos: " in said.err
    pairs = tmp_path / "pairs"
    for folder in ("images", "blurred"):
        shutil.copytree(photos, pairs / folder)
    refused = detbench("train", "blind", "--data", pairs, "--out", tmp_path / "other", *words)
    assert refused.code == 2
    assert "leave pairs out and give folders of sharp pictures" in refused.err


def test_every_network_has_a_command() -> None:
    """What the command line offers to train is what there are plans for."""
    assert list(TRAINED) == list(ARCHITECTURES)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--recipe", "gone.toml"), "gone.toml"),
        (("--mix", "2:x"), "--mix '2:x'"),
        (("--mix", "2:1"), "give each folder a weight"),
        (("--fraction", "a sixth"), "--fraction 'a sixth'"),
        (("--resume",), "no training to resume"),
        (("--vgg", "gone.safetensors"), "gone.safetensors"),
        (("--start", "gone.safetensors"), "gone.safetensors"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], part: str, detbench: Run, photos: Path, tmp_path: Path) -> None:
    """One message each, no traceback, and no weights."""
    said = detbench("train", "deblurgan", "--data", photos, "--out", tmp_path / "mine", "--device", "cpu", *words)
    assert said.code == 2, said.err
    assert part in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "mine" / "weights.safetensors").exists()

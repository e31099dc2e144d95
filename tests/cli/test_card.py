from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

from detbench.core.paths import shipped

Run = Callable[..., Any]
YOLO = "yolov8n-streets"


def name_of(said: Any) -> str:
    """The model that a printed card is of."""
    assert said.code == 0, said.err
    name: str = yaml.safe_load(said.out)["model-index"][0]["name"]
    return name


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("yolov8", YOLO),
        (YOLO, YOLO),
        ("pix2pix", "pix2pix"),
        (shipped("models") / YOLO, YOLO),
        (shipped("models") / YOLO / "weights.safetensors", YOLO),
        (shipped("models") / YOLO / "card.toml", YOLO),
    ],
)
def test_card_is_printed_as_yaml(detbench: Run, word: object, name: str) -> None:
    """A model by the name it runs under, by its folder's name, by its folder, and by a file in it."""
    assert name_of(detbench("card", word)) == name


def test_a_name_wins_over_a_folder(detbench: Run, tmp_path: Path) -> None:
    """A folder that is called as a built-in is named `./pix2pix`."""
    copytree(shipped("models") / YOLO, tmp_path / "pix2pix")
    assert "deblurring" in detbench("card", "pix2pix").out
    assert "object-detection" in detbench("card", "./pix2pix").out


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("pix2pixx", "no model named 'pix2pixx', and no such folder or file. Did you mean 'pix2pix'?"),
        ("wiener", "wiener has no weights, so it has no card. Those that have: blind, deblurgan"),
        (".", "card.toml: no card of a model, for there is no such file; name a model's folder"),
    ],
)
def test_what_has_no_card_is_one_message(detbench: Run, word: str, message: str) -> None:
    """Unknown names with the nearest, filters without weights, and folders that are none of a model."""
    said = detbench("card", word)
    assert said.code == 2
    assert message in said.err
    assert "Errno" not in said.err


def test_the_card_of_other_weights_is_refused(detbench: Run, tmp_path: Path) -> None:
    """A file that was put beside a card which describes another is noticed."""
    copytree(shipped("models") / YOLO, tmp_path / "mine")
    (tmp_path / "mine" / "weights.safetensors").write_bytes(b"others")
    said = detbench("card", tmp_path / "mine" / "weights.safetensors")
    assert said.code == 2
    assert "card.toml beside it is that of other weights" in said.err

"""Pictures to train on, and networks small enough to do it in a test."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch import Tensor, nn

from detbench.training.losses.content import l1
from detbench.training.losses.target import WeightedLoss
from detbench.training.training_plan import TrainingPlan
from detbench.types import Image


def picture(seed: int, height: int = 48, width: int = 64) -> Image:
    """Coarse random blocks of 4 pixels, shape (H, W, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    return coarse.repeat(4, 0).repeat(4, 1)


def save(image: Image, path: Path) -> None:
    """Write a PNG, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(image).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of ten sharp pictures of 48x64."""
    for number in range(10):
        save(picture(number), tmp_path / "photos" / f"{number:02d}.png")
    return tmp_path / "photos"


@pytest.fixture
def make_pairs(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of pairs in a layout: `coco` is images/ and blurred/, another word names GoPro's blur folder."""

    def make(layout: str, count: int = 4) -> Path:
        folder = tmp_path / layout
        for number in range(count):
            clip, name = folder / f"GOPR{number % 2}", f"{number:06d}.png"
            sharp, blurred = (
                (folder / "images" / name, folder / "blurred" / name)
                if layout == "coco"
                else (clip / "sharp" / name, clip / layout / name)
            )
            save(picture(number), sharp)
            save(255 - picture(number), blurred)
        return folder

    return make


class SmallGenerator(nn.Module):
    """Two convolutions and a global skip; no dropout, so that its steps do not depend on how a batch is shared."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, 8, 3, padding=1)
        self.leave = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, blurred: Tensor) -> Tensor:
        """Shape (N, 3, H, W) in and out."""
        restored: Tensor = blurred + self.leave(torch.relu(self.enter(blurred)))
        return restored


def small_plan(**changes: object) -> TrainingPlan:
    """A plan of small nets with L1 and a gradient penalty, the same on every call; `changes` are fields of it."""
    torch.manual_seed(0)
    settings = {
        "architecture": "small",
        "generator": SmallGenerator(),
        # A last bias would have no gradient but rounding, which Adam makes steps of.
        "critic": nn.Sequential(nn.Conv2d(3, 8, 4, stride=2), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, bias=False)),
        "losses": (WeightedLoss("L1", 100.0, lambda restored, target: l1(restored[0], target.sharp)),),
        "learning_rate": 1e-3,
        "betas": (0.5, 0.999),
        "average_decay": 0.9,
    }
    return TrainingPlan(**(settings | changes))  # type: ignore[arg-type]


@pytest.fixture
def make_plan() -> Callable[..., TrainingPlan]:
    """Makes `small_plan`s."""
    return small_plan


@pytest.fixture
def drawn_pairs(drawn_dataset: Path, tmp_path: Path) -> Path:
    """The drawn dataset with blurred twins."""
    folder = Path(shutil.copytree(drawn_dataset, tmp_path / "pairs"))
    (folder / "blurred").mkdir()
    for file in (folder / "images").iterdir():
        blurred = cv2.blur(np.asarray(PillowImage.open(file).convert("RGB")), (9, 9))
        PillowImage.fromarray(blurred).save(folder / "blurred" / file.name)
    return folder

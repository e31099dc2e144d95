import importlib
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as PillowImage

from detbench.detectors import ultralytics_yolo as yolo
from detbench.detectors.ultralytics_yolo import Yolo
from detbench.errors import BackendError, WeightsError


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, Path]:
    """A checkpoint whose pickle touches a file when it is loaded, and that file, which is not there yet."""
    canary = tmp_path / "canary"

    class Hostile:
        """Runs `canary.touch()` where it is unpickled without care."""

        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (canary,)

    torch.save({"model": Hostile(), "epoch": -1}, tmp_path / "hostile.pt")
    return tmp_path / "hostile.pt", canary


def test_a_hostile_pickle_runs_no_code(hostile: tuple[Path, Path]) -> None:
    """A checkpoint that hides code is refused before any of it runs; the same file loaded carelessly would run it."""
    file, canary = hostile
    with pytest.raises(WeightsError, match=r"hostile\.pt: not an ultralytics checkpoint that loads safely"):
        Yolo(file)
    assert not canary.exists()
    torch.load(file, weights_only=False)
    assert canary.exists()


def test_without_safe_loading_nothing_is_loaded(hostile: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An ultralytics that cannot load safely, or was imported by another module first, is refused with a way out."""
    file, canary = hostile
    monkeypatch.setattr(yolo.ultralytics.utils, "SAFE_LOAD", False)
    with pytest.raises(BackendError, match=r"ultralytics would run code that hides in a checkpoint.*Update both"):
        Yolo(file)
    assert not canary.exists()


def test_ultralytics_is_kept_from_the_network() -> None:
    """It took to heart what was set before its import: offline, no telemetry, nothing installed, safe loading, no word
    on stdout.
    """
    assert (os.environ["YOLO_OFFLINE"], os.environ["YOLO_AUTOINSTALL"]) == ("true", "false")
    utils = yolo.ultralytics.utils
    assert (utils.ONLINE, utils.AUTOINSTALL, utils.SAFE_LOAD, utils.VERBOSE) == (False, False, True, False)
    assert not importlib.import_module("ultralytics.utils.events").events.enabled


def test_pillow_stays_as_it_was() -> None:
    """ultralytics replaces Pillow's `open` when it is imported; the adapter puts it back."""
    assert PillowImage.open.__module__ == "PIL.Image"

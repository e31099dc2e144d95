"""Fixtures that more than one test module needs."""

import runpy
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `tests/drawn.py` draws, COCO annotations and twelve pictures; copy it before changing it."""
    draw = runpy.run_path(str(Path(__file__).with_name("drawn.py")))["draw"]
    folder: Path = draw(tmp_path_factory.mktemp("datasets") / "drawn")
    return folder

"""Fixtures that more than one test module needs."""

import os
import runpy
from pathlib import Path

import pytest

# Before torch is imported: its threads wait by spinning, which on a busy machine makes tests of tiny pictures take
# several times as long as one thread does.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `tests/drawn.py` draws, COCO annotations and twelve pictures; copy it before changing it."""
    draw = runpy.run_path(str(Path(__file__).with_name("drawn.py")))["draw"]
    folder: Path = draw(tmp_path_factory.mktemp("datasets") / "drawn")
    return folder

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from detbench.core.paths import shipped

Run = Callable[..., Any]


def test_card_is_printed_as_yaml(detbench: Run, tmp_path: Path) -> None:
    """The shipped detector's card, as front matter; a folder without one is an error with a message."""
    said = detbench("card", shipped("models") / "yolov8n-streets")
    assert yaml.safe_load(said.out)["model-index"][0]["name"] == "yolov8n-streets"
    assert detbench("card", tmp_path).code == 2

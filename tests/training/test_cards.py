import tomllib
from pathlib import Path

from detbench.training.cards import write_card


def test_a_card_says_what_is_known(tmp_path: Path) -> None:
    """Tables, lists and texts with quotes come back as they were; what has no value is not there."""
    known = {"sha256": "0f", "classes": ['a "b"', "ü"], "training": {"steps": 3, "rate": 0.002}}
    write_card(tmp_path / "weights.safetensors", {**known, "start": None, "training": {**known["training"], "x": None}})
    assert tomllib.loads((tmp_path / "card.toml").read_text(encoding="utf-8")) == known

"""A model's card: what a file of weights is, what it was trained on, and how good it is; `card.toml` beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from detbench.images import write_atomically
from detbench.nets.weights import CARD_NAME


def write_card(weights: Path, content: Mapping[str, Any]) -> None:
    """Write the card of the weights in a folder. Keys without a value are left out: TOML has no null."""
    write_atomically(weights.with_name(CARD_NAME), tomli_w.dumps(_present(content)).encode())


def _present(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _present(value) if isinstance(value, Mapping) else value
        for key, value in content.items()
        if value is not None
    }

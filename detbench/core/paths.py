"""Where files are: what ships with detbench, from a checkout or an installed wheel, and what it keeps for later."""

import os
from pathlib import Path

CARD_NAME = "card.toml"
"""File name of a model's card, beside its weights."""

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(kind: str) -> Path:
    """The shipped `models` or `datasets` folder: inside the wheel, else beside the package in a checkout."""
    packed = _PACKAGE / "_shipped" / kind
    return packed if packed.is_dir() else _PACKAGE.parent / kind


def cache_folder() -> Path:
    """Where finished work and fetched checkpoints are kept: `DETBENCH_CACHE`, else the user's cache folder."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("DETBENCH_CACHE") or user_cache_path("detbench"))

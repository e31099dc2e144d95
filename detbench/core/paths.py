"""Where files are: what ships with detbench, from a checkout or an installed wheel, and what it keeps for later."""

import os
import re
from pathlib import Path

from detbench.errors import UsageError

CARD_NAME = "card.toml"
"""File name of a model's card, beside its weights."""

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(kind: str) -> Path:
    """The shipped `models` or `datasets` folder: inside the wheel, else beside the package in a checkout."""
    packed = _PACKAGE / "_shipped" / kind
    return packed if packed.is_dir() else _PACKAGE.parent / kind


def cache_folder() -> Path:
    """Where finished work and fetched checkpoints are kept: `DETBENCH_CACHE`, else the user's cache folder.

    Raises UsageError where the user has no home folder that it could be in.
    """
    from platformdirs import user_cache_path

    folder = home_expanded(os.environ.get("DETBENCH_CACHE") or str(user_cache_path("detbench")))
    if folder.startswith("~"):
        raise UsageError(f"{folder}: there is no such home folder; name a folder for the cache with DETBENCH_CACHE")
    return Path(folder)


def home_expanded(word: str) -> str:
    """A word of the command line with `~` and `~user` as home folders, at its beginning and behind `=`, `:`, `,` and
    spaces: no shell expands them in `--out=~/runs` or `yolo:~/data`. A folder that is called `~` is `./~`.
    """
    return re.sub(r"(?<![^=:,\s])~[^/#=:,\s]*", lambda found: _home(found[0]), word)


def _home(tilde: str) -> str:
    try:
        return str(Path(tilde).expanduser())
    except RuntimeError:  # there is no such user, or no home
        return tilde

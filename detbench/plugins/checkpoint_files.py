"""YOLO checkpoints by name: a file that is there, or one fetched once from its publisher."""

import contextlib
import http.client
import urllib.parse
import urllib.request
from pathlib import Path

from detbench.core.images import write_atomically
from detbench.core.paths import cache_folder
from detbench.errors import UsageError, WeightsError

RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0/"
"""Where Ultralytics publishes its checkpoints (AGPL-3.0)."""


def is_checkpoint(word: str) -> bool:
    """Whether a detector is named by a file: an ultralytics checkpoint, or weights trained here."""
    return word.endswith((".pt", ".safetensors"))


def find_checkpoint(word: str) -> Path:
    """The checkpoint file that a word means: a path, else a published name, downloaded on first use.

    Raises UsageError where a path leads nowhere and WeightsError where a download fails.
    """
    path = Path(word)
    if path.is_file():
        return path
    if path.name != word or path.suffix == ".safetensors":
        raise UsageError(
            f"no checkpoint at {word}: give the path of a YOLO .pt or .safetensors file, or a published name like "
            "yolov8n.pt"
        )
    return fetched(RELEASE + urllib.parse.quote(word))


def fetched(address: str) -> Path:
    """The file at an address, downloaded on first use into the user's cache; raises WeightsError where that fails."""
    folder, _, quoted = address.rpartition("/")
    name = urllib.parse.unquote(quoted)
    kept = cache_folder() / "weights" / name
    if kept.is_file():
        return kept
    try:
        with contextlib.closing(urllib.request.urlopen(address, timeout=60)) as answer:
            write_atomically(kept, bytes(answer.read()))
    except (OSError, http.client.HTTPException) as error:
        raise WeightsError(
            f"{name} is not here and could not be fetched from {folder}/ ({error}). "
            f"Download it on another machine and pass its path"
        ) from error
    return kept

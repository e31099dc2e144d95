"""YOLO checkpoints by name: a file that is there, or one fetched once from its publisher."""

import urllib.parse
from pathlib import Path

from detbench.core.fetchable import fetch, registry
from detbench.core.fetching import fetched
from detbench.core.published import Published
from detbench.errors import UsageError

RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0/"
"""Where Ultralytics publishes its checkpoints (AGPL-3.0), those too that the registry does not name."""

WEIGHTS_SUFFIXES = frozenset({".pt", ".pth", ".ckpt", ".safetensors", ".onnx", ".pt2"})
"""Of files that hold a network or its weights, in whatever format."""


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
    if word in registry():
        return fetch(registry()[word])
    return fetched(Published(RELEASE + urllib.parse.quote(word)))

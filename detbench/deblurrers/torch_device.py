"""Whether torch can use what the driver shows; the two may be built for different versions of CUDA."""

import torch

from detbench.errors import UsageError


def check_usable(device: str, word: str) -> None:
    """Raise UsageError where torch cannot use a resolved device that a user asked for as `word`."""
    if device != "cpu" and not torch.cuda.is_available():
        raise UsageError(f"device {word!r}: torch {torch.__version__} cannot use CUDA here; use cpu")

"""Whether torch can use a device, and in which precision: it may be built for another CUDA than the driver's."""

from typing import Literal

import torch

from detbench.core.devices import multiplies_in_bf16
from detbench.errors import UsageError


def check_usable(device: str, word: str) -> None:
    """Raise UsageError where torch cannot use a resolved device, which the user named as `word`."""
    if device != "cpu" and not torch.cuda.is_available():
        raise UsageError(f"device {word!r}: torch {torch.__version__} cannot use CUDA here; use cpu")


def resolve_precision(word: Literal["auto", "fp32", "bf16"], device: str) -> Literal["fp32", "bf16"]:
    """The precision for a word: `auto` is bfloat16 where a resolved device multiplies in it, else single precision."""
    if word != "auto":
        return word
    return "bf16" if multiplies_in_bf16(device) else "fp32"

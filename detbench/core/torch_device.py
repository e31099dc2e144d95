"""Whether torch can use a device, and in which precision: it may be built for another CUDA than the driver's."""

from pathlib import Path
from typing import Literal

import torch

from detbench.errors import UsageError

CPUINFO = Path("/proc/cpuinfo")


def check_usable(device: str, word: str) -> None:
    """Raise UsageError where torch cannot use a resolved device, which the user named as `word`."""
    if device != "cpu" and not torch.cuda.is_available():
        raise UsageError(f"device {word!r}: torch {torch.__version__} cannot use CUDA here; use cpu")


def resolve_precision(word: Literal["auto", "fp32", "bf16"], device: str) -> Literal["fp32", "bf16"]:
    """The precision for a word: `auto` is bfloat16 where a resolved device multiplies in it, else single precision."""
    if word != "auto":
        return word
    has_bf16 = _processor_has_bf16() if device == "cpu" else torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if has_bf16 else "fp32"


def _processor_has_bf16() -> bool:
    """Whether it has AMX or AVX-512's bfloat16; false where that is unknown, as off Linux."""
    flags = set(CPUINFO.read_text(errors="replace").split()) if CPUINFO.exists() else set()
    return not flags.isdisjoint({"amx_bf16", "avx512_bf16"})

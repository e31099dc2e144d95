"""Memory of the process: whether it keeps what it frees, and the most that a call takes."""

import ctypes
import gc
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
"""Where Linux says how much memory the process holds and held at most, and where the most is set back to now."""

MIB = 1 << 20

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # as <malloc.h> numbers them
_LARGE_BYTES = 1 << 30
_AHEAD_BYTES = 1 << 26


def keep_freed_memory() -> None:
    """Let glibc's malloc keep blocks below 1 GiB for the next layer's features, instead of returning them.

    Otherwise each of a network's feature maps is memory new from the system, which is cleared page by page when it is
    written first: a tenth of what a network takes on a processor. Does nothing without glibc.
    """
    if _is_glibc():
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, _LARGE_BYTES)
        mallopt(_TOP_PAD, _AHEAD_BYTES)


def hand_back_freed_memory() -> None:
    """Return kept memory to the system, once the networks are done; does nothing without glibc."""
    gc.collect()
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def peak_of(use: Callable[[], T]) -> tuple[T, float | None]:
    """What `use` returns, and the most memory in MiB that it held at once, beyond what was held before.

    It is a GPU's memory where torch took any there, else the process's, without that of programs that it starts; None
    where the system does not say.
    """
    hand_back_freed_memory()  # else the call takes what others left, and seems to take nothing
    on_gpus, here = _gpu_bytes("memory_allocated"), _process_bytes("VmRSS") if _forget_peaks() else None
    made = use()
    if (taken := _gpu_bytes("max_memory_allocated") - on_gpus) > 0:
        return made, taken / MIB
    peak = _process_bytes("VmHWM")
    return made, None if here is None or peak is None else max(0, peak - here) / MIB


def peak_so_far() -> float | None:
    """The most memory in MiB that the process has held since it began or since `peak_of`; None where it is unknown."""
    peak = _process_bytes("VmHWM")
    return None if peak is None else peak / MIB


def _forget_peaks() -> bool:
    """Count peaks from now on; whether the system allows that of the process's memory."""
    for index in range(_gpus()):
        _torch().cuda.reset_peak_memory_stats(index)
    try:
        CLEAR_REFS.write_text("5")
    except OSError:
        return False
    return True


def _gpu_bytes(what: str) -> int:
    return sum(getattr(_torch().cuda, what)(index) for index in range(_gpus()))


def _gpus() -> int:
    """GPUs that torch may hold memory on; none before it has begun to use them."""
    torch = _torch()
    return torch.cuda.device_count() if torch is not None and torch.cuda.is_initialized() else 0


def _torch() -> Any:
    """torch where something has imported it."""
    return sys.modules.get("torch")


def _process_bytes(field: str) -> int | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _is_glibc() -> bool:
    return platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"

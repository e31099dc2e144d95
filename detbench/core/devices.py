"""Which device a word means. The driver itself answers, so that no command waits for torch to be imported."""

import ctypes
import platform
import re
from collections.abc import Callable
from pathlib import Path

from detbench.errors import UsageError

CPUINFO = Path("/proc/cpuinfo")
_CAPABILITY_MAJOR = 75  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR of CUDA's driver
_FIRST_WITH_BF16 = 8  # Ampere


def resolve_device(word: str) -> str:
    """The device for `auto`, `cpu`, `cuda` or `cuda:N`: auto takes a CUDA device where the driver shows one."""
    if word == "auto":
        return "cuda" if _cuda_name() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:[0-9]+)?", word):
        raise UsageError(f"no device {word!r}: use auto, cpu, cuda or cuda:N")
    kind, _, index = word.partition(":")
    if kind == "cuda" and not _cuda_name(int(index or 0)):
        raise UsageError(f"no device {word!r} on this machine: use --device cpu")
    return word


def device_name(device: str) -> str:
    """What the maker calls a resolved device, for the record."""
    kind, _, index = device.partition(":")
    return _cuda_name(int(index or 0)) if kind == "cuda" else _processor_name()


def multiplies_in_bf16(device: str) -> bool:
    """Whether a resolved device multiplies in bfloat16: a processor with AMX or AVX-512's, a GPU from Ampere on.

    False where that is unknown, as for processors off Linux.
    """
    kind, _, index = device.partition(":")
    if kind == "cuda":
        return _cuda_capability(int(index or 0)) >= _FIRST_WITH_BF16
    flags = set(CPUINFO.read_text(errors="replace").split()) if CPUINFO.exists() else set()
    return not flags.isdisjoint({"amx_bf16", "avx512_bf16"})


def _cuda_capability(index: int) -> int:
    """The major number of a CUDA device's compute capability; 0 where there is none."""
    major = ctypes.c_int()
    answered = _ask_driver(
        index, lambda driver, on: driver.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, on)
    )
    return major.value if answered else 0


def _cuda_name(index: int = 0) -> str:
    """The name of a CUDA device as the driver gives it; empty where there is none."""
    name = ctypes.create_string_buffer(256)
    return name.value.decode() if _ask_driver(index, lambda driver, on: driver.cuDeviceGetName(name, 256, on)) else ""


def _ask_driver(index: int, question: Callable[[ctypes.CDLL, ctypes.c_int], int]) -> bool:
    """Whether CUDA's driver is there, shows a device of this index, and answered a question about it: with 0."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1")
    except OSError:
        return False
    device = ctypes.c_int()
    is_shown = driver.cuInit(0) == 0 and driver.cuDeviceGet(ctypes.byref(device), index) == 0
    return is_shown and question(driver, device) == 0


def _processor_name() -> str:
    lines = CPUINFO.read_text(errors="replace").splitlines() if CPUINFO.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())

"""Whether the process keeps memory that it frees."""

import ctypes
import gc
import platform

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


def _is_glibc() -> bool:
    return platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"

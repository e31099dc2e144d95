"""What libraries raise where memory runs out becomes MemoryError, which makes tiles smaller."""

import numpy as np
import pytest

from detbench.deblurrers.memory_errors import memory_errors
from detbench.deblurrers.tiling import FloatImage, restore_tiled
from detbench.types import Image


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory: you tried 7 bytes",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 7 bytes.",
        "std::bad_alloc",
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 7",
    ],
)
def test_every_librarys_words_are_known(said: str) -> None:
    """torch's words for the graphics card and the processor, C++'s and onnxruntime's all become MemoryError."""
    with pytest.raises(MemoryError), memory_errors():
        raise RuntimeError(said)


def test_other_errors_stay_what_they_are() -> None:
    """An error about something else is not taken for a lack of memory."""
    with pytest.raises(RuntimeError, match="shapes"), memory_errors():
        raise RuntimeError("shapes do not fit")


@pytest.mark.parametrize("max_pixels", [64 * 64, 48 * 48])
def test_a_tile_that_is_too_large_says_so(max_pixels: int) -> None:
    """Whole or in tiles, a picture whose function runs out of memory raises MemoryError."""

    def restore(tile: Image) -> FloatImage:
        raise RuntimeError("CUDA out of memory.")

    with pytest.raises(MemoryError):
        restore_tiled(np.zeros((64, 64, 3), np.uint8), restore, max_pixels, 16, 4)

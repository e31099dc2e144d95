"""Convert the libraries' out-of-memory errors to Python's MemoryError."""

from collections.abc import Iterator
from contextlib import contextmanager

PHRASES = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate memory", "bad_alloc")
"""torch (CUDA, processor on Linux, on Windows), onnxruntime, and what C++ throws."""


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise MemoryError where the body raises an out-of-memory error of one of the libraries."""
    try:
        yield
    except Exception as error:  # onnxruntime's has no base that is worth a name
        if any(phrase in str(error).lower() for phrase in PHRASES):
            raise MemoryError(str(error)) from error
        raise

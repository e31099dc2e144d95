"""Functions in machine code.

Importing this imports numba, half a second; functions that need what it makes import that themselves.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function in machine code, kept on disk beside it or in the user's cache for the next process.

    Where neither can be written, every process compiles anew, a few seconds. Sums are not contracted: a product is
    rounded before it is added to, as NumPy does it.
    """
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy")(function)

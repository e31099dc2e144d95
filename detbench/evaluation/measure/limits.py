"""What foreign code may take for one picture: time, and memory by way of smaller tiles; and what it may give."""

import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from detbench.errors import ArmError, BackendError, DataError, DetbenchError
from detbench.types import BlurEstimate, Image, Picture, Restoration

T = TypeVar("T")

PICTURE_TIMEOUT_S = 3600
"""How long a deblurrer or a detector may take for one picture by default: longer than any that works."""

SMALLEST_TILE_PIXELS = 320 * 320
"""Smaller tiles would be made of little but their overlaps."""


class OutOfTime(BaseException):
    """Raised in the body of `time_limit`; no Exception, because the body may well catch every one."""


class OutOfMemoryError(ArmError):
    """A backend ran out of memory, and smaller tiles may help."""


def call_limited(name: str, use: Callable[[], T], seconds: float) -> T:
    """What `use`, a call of the backend called `name`, returns.

    What it raises, or a call that takes longer than `seconds`, becomes an ArmError that names the backend, or
    OutOfMemoryError; any DetbenchError that is no BackendError stays what it is.
    """
    try:
        with time_limit(seconds):
            return use()
    except BackendError as error:
        raise ArmError(str(error)) from error
    except DetbenchError:
        raise
    except OutOfTime:
        raise ArmError(f"{name} took longer than {seconds:g} s and was stopped; --timeout gives it more") from None
    except MemoryError as error:
        raise OutOfMemoryError(f"{name} ran out of memory; use smaller pictures") from error
    except Exception as error:  # a backend may be anybody's code
        raise ArmError(f"{name} failed: {type(error).__name__}: {error}") from error


def within_memory(deblurrer: Any, pixels: int, restore: Callable[[], T]) -> tuple[T, int | None]:
    """What `restore`, a call of the deblurrer for a picture of so many pixels, returns; and the size of the tiles, in
    pixels, where memory ran out and smaller ones did it, else None.

    Raises the first failure where memory runs out in the smallest tiles too.
    """
    try:
        return restore(), None
    except OutOfMemoryError as error:
        failure = ArmError(str(error))
    with contextlib.closing(smaller_tiles(deblurrer, pixels)) as sizes:
        for tile_pixels in sizes:
            gc.collect()  # what was raised may hold the memory that is wanted, and itself
            with contextlib.suppress(ArmError):
                return restore(), tile_pixels
    raise failure


def check_restored(name: str, restored: object, image: Image) -> None:
    """Raise ArmError where what the deblurrer called `name` returned for `image` is no picture of its size."""
    if isinstance(restored, np.ndarray) and restored.dtype == np.uint8 and restored.shape == image.shape:
        return
    found = f"{restored.dtype} {restored.shape}" if isinstance(restored, np.ndarray) else type(restored).__name__
    raise ArmError(f"{name} returned {found}; a deblurrer returns uint8 {image.shape}, its input's size")


def checked_restoration(name: str, found: object) -> Restoration:
    """What `restore` of the kernel estimator called `name` returned; raises ArmError where it is no Restoration, or
    what it says of the blur is no BlurEstimate. The picture in it is not checked.
    """
    if isinstance(found, Restoration) and isinstance(found.blur, BlurEstimate | None):
        return found
    kind = type(found).__name__
    what = f"{kind} with {type(found.blur).__name__}" if isinstance(found, Restoration) else kind
    raise ArmError(
        f"{name} returned {what} from `restore`; a deblurrer that has `restore` returns a Restoration with a "
        "BlurEstimate or None there: rename the method if it does something else"
    )


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body once it has taken so long.

    It reaches Python code and whatever waits; a library that computes in C is stopped once it returns. Outside the
    main thread, and on systems without alarms, there is no limit.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(*_: object) -> None:
    raise OutOfTime


def smaller_tiles(deblurrer: Any, pixels: int) -> Generator[int, None, None]:
    """Let a deblurrer that has tiles (`max_pixels`) take ever fewer pixels at once, half as many each time; gives how
    many. It has its own number again afterwards.
    """
    own = getattr(deblurrer, "max_pixels", 0)
    size = min(own, pixels) // 2
    try:
        while size >= SMALLEST_TILE_PIXELS:
            deblurrer.max_pixels = size
            yield size
            size //= 2
    finally:
        if own:
            deblurrer.max_pixels = own


def check_size(restored: Picture, blurred: Picture, name: str, arm: str) -> None:
    """Raise DataError where a restored picture is not as large as the blurred one."""
    if (restored.width, restored.height) != (blurred.width, blurred.height):
        raise DataError(
            f"{arm}: {name} was restored to {restored.width}x{restored.height} pixels, but it has "
            f"{blurred.width}x{blurred.height}; a deblurrer keeps the size, so crop what was padded and do not scale"
        )

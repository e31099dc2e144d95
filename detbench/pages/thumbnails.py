"""Pictures small enough to be part of a page."""

import base64
import io
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image as PillowImage

from detbench.core.images import read_image

THUMBNAIL_SIDE_PX = 480
THUMBNAIL_BYTES = 29_000
"""The most that a picture takes in its page is 40 kB: base64 adds a third."""
_QUALITIES = (75, 60, 45, 30, 15)


def thumbnails(paths: Iterable[Path]) -> Iterator[str]:
    """Each picture's `thumbnail`, in order; threads share the work, most of which is outside Python."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(thumbnail, paths)


def thumbnail(path: Path) -> str:
    """A picture as a data URI, WebP of THUMBNAIL_BYTES and THUMBNAIL_SIDE_PX at most; equal pixels give equal text.

    Raises DataError where the file is missing or damaged.
    """
    picture = PillowImage.fromarray(read_image(path))
    picture.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), PillowImage.Resampling.LANCZOS)
    return f"data:image/webp;base64,{base64.b64encode(_webp(picture)).decode()}"


def _webp(picture: PillowImage.Image) -> bytes:
    """The best quality that fits THUMBNAIL_BYTES, or the lowest there is."""
    for quality in _QUALITIES:
        stream = io.BytesIO()
        # The default method, 4, takes twice the time for a twentieth less.
        picture.save(stream, format="WEBP", quality=quality, method=2)
        if stream.tell() <= THUMBNAIL_BYTES:
            break
    return stream.getvalue()

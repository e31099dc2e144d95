import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.picture_structure import is_whole


def encoded(format_name: str, **options: Any) -> bytes:
    """Noise of 64x48 pixels as a file."""
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    PillowImage.fromarray(pixels).save(stream, format_name, **options)
    return stream.getvalue()


WHOLE = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"restart_marker_rows": 1}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
]


@pytest.mark.parametrize(("format_name", "options"), WHOLE)
def test_a_whole_file_is_told_from_any_beginning_of_it(format_name: str, options: dict[str, Any]) -> None:
    """JPEG of one scan or several, PNG, and WebP of both kinds: with the last byte gone they are not whole."""
    data = encoded(format_name, **options)
    assert is_whole(data, format_name)
    assert not any(is_whole(data[:size], format_name) for size in (len(data) - 1, len(data) - 2, len(data) // 2, 40))


def test_what_cameras_put_behind_a_jpeg_does_not_matter() -> None:
    """Bytes after the end of the image, and an end within the EXIF preview, do not stand for its own end."""
    data = encoded("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0" + b"\xff\xd8\xff\xd9")
    assert is_whole(data + b"trailer", "JPEG")
    assert is_whole(data + bytes(64), "MPO")
    assert not is_whole(data[:-2] + bytes(64), "JPEG")


def test_a_changed_byte_of_a_png_shows() -> None:
    """PNG has a checksum for each chunk."""
    data = bytearray(encoded("PNG"))
    data[len(data) // 2] ^= 1
    assert not is_whole(bytes(data), "PNG")


def test_formats_without_a_frame_are_not_vouched_for() -> None:
    """A TIFF or PPM has to be decoded to be known."""
    assert not is_whole(encoded("PPM"), "PPM")

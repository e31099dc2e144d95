"""Whether a picture file is all there, by the frame of its format: a truncated one is known without decoding it."""

import re
import zlib
from collections.abc import Callable, Mapping

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A JPEG marker but for those within a scan: a stuffed zero, a fill byte, a restart."""

_END_OF_IMAGE, _WITHOUT_LENGTH = 0xD9, (0x01, 0xD8)


def is_whole(data: bytes, format_name: str) -> bool:
    """Whether a file of a format, by Pillow's name, reaches its end; false too where its frame does not tell.

    JPEG (and MPO, its first picture) ends with an EOI marker (ITU-T T.81, B.1.1.3), PNG with IEND and has a checksum
    for each chunk (W3C PNG, 5.3), and WebP is as long as its RIFF header says.
    """
    known = _IS_WHOLE.get(format_name)
    return known is not None and known(data)


def _jpeg_is_whole(data: bytes) -> bool:
    place = 0
    while (found := _MARKER.search(data, place)) is not None:
        place, kind = found.end(), data[found.end() - 1]
        if kind == _END_OF_IMAGE:
            return True
        if kind not in _WITHOUT_LENGTH:
            place += int.from_bytes(data[place : place + 2], "big")
    return False


def _png_is_whole(data: bytes) -> bool:
    place = 8
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kind, end = data[place + 4 : place + 8], place + 8 + size
        if zlib.crc32(memoryview(data)[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return False
        if kind == b"IEND":
            return True
        place = end + 4
    return False


def _webp_is_whole(data: bytes) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


_IS_WHOLE: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _jpeg_is_whole,
    "MPO": _jpeg_is_whole,
    "PNG": _png_is_whole,
    "WEBP": _webp_is_whole,
}

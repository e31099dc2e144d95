"""Pictures on disk, pictures by content, and padding to a network's multiple."""

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from detbench.core.files import check_name
from detbench.errors import DataError, OutputError
from detbench.types import Image, Picture

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
MAX_PIXELS = 64_000_000
"""The largest picture that is decoded: twice 8K. A small file may claim any size in its header."""


FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is decoded, whatever a file is called. Pillow knows more, and runs Ghostscript for one of them."""


def picture_files(paths: Iterable[Path]) -> list[Path]:
    """Those paths that are pictures and not hidden, sorted by name, numbers by their value: frame 2 before frame 10.

    Raises DataError for a name that is not UTF-8.
    """
    pictures = (path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("."))
    files = sorted((path for path in pictures if path.is_file()), key=natural_order)
    for path in files:
        check_name(path)
    return files


def natural_order(path: Path) -> tuple[list[str | int], str]:
    """The key that sorts paths by name, numbers by their value."""
    # Split at numbers, every odd part is one; the plain name decides between a01 and a1.
    parts = re.split("([0-9]+)", path.as_posix())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], path.as_posix()


def picture_from_file(path: Path) -> Picture:
    """A file as a Picture: its bytes are hashed and its header read, nothing is decoded yet.

    Raises DataError where the file is missing, no picture, larger than MAX_PIXELS, or deeper than 8 bits and grey.
    """
    with _picture_errors(path):
        data = path.read_bytes()
        width, height = _upright_size(PillowImage.open(io.BytesIO(data), formats=FORMATS), path)
    return Picture(hashlib.sha256(data).hexdigest(), width, height, lambda: read_image(path))


def picture_from_image(image: Image) -> Picture:
    """Pixels already in memory as a Picture, known by `image_sha256`."""
    return Picture(image_sha256(image), image.shape[1], image.shape[0], lambda: image)


def read_image(path: Path) -> Image:
    """Decode a file to RGB, shape (H, W, 3), upright by its EXIF orientation; transparency is dropped.

    Raises DataError where the file is missing, truncated, no picture, too large, or deeper than 8 bits and grey.
    """
    with open_picture(path) as opened:
        return np.array(rotated_upright(opened).convert("RGB"))


@contextmanager
def open_picture(path: Path) -> Iterator[PillowImage.Image]:
    """A file as Pillow's picture, not yet decoded; what goes wrong with it in the body raises DataError, as
    `read_image` does.
    """
    # As a stream: given a path, Pillow 13 maps a plain TIFF into memory and rotates it wrongly.
    with _picture_errors(path), path.open("rb") as stream, PillowImage.open(stream, formats=FORMATS) as opened:
        _upright_size(opened, path)
        yield opened


def rotated_upright(opened: PillowImage.Image) -> PillowImage.Image:
    """A picture, just opened, rotated or mirrored by its EXIF orientation."""
    return opened if _orientation(opened) == 1 else ImageOps.exif_transpose(opened)


def encode_png(image: Image) -> bytes:
    """Lossless bytes of an RGB picture; equal pixels give equal bytes."""
    stream = io.BytesIO()
    PillowImage.fromarray(image).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def image_sha256(image: Image) -> str:
    """Digest of a picture's shape and pixels, whatever file it came from."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def write_atomically(path: Path, data: bytes | str | Iterable[str]) -> None:
    """Write a whole file or none: to a temporary name in the same folder, then moved into place.

    Text is written as UTF-8, whole or in pieces. Raises OutputError where the folder cannot be made or written.
    """
    pieces = (data,) if isinstance(data, bytes | str) else data
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                for piece in pieces:
                    stream.write(piece.encode() if isinstance(piece, str) else piece)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}. Choose another folder or free it") from error


def check_writable(folder: Path) -> None:
    """Make a folder where there is none; raises OutputError where nothing can be written into it."""
    probe = folder / ".writable"
    write_atomically(probe, "")
    probe.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what `write_atomically` left in a folder where its process was killed."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.[a-z0-9_]{8}", path.name) and path.is_file():
            path.unlink(missing_ok=True)


def pad_to_multiple(image: Image, multiple: int) -> Image:
    """Extend a picture at its right and bottom edge by reflection until both sides divide by `multiple`.

    Shape (H, W, 3) in, (H', W', 3) out, H <= H' < H + multiple; works for sides smaller than the padding too.
    Cropping `[:H, :W]` undoes it.
    """
    height, width = image.shape[:2]
    return np.pad(image, ((0, -height % multiple), (0, -width % multiple), (0, 0)), mode="reflect")


def _upright_size(opened: PillowImage.Image, path: Path) -> tuple[int, int]:
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise DataError(f"{path}: {width}x{height} is more than {MAX_PIXELS:,} pixels; cut or scale it down")
    if opened.mode.startswith(("I", "F")):
        raise DataError(f"{path}: a {opened.mode} picture has more than 8 bits a pixel; convert it to 8-bit RGB")
    # Pillow gives a TIFF the size that it has upright, and rotates it when it decodes it.
    return (height, width) if opened.format != "TIFF" and _orientation(opened) >= 5 else (width, height)


def _orientation(opened: PillowImage.Image) -> int:
    """EXIF's 1 (upright) to 8; from 5 on, width and height change places."""
    # Pillow would decode a whole PNG to find EXIF behind the pixels; writers put it before them.
    if opened.format == "PNG" and "exif" not in opened.info:
        return 1
    return int(opened.getexif().get(0x0112, 1))


@contextmanager
def _picture_errors(path: Path) -> Iterator[None]:
    """Turn what Pillow or the disk raises for a bad file into one DataError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such picture") from None
    except UnidentifiedImageError:
        raise DataError(f"{path}: not a picture, or of a kind that cannot be read (JPEG, PNG, WebP, …)") from None
    except (PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning):
        raise DataError(f"{path}: more than {MAX_PIXELS:,} pixels; cut or scale it down") from None
    except DataError:
        raise
    except Exception as error:  # Pillow's parsers raise whatever a damaged file makes them stumble over
        raise DataError(f"{path}: damaged picture ({error}); fetch or export it again") from error

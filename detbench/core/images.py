"""Pictures on disk, pictures by content, and padding to a network's multiple."""

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from detbench.core.files import check_name
from detbench.core.picture_structure import is_whole
from detbench.errors import DataError, OutputError
from detbench.types import Image, Picture

T = TypeVar("T")

FORMAT_OF_SUFFIX: Mapping[str, str] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "JPEG"),
    **dict.fromkeys((".png", ".apng"), "PNG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"), "JPEG2000"),
    **dict.fromkeys((".ppm", ".pgm", ".pbm", ".pnm"), "PPM"),
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".avif": "AVIF",
}
"""Small suffixes, and Pillow's name of what they mostly hold. Pillow knows more: formats without a signature, which any
bytes would pass for, and one that runs Ghostscript.
"""

PICTURE_SUFFIXES = frozenset(FORMAT_OF_SUFFIX)
FORMATS = tuple(sorted(set(FORMAT_OF_SUFFIX.values())))
"""What is decoded, whatever a file is called."""

COMPANIONS = frozenset(
    {".txt", ".md", ".pdf", ".html", ".xml", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".csv"}
    | {".cache", ".log", ".db", ".zip", ".tar", ".gz", ".tgz", ".7z", ".sha256", ".md5", ".py", ".sh", ".m"}
)
"""Suffixes of what lies beside pictures and is none: labels, lists, notes, archives, programs."""

NOT_OF_THE_USER = frozenset({"__MACOSX", "@eaDir"})
"""Folders that macOS and Synology put among pictures, with previews and hidden files."""

FAULTS_SHOWN = 5

MAX_PIXELS = 64_000_000
"""The largest picture that is decoded: twice 8K. A small file may claim any size in its header."""


def is_picture_name(path: Path) -> bool:
    """Whether a file is a picture by its name: a suffix in PICTURE_SUFFIXES, in any case, and not hidden."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def picture_files(paths: Iterable[Path]) -> list[Path]:
    """Those paths that are pictures and not hidden, sorted by name, numbers by their value: frame 2 before frame 10.

    Raises DataError for a name that is not UTF-8.
    """
    files = sorted((path for path in paths if is_picture_name(path) and path.is_file()), key=natural_order)
    for path in files:
        check_name(path)
    return files


def pictures_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """The pictures below a folder as `picture_files` gives them, and the files that are neither pictures nor what
    belongs beside them (COMPANIONS): those that may be pictures of a kind that cannot be read, such as HEIC.
    """
    files = list(files_below(folder))
    others = (path for path in files if path.suffix.lower() not in PICTURE_SUFFIXES | COMPANIONS)
    return picture_files(files), sorted(others, key=natural_order)


def left_out(others: Sequence[Path]) -> tuple[str, ...]:
    """For a dataset's notes: that these files, the second part of `pictures_below`, were left out; none for none."""
    if not others:
        return ()
    files = "1 file that is no picture, or of a kind that cannot be read, was left out: "
    if len(others) > 1:
        files = f"{len(others)} files that are no pictures, or of a kind that cannot be read, were left out, such as "
    return (f"{files}{others[0].name}",)


def files_below(folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
    """Every file below a folder, in linked folders too, but nothing hidden and nothing of NOT_OF_THE_USER.

    `above` are the folders that lead there, without links: one that is linked into itself is not entered again. Raises
    DataError for a folder that cannot be listed, and for a picture that is a link to nothing.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from files_below(folder / entry.name, (*above, real))
        elif entry.is_file():
            yield folder / entry.name
        elif entry.is_symlink() and is_picture_name(folder / entry.name):
            target = (folder / entry.name).readlink()
            raise DataError(
                f"{folder / entry.name}: a link to {target}, which is not there; fetch it or remove the link"
            )


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, linked ones too, as `files_below` enters them."""
    return [folder / entry.name for entry in _entries(folder) if entry.is_dir()]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror}); make it a folder that you may read") from None
    return [entry for entry in entries if not entry.name.startswith(".") and entry.name not in NOT_OF_THE_USER]


def natural_order(path: Path) -> tuple[list[str | int], str]:
    """The key that sorts paths by name, numbers by their value."""
    # Split at numbers, every odd part is one; the plain name decides between a01 and a1.
    parts = re.split("([0-9]+)", path.as_posix())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], path.as_posix()


def picture_from_file(path: Path) -> Picture:
    """A file as a Picture: its bytes are hashed, its header is read, and `damage` says whether the rest is there.

    It is decoded only where `is_whole` does not know. Raises DataError where the file is missing, no picture, several
    pictures, larger than MAX_PIXELS, or deeper than 8 bits and grey.
    """
    with _picture_errors(path):
        data = path.read_bytes()
        opened = PillowImage.open(io.BytesIO(data), formats=_readable_formats())
        width, height = _upright_size(opened, path)
    damage = None if is_whole(data, str(opened.format)) else message_of(read_image, path)
    return Picture(hashlib.sha256(data).hexdigest(), width, height, partial(read_image, path), damage)


def faults_of(reader: Callable[[Path], Picture], paths: Iterable[Path]) -> list[str]:
    """What is wrong with pictures before any is decoded: what `reader` raises of each, or the picture's damage."""

    def check(path: Path) -> None:
        damage = reader(path).damage
        if damage is not None:
            raise DataError(damage)

    return [fault for path in paths if (fault := message_of(check, path)) is not None]


def message_of(function: Callable[[T], object], value: T) -> str | None:
    """The message of the DataError that a call raises, None for none."""
    try:
        function(value)
    except DataError as error:
        return str(error)
    return None


def refuse_faults(faults: Sequence[str]) -> None:
    """Raise one DataError for all of `faults_of`, the first FAULTS_SHOWN in full."""
    if len(faults) == 1:
        raise DataError(faults[0])
    if faults:
        more = f"; … and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        raise DataError(f"{len(faults)} pictures cannot be used: {'; '.join(faults[:FAULTS_SHOWN])}{more}")


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
    with (
        _picture_errors(path),
        path.open("rb") as stream,
        PillowImage.open(stream, formats=_readable_formats()) as opened,
    ):
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
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":  # behind the first, a phone's MPO holds previews and depth maps
        raise DataError(f"{path}: holds {frames} pictures, an animation or pages; save each as its own file")
    # Pillow gives a TIFF the size that it has upright, and rotates it when it decodes it.
    return (height, width) if opened.format != "TIFF" and _orientation(opened) >= 5 else (width, height)


@cache
def _readable_formats() -> tuple[str, ...]:
    """FORMATS without those that this Pillow was built without."""
    PillowImage.init()
    return tuple(name for name in FORMATS if name in PillowImage.OPEN)


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
        raise DataError(
            f"{path}: not a picture, or of a kind that cannot be read; fetch or export it again as JPEG or PNG"
        ) from None
    except (PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning):
        raise DataError(f"{path}: more than {MAX_PIXELS:,} pixels; cut or scale it down") from None
    except DataError:
        raise
    except Exception as error:  # Pillow's parsers raise whatever a damaged file makes them stumble over
        raise DataError(f"{path}: damaged picture ({error}); fetch or export it again") from error

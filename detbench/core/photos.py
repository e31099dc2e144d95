"""Picture files with what they hold besides RGB, so that new pixels can be written in the format of the old ones."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags
from PIL import Image as PillowImage

from detbench.core.images import open_picture, read_image, rotated_upright
from detbench.errors import DataError
from detbench.types import Image

LOSSY: Mapping[str, Any] = {"quality": 95}
_ORIENTATION = ExifTags.Base.Orientation
_GREY_MODES = ("1", "L", "LA")
_TIFF_TAGS_KEPT = frozenset(
    {
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        _ORIENTATION,
        ExifTags.Base.XResolution,
        ExifTags.Base.YResolution,
        ExifTags.Base.ResolutionUnit,
        ExifTags.Base.Software,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.Copyright,
        ExifTags.Base.ExifOffset,
        ExifTags.Base.GPSInfo,
    }
)
"""A TIFF keeps its EXIF among the tags of its pixel layout, and those do not describe new pixels."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture as `read_image` gives it, and what else its file holds.

    `image` is (H, W, 3), `alpha` (H, W) or None, both upright. `format` is Pillow's name, `options` how that is saved.
    The orientation in `exif` is upright; `icc_profile` is None where it describes no RGB or grey pixels.
    """

    path: Path
    image: Image
    format: str
    is_grey: bool
    alpha: NDArray[np.uint8] | None
    exif: bytes | None
    icc_profile: bytes | None
    options: Mapping[str, Any]


def read_photo(path: Path) -> Photo:
    """Decode a file with alpha, EXIF and ICC profile.

    Raises DataError where `read_image` does, and where a file of the same format cannot hold what this one does: for
    16 bits a channel, a GIF, a JPEG 2000, and a BMP with transparency.
    """
    image = read_image(path)
    with open_picture(path) as opened:
        _check_writable(opened, path)
        return Photo(
            path=path,
            image=image,
            # A phone's JPEG with a preview or a depth map behind it, which are of the old pixels, is MPO to Pillow.
            format="JPEG" if opened.format == "MPO" else str(opened.format),
            is_grey=opened.mode in _GREY_MODES,
            alpha=_upright_alpha(path) if opened.has_transparency_data else None,
            exif=_upright_exif(opened),
            icc_profile=_icc_profile(opened),
            options=_save_options(opened, path),
        )


def encode_photo(photo: Photo, image: Image) -> bytes:
    """The bytes of a file like that of `photo`, with the pixels of `image`, (H, W, 3), of the same size.

    Lossless formats stay lossless, JPEG and lossy WebP are of quality 95, JPEG with full colour resolution. Raises
    DataError where Pillow cannot write it.
    """
    picture = PillowImage.fromarray(image)
    if photo.is_grey:
        picture = picture.convert("L")
    if photo.alpha is not None:
        picture.putalpha(PillowImage.fromarray(photo.alpha))
    kept = {"exif": photo.exif, "icc_profile": photo.icc_profile}
    stream = io.BytesIO()
    try:
        picture.save(stream, photo.format, **photo.options, **{key: value for key, value in kept.items() if value})
    except Exception as error:  # Pillow's writers raise whatever they stumble over
        raise DataError(
            f"{photo.path}: cannot be written as {photo.format} again ({error}); convert it first"
        ) from error
    return stream.getvalue()


def _check_writable(opened: PillowImage.Image, path: Path) -> None:
    if opened.format == "GIF":
        raise DataError(f"{path}: a GIF has too few colours for a deblurred picture; save it as PNG first")
    if opened.format == "JPEG2000":
        raise DataError(f"{path}: a JPEG 2000 cannot be written again with its colour profile; save it as PNG first")
    if opened.format == "BMP" and opened.has_transparency_data:
        raise DataError(f"{path}: a BMP with transparency cannot be written again; save it as PNG first")
    if opened.format in ("PNG", "TIFF") and ";16" in _raw_mode(opened):
        raise DataError(f"{path}: has 16 bits a channel, which would be lost; convert it to 8 bits first")


def _raw_mode(opened: PillowImage.Image) -> str:
    """How a file's pixels are stored, such as `RGB;16B`; the picture's mode does not show it."""
    arguments = opened.tile[0][3] if opened.tile else ""  # type: ignore[attr-defined]
    return str(arguments if isinstance(arguments, str) else arguments[0])


def _upright_exif(opened: PillowImage.Image) -> bytes | None:
    """The EXIF data with orientation 1; those of an upright picture byte for byte, where they are one block."""
    if opened.format == "PNG" and "exif" not in opened.info:  # `read_image` goes by what stands before the pixels, too
        return None
    exif = opened.getexif()
    if opened.format != "TIFF" and exif.get(_ORIENTATION, 1) == 1:
        return opened.info.get("exif")
    for tag in [tag for tag in exif if opened.format == "TIFF" and tag not in _TIFF_TAGS_KEPT]:
        del exif[tag]
    if _ORIENTATION in exif:
        exif[_ORIENTATION] = 1
    return exif.tobytes() if exif else None


def _upright_alpha(path: Path) -> NDArray[np.uint8]:
    with open_picture(path) as opened:  # anew: Pillow rotates by the EXIF data that were changed
        return np.array(rotated_upright(opened).convert("RGBA").getchannel("A"))


def _icc_profile(opened: PillowImage.Image) -> bytes | None:
    """The profile, unless it is one of inks or of Lab, whose values have become RGB."""
    profile = opened.info.get("icc_profile")
    return profile if profile and profile[16:20] in (b"RGB ", b"GRAY") else None


def _save_options(opened: PillowImage.Image, path: Path) -> Mapping[str, Any]:
    if opened.format in ("JPEG", "MPO"):
        return {**LOSSY, "subsampling": 0}
    if opened.format == "AVIF":
        return {**LOSSY, "subsampling": "4:4:4"}
    if opened.format != "WEBP":
        return {}
    # `exact` keeps the colours that full transparency hides.
    return {"lossless": True, "exact": True} if _is_lossless_webp(path.read_bytes()) else LOSSY


def _is_lossless_webp(data: bytes) -> bool:
    """Whether a WebP file's picture is a VP8L chunk; Pillow does not expose that."""
    place = 12  # after "RIFF", the size, and "WEBP"
    while place + 8 <= len(data):
        kind, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        place += 8 + size + size % 2
    return False

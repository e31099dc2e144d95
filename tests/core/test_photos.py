"""Picture files read with all that they hold, and written alike with other pixels."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags
from PIL import Image as PillowImage

from detbench.core.images import read_image
from detbench.core.photos import encode_photo, read_photo
from detbench.errors import DataError
from detbench.types import Image

RGB_PROFILE = bytes(16) + b"RGB " + bytes(108)
CMYK_PROFILE = bytes(16) + b"CMYK" + bytes(108)
ORIENTATION = ExifTags.Base.Orientation

Save = Callable[..., Path]


def pixels(height: int = 20, width: int = 31, channels: int = 3) -> Image:
    """A picture whose pixels are all different."""
    return np.random.default_rng(channels).integers(0, 256, (height, width, channels), dtype=np.uint8)


def exif_bytes(orientation: int = 6) -> bytes:
    """EXIF of a camera: its maker, an exposure time, a latitude, and how the camera was held."""
    exif = PillowImage.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ORIENTATION] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.02
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 8.0)
    return exif.tobytes()


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes pixels as a file of a kind; further words are Pillow's."""

    def write(array: Image, kind: str, mode: str | None = None, **options: Any) -> Path:
        picture = PillowImage.fromarray(array)
        path = tmp_path / f"a.{kind}"
        (picture.convert(mode) if mode else picture).save(path, **options)
        return path

    return write


def written(path: Path, image: Image | None = None) -> PillowImage.Image:
    """A file written again, with the pixels that it has upright unless others are given, and opened by Pillow."""
    photo = read_photo(path)
    return PillowImage.open(io.BytesIO(encode_photo(photo, photo.image if image is None else image)))


@pytest.mark.parametrize(
    ("kind", "options"), [("png", {}), ("bmp", {}), ("tiff", {}), ("tiff", {"compression": "tiff_lzw"}),
                          ("webp", {"lossless": True}), ("webp", {"lossless": True, "exif": exif_bytes(1)})]
)  # fmt: skip
def test_lossless_formats_stay_lossless(save: Save, kind: str, options: dict[str, Any]) -> None:
    """The restored pixels stand in the file as they are, in the format that it had."""
    restored = 255 - pixels()
    again = written(save(pixels(), kind, **options), restored)
    assert again.format == kind.upper()
    assert np.array_equal(np.array(again), restored)


@pytest.mark.parametrize(("kind", "error_at_most"), [("jpeg", 3), ("webp", 6)])
def test_lossy_formats_are_of_high_quality(save: Save, kind: str, error_at_most: float) -> None:
    """A JPEG and a lossy WebP keep their format, and lose a few grey levels only of a smooth picture."""
    ramp = np.add.outer(np.arange(64), np.arange(0, 96, 1))[..., None] + np.array([0, 40, 90])
    smooth = ramp.astype(np.uint8)
    again = written(save(smooth, kind, quality=40), smooth)
    assert again.format == kind.upper()
    assert np.abs(np.array(again).astype(int) - smooth).mean() < error_at_most
    if kind == "jpeg":
        assert [layer[1:3] for layer in again.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_exif_and_profile_are_kept_upright(save: Save, kind: str) -> None:
    """Maker, exposure, place and profile are those of the old file; the orientation is 1, for the pixels are turned."""
    path = save(pixels(20, 31), kind, exif=exif_bytes(6), icc_profile=RGB_PROFILE)
    again = written(path)
    exif = again.getexif()
    assert again.size == (20, 31)
    assert exif[ORIENTATION] == 1
    assert exif[ExifTags.Base.Make] == "Maker"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == pytest.approx(0.02)
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (47.0, 22.0, 8.0)
    assert again.info["icc_profile"] == RGB_PROFILE


def test_exif_of_an_upright_picture_is_kept_byte_for_byte(save: Save) -> None:
    """Where nothing is to be changed, nothing is: makers' notes hold offsets that a second writing would break."""
    assert written(save(pixels(), "jpeg", exif=exif_bytes(1))).info["exif"] == exif_bytes(1)


def test_tags_of_a_tiffs_layout_are_not_kept(save: Save) -> None:
    """A compressed TIFF in strips is written whole and plain, and is read as what it says."""
    path = save(pixels(200, 310), "tiff", compression="tiff_lzw", resolution=300)
    again = written(path)
    assert np.array_equal(np.array(again), pixels(200, 310))
    assert again.info["dpi"] == (300, 300)
    assert again.info["compression"] == "raw"


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_a_profile_of_inks_is_not_given_to_rgb(save: Save, kind: str) -> None:
    """A CMYK picture comes back as RGB, without the profile of its inks."""
    again = written(save(pixels(), kind, "CMYK", icc_profile=CMYK_PROFILE))
    assert again.mode == "RGB"
    assert "icc_profile" not in again.info


@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_alpha_is_kept_and_turned(save: Save, kind: str, orientation: int) -> None:
    """The alpha channel is that of the file, upright as the pixels are."""
    rgba = pixels(channels=4)
    options = {"lossless": True, "exact": True} if kind == "webp" else {}
    path = save(rgba, kind, exif=exif_bytes(orientation), **options)
    again = np.array(written(path))
    upright = rgba if orientation == 1 else np.rot90(rgba, -1)
    assert np.array_equal(again, upright)
    assert np.array_equal(again[..., :3], read_image(path))


@pytest.mark.parametrize(
    ("mode", "after"), [("L", "L"), ("LA", "LA"), ("1", "L"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("P", "RGB")]
)
def test_modes_come_back(save: Save, mode: str, after: str) -> None:
    """Grey stays grey, with alpha or without, and black and white becomes grey; a palette becomes RGB."""
    assert written(save(pixels(), "png", mode)).mode == after


def test_a_transparent_colour_becomes_alpha(save: Save) -> None:
    """A PNG that makes one colour of its palette transparent comes back with an alpha channel that says so."""
    indices = np.arange(20 * 31).reshape(20, 31) % 7
    picture = PillowImage.fromarray(indices.astype(np.uint8)).convert("P")
    path = save(pixels(), "png")
    picture.save(path, transparency=3)
    assert np.array_equal(np.array(written(path))[..., 3], np.where(indices == 3, 0, 255))


def test_a_phones_jpeg_with_a_second_picture_is_a_jpeg(save: Save, tmp_path: Path) -> None:
    """What stands behind the picture, a preview or a depth map of the old pixels, is left out."""
    path = tmp_path / "phone.jpg"
    PillowImage.fromarray(pixels()).save(
        path, "MPO", save_all=True, append_images=[PillowImage.fromarray(pixels())], exif=exif_bytes(6)
    )
    again = written(path)
    assert (again.format, again.size, again.getexif()[ORIENTATION]) == ("JPEG", (20, 31), 1)


def deep_png() -> bytes:
    """A PNG of 16 bits a channel, RGB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0)
    rows = zlib.compress(3 * (b"\0" + bytes(4 * 6)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_sixteen_bits_are_refused(tmp_path: Path) -> None:
    """A picture of 16 bits a channel is named, for a deblurrer would give 8 of them back."""
    path = tmp_path / "deep.png"
    path.write_bytes(deep_png())
    with pytest.raises(DataError, match=r"deep\.png: has 16 bits a channel.*convert"):
        read_photo(path)


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tiff"])
def test_several_pictures_in_a_file_are_refused(save: Save, kind: str) -> None:
    """An animation and a TIFF of several pages are named with their number, rather than cut to their first picture."""
    path = save(pixels(), kind, save_all=True, append_images=[PillowImage.fromarray(255 - pixels())])
    with pytest.raises(DataError, match=rf"a\.{kind}: holds 2 pictures.*own file"):
        read_photo(path)


def test_what_a_format_cannot_hold_is_refused(save: Save, tmp_path: Path) -> None:
    """A GIF's few colours, and a BMP's transparency that Pillow cannot write, are told with a way out."""
    with pytest.raises(DataError, match=r"a\.gif: a GIF has too few colours.*PNG"):
        read_photo(save(pixels(), "gif"))
    path = tmp_path / "clear.bmp"
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", 56, 4, 3, 1, 32, 3, 48, 0, 0, 0, 0) + masks
    path.write_bytes(b"BM" + struct.pack("<IHHI", 14 + 56 + 48, 0, 0, 14 + 56) + head + bytes(48))
    with pytest.raises(DataError, match=r"clear\.bmp: a BMP with transparency.*PNG"):
        read_photo(path)


def test_what_pillow_cannot_write_is_named(save: Save) -> None:
    """EXIF data that are too long for a JPEG's one segment are an error with the file's name."""
    photo = read_photo(save(pixels(), "jpeg"))
    object.__setattr__(photo, "exif", b"Exif\0\0" + bytes(70_000))
    with pytest.raises(DataError, match=r"a\.jpeg: cannot be written as JPEG again"):
        encode_photo(photo, photo.image)


def test_avif_keeps_what_it_holds(save: Save) -> None:
    """An AVIF with EXIF comes upright and is written as AVIF again, its colours within a few levels."""
    path = save(np.full((20, 32, 3), (30, 120, 200), np.uint8), "avif", exif=exif_bytes())
    again = written(path)
    assert (again.format, again.size) == ("AVIF", (20, 32))
    assert again.getexif().get(ExifTags.Base.Make) == "Maker"
    np.testing.assert_allclose(np.array(again.convert("RGB"))[8, 8], (30, 120, 200), atol=3)


def test_jpeg_2000_is_not_written_again(save: Save) -> None:
    """Pillow would lose the profile of a JPEG 2000, so that it is read but not written."""
    with pytest.raises(DataError, match=r"a\.jp2: a JPEG 2000 cannot be written again"):
        read_photo(save(pixels(), "jp2"))

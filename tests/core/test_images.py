import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from detbench.core.images import (
    FORMAT_OF_SUFFIX,
    MAX_PIXELS,
    encode_png,
    faults_of,
    image_sha256,
    left_out,
    pad_to_multiple,
    picture_from_file,
    picture_from_image,
    pictures_below,
    read_image,
    refuse_faults,
    write_atomically,
)
from detbench.errors import DataError, OutputError
from detbench.types import Image

READERS: list[Callable[[Path], object]] = [picture_from_file, read_image]


def picture(height: int, width: int, seed: int = 0) -> Image:
    """Noise, so that every pixel is told from its neighbour."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    """Write pixels to a file of the kind that its suffix says."""
    PillowImage.fromarray(pixels).save(path, **options)
    return path


def forged_png(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def test_png_comes_back_exactly(tmp_path: Path) -> None:
    """RGB in, RGB out, (H, W, 3): a non-square picture keeps every pixel."""
    pixels = picture(5, 8)
    (tmp_path / "a.png").write_bytes(encode_png(pixels))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)


def test_a_picture_is_known_before_it_is_decoded(tmp_path: Path) -> None:
    """Size and digest come from the file; `load` decodes it."""
    known = picture_from_file(saved(tmp_path / "a.png", picture(5, 8)))
    assert (known.width, known.height) == (8, 5)
    np.testing.assert_array_equal(known.load(), picture(5, 8))


def test_pixels_in_memory_are_known_by_shape_and_content() -> None:
    """Equal pixels share a digest, in whatever memory order; another shape or pixel has its own."""
    pixels = picture(4, 6)
    assert picture_from_image(pixels).sha256 == image_sha256(np.asfortranarray(pixels))
    assert image_sha256(pixels) != image_sha256(pixels.reshape(6, 4, 3))
    assert image_sha256(pixels) != image_sha256(picture(4, 6, seed=1))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_rotation_is_followed(tmp_path: Path, suffix: str) -> None:
    """A camera held upright stores its picture lying: header size and pixels both come upright."""
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    lying = np.zeros((16, 32, 3), np.uint8)
    lying[:, :16] = 255
    path = saved(tmp_path / f"a.{suffix}", lying, exif=exif)
    upright = read_image(path)
    assert upright.shape == (32, 16, 3)
    assert upright[:12].mean() > 250
    assert upright[20:].mean() < 5
    assert (picture_from_file(path).width, picture_from_file(path).height) == (16, 32)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_tiff_is_turned_once(tmp_path: Path, channels: int, orientation: int) -> None:
    """Grey, RGB or RGBA, a TIFF comes upright as other pictures do, though Pillow turns it itself; so does its size."""
    pixels = np.dstack([picture(5, 8), picture(5, 8, seed=1)])[..., :channels].squeeze()
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.tiff", pixels, exif=exif)
    turns = {1: 0, 3: 2, 6: -1, 8: 1}[orientation]
    upright = read_image(path)
    np.testing.assert_array_equal(upright, np.array(PillowImage.fromarray(np.rot90(pixels, turns)).convert("RGB")))
    assert (picture_from_file(path).height, picture_from_file(path).width) == upright.shape[:2]


def test_grey_becomes_rgb(tmp_path: Path) -> None:
    """An 8-bit grey picture has three equal channels."""
    grey = picture(5, 8)[..., 0]
    np.testing.assert_array_equal(read_image(saved(tmp_path / "a.png", grey)), np.stack([grey] * 3, axis=2))


def test_transparency_is_dropped(tmp_path: Path) -> None:
    """Colours stay as stored, whatever the alpha channel says."""
    pixels = np.dstack([picture(5, 8), np.zeros((5, 8), np.uint8)])
    np.testing.assert_array_equal(read_image(saved(tmp_path / "a.png", pixels)), pixels[..., :3])


@pytest.mark.parametrize(("kind", "suffix"), [(np.uint16, "png"), (np.int32, "tif"), (np.float32, "tif")])
def test_deep_grey_is_refused(tmp_path: Path, kind: type, suffix: str) -> None:
    """More than 8 bits a pixel would be cut to 255 silently: the error says what to do instead."""
    path = saved(tmp_path / f"a.{suffix}", np.full((5, 8), 999, kind))
    with pytest.raises(DataError, match=rf"a\.{suffix}: .* more than 8 bits a pixel; convert it to 8-bit RGB"):
        read_image(path)


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_picture(tmp_path: Path, reader: Callable[[Path], object]) -> None:
    """The error names the file that is not there."""
    with pytest.raises(DataError, match=r"a\.png: no such picture"):
        reader(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_picture(tmp_path: Path, reader: Callable[[Path], object], content: bytes) -> None:
    """An empty file, a text and a bare signature are no pictures."""
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png: (not|damaged) "):
        reader(tmp_path / "a.png")


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_is_no_picture(tmp_path: Path, reader: Callable[[Path], object]) -> None:
    """A folder in a picture's place is an error of the data, not of the program."""
    with pytest.raises(DataError, match="damaged picture"):
        reader(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_picture(tmp_path: Path, suffix: str) -> None:
    """Half a file is damaged: no grey lower half is made up for it."""
    path = saved(tmp_path / f"a.{suffix}", picture(64, 48))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"a\.{suffix}: damaged picture .*; fetch or export it again"):
        read_image(path)


@pytest.mark.parametrize("side", [60_000, 10_000, 8_001])
@pytest.mark.parametrize("reader", READERS)
def test_a_forged_size_costs_no_memory(tmp_path: Path, reader: Callable[[Path], object], side: int) -> None:
    """A tiny file that claims more than MAX_PIXELS is refused by its header, on either side of Pillow's own limits."""
    (tmp_path / "a.png").write_bytes(forged_png(side, side))
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"a\.png: .*more than {MAX_PIXELS:,} pixels; cut or scale it down"):
        reader(tmp_path / "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_equal_pixels_encode_to_equal_bytes() -> None:
    """PNG bytes are a function of the pixels, and decode to them."""
    pixels = picture(7, 3)
    assert encode_png(pixels) == encode_png(pixels.copy())
    np.testing.assert_array_equal(np.array(PillowImage.open(io.BytesIO(encode_png(pixels)))), pixels)


@pytest.mark.parametrize(("data", "expected"), [("mäp\n", "mäp\n".encode()), (b"\x00\xff", b"\x00\xff")])
def test_write_makes_folders_and_replaces(tmp_path: Path, data: bytes | str, expected: bytes) -> None:
    """Text goes out as UTF-8 and bytes as they are; an older file gives way; nothing else is left in the folder."""
    path = tmp_path / "new" / "folder" / "a.json"
    write_atomically(path, "older and longer")
    write_atomically(path, data)
    assert path.read_bytes() == expected
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """Where the last step fails, the target stays as it was and no temporary file is left."""
    path = tmp_path / "a"
    (path / "full").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"a cannot be written: .* Choose another folder or free it"):
        write_atomically(path, "text")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert (path / "full").is_dir()


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle removes the temporary file and goes on as Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is an OutputError that names the target."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"file.a cannot be written"):
        write_atomically(tmp_path / "file" / "a", "text")


@given(height=st.integers(1, 9), width=st.integers(1, 9), multiple=st.sampled_from([1, 2, 4, 8, 32]))
def test_padding_reaches_the_multiple_and_crops_back(height: int, width: int, multiple: int) -> None:
    """Any size becomes the next multiple, sides smaller than their padding too; cropping gives the picture back."""
    pixels = picture(height, width)
    padded = pad_to_multiple(pixels, multiple)
    assert padded.shape == (-(-height // multiple) * multiple, -(-width // multiple) * multiple, 3)
    np.testing.assert_array_equal(padded[:height, :width], pixels)


def test_padding_reflects() -> None:
    """The picture is mirrored about its last row and column, which are not repeated; nothing turns black."""
    row = np.array([10, 20, 30], np.uint8)
    pixels = np.stack([row, row + 100])[..., None].repeat(3, axis=2)
    assert pad_to_multiple(pixels, 4)[..., 0].tolist() == [
        [10, 20, 30, 20],
        [110, 120, 130, 120],
        [10, 20, 30, 20],
        [110, 120, 130, 120],
    ]
    assert pad_to_multiple(np.full((1, 1, 3), 7, np.uint8), 4).tolist() == np.full((4, 4, 3), 7).tolist()


@pytest.mark.parametrize("suffix", sorted(FORMAT_OF_SUFFIX))
def test_every_suffix_is_one_that_pillow_reads(tmp_path: Path, suffix: str) -> None:
    """A file of each suffix, capital letters too, is listed as a picture and decoded, lossless formats exactly."""
    grey = np.full((16, 24, 3), 128, np.uint8)
    path = tmp_path / f"a{suffix.upper()}"
    PillowImage.fromarray(grey).save(path, FORMAT_OF_SUFFIX[suffix])
    assert pictures_below(tmp_path) == ([path], [])
    np.testing.assert_allclose(read_image(path), grey, atol=1)
    assert picture_from_file(path).damage is None


def test_the_suffixes_agree_with_pillow() -> None:
    """Pillow has the same format for each suffix, but for MPO, which is JPEG with more behind it."""
    of_pillow = PillowImage.registered_extensions()
    differing = {suffix for suffix, name in FORMAT_OF_SUFFIX.items() if of_pillow.get(suffix, name) != name}
    assert differing - {".pnm"} == {".mpo"}


def test_a_postscript_file_is_never_opened(tmp_path: Path) -> None:
    """EPS would be run by Ghostscript: it is no picture, whatever its suffix."""
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
    with pytest.raises(DataError, match="not a picture"):
        picture_from_file(path)


def test_a_phones_mpo_is_its_first_picture(tmp_path: Path) -> None:
    """MPO holds a second picture, such as a depth map, which is not looked at."""
    path = tmp_path / "a.mpo"
    first, second = (PillowImage.new("RGB", (8, 6), (level,) * 3) for level in (200, 10))
    first.save(path, "MPO", save_all=True, append_images=[second])
    assert read_image(path).mean() == 200


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
@pytest.mark.parametrize("reader", READERS)
def test_several_pictures_in_one_file_are_refused(
    tmp_path: Path, reader: Callable[[Path], object], suffix: str
) -> None:
    """Of an animation or of pages, no first frame is taken without a word."""
    path = tmp_path / f"a.{suffix}"
    first, second = (PillowImage.new("RGB", (8, 6), (level,) * 3) for level in (200, 10))
    first.save(path, save_all=True, append_images=[second])
    with pytest.raises(DataError, match=r"holds 2 pictures, an animation or pages; save each as its own file"):
        reader(path)


@pytest.mark.parametrize(("mode", "expected"), [("CMYK", 200), ("P", 204), ("LA", 200), ("1", 255), ("L", 200)])
def test_other_modes_become_rgb(tmp_path: Path, mode: str, expected: int) -> None:
    """Inks, palettes, grey with transparency and black-and-white are read as the RGB that they stand for; the web's
    palette has 204 next to 200.
    """
    path = tmp_path / "a.tif"
    PillowImage.new("RGB", (8, 6), (200, 200, 200)).convert(mode, dither=PillowImage.Dither.NONE).save(path)
    np.testing.assert_array_equal(read_image(path), np.full((6, 8, 3), expected))


def test_files_that_are_no_pictures_are_counted(tmp_path: Path) -> None:
    """HEIC, videos and arrays are left out with a note; labels, hidden files and previews of a NAS without one."""
    for name in ("a.png", "b.heic", "c.mp4", "d.npy", "e.txt", "._a.png", "Thumbs.db", "@eaDir/a.png", ".git/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    pictures, others = pictures_below(tmp_path)
    assert [path.name for path in pictures] == ["a.png"]
    assert left_out(others) == (
        "3 files that are no pictures, or of a kind that cannot be read, were left out, such as b.heic",
    )
    assert left_out(others[:1]) == (
        "1 file that is no picture, or of a kind that cannot be read, was left out: b.heic",
    )
    assert left_out([]) == ()


def test_linked_folders_are_entered_once(tmp_path: Path) -> None:
    """Pictures of a linked clip are found, and a folder linked into itself ends."""
    (tmp_path / "store").mkdir()
    saved(tmp_path / "store" / "1.png", picture(2, 2))
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "a").symlink_to(tmp_path / "store")
    (clips / "again").symlink_to(clips)
    assert pictures_below(clips)[0] == [clips / "a" / "1.png"]


@pytest.mark.parametrize(
    ("suffix", "kept"),
    [("jpg", -2), ("jpg", -200), ("png", -200), ("webp", -200), ("tif", 99), ("ppm", -1), ("jp2", -99)],
)
def test_a_truncated_picture_is_known_before_it_is_decoded(tmp_path: Path, suffix: str, kept: int) -> None:
    """Whatever its format, a file without its end is a fault of its dataset; a whole one is none."""
    path = saved(tmp_path / f"a.{suffix}", picture(64, 48))
    assert faults_of(picture_from_file, [path]) == []
    path.write_bytes(path.read_bytes()[:kept])
    (fault,) = faults_of(picture_from_file, [path])
    assert f"a.{suffix}: damaged picture" in fault
    with pytest.raises(DataError, match="damaged picture"):
        read_image(path)


def test_pixels_that_are_all_there_are_read(tmp_path: Path) -> None:
    """A PNG that lacks its end mark alone has all its pixels: it is read, and no fault."""
    path = saved(tmp_path / "a.png", picture(64, 48))
    path.write_bytes(path.read_bytes()[:-12])
    assert picture_from_file(path).damage is None
    np.testing.assert_array_equal(read_image(path), picture(64, 48))


def test_all_faults_are_in_one_message() -> None:
    """One fault stands for itself; of more, the first five and the count are told."""
    refuse_faults([])
    with pytest.raises(DataError, match=r"^a: damaged$"):
        refuse_faults(["a: damaged"])
    with pytest.raises(DataError, match=r"^7 pictures cannot be used: 0; 1; 2; 3; 4; … and 2 more$"):
        refuse_faults([str(number) for number in range(7)])

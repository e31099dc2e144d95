"""Each dataset's own layout, and what could be read in two ways."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.images import encode_png, write_atomically
from detbench.datasets.opening import looks_like, open_dataset
from detbench.datasets.pair_layouts import find_pairs, has_pairs
from detbench.errors import DataError
from detbench.metrics.quality import psnr_db


def write(folder: Path, *names: str, level: int = 0) -> None:
    """Small pictures, each of its own grey."""
    for place, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (6, 4), (level + place,) * 3).save(path)


LAYOUTS = {
    "DVD": (("a/GT/1.jpg", "a/GT/2.jpg", "b/GT/1.jpg"), ("a/input/1.jpg", "a/input/2.jpg", "b/input/1.jpg"), "input"),
    "BSD": (
        ("a/Sharp/RGB/1.png", "a/Sharp/RGB/2.png", "b/Sharp/RGB/1.png"),
        ("a/Blur/RGB/1.png", "a/Blur/RGB/2.png", "b/Blur/RGB/1.png"),
        "Blur",
    ),
    "VRT": (
        ("test_GT/a/1.png", "test_GT/a/2.png", "test_GT/b/1.png"),
        ("test_GT_blurred/a/1.png", "test_GT_blurred/a/2.png", "test_GT_blurred/b/1.png"),
        "test_GT_blurred",
    ),
    "BasicSR": (("gt/a.png", "gt/b.png", "gt/c.png"), ("lq/a.png", "lq/b.png", "lq/c.png"), "lq"),
    "BasicSR, capital": (("GT/a.png", "GT/b.png", "GT/c.png"), ("LQ/a.png", "LQ/b.png", "LQ/c.png"), "LQ"),
    "RSBlur": (
        ("1/1/gt/gt_sharp.png", "1/2/gt/gt_sharp.png", "2/1/gt/gt_sharp.png"),
        ("1/1/real_blur/real_blur.png", "1/2/real_blur/real_blur.png", "2/1/real_blur/real_blur.png"),
        "real_blur",
    ),
    "Kaggle": (
        ("sharp/1.png", "sharp/2.png", "sharp/3.png"),
        ("blurred/1.png", "blurred/2.png", "blurred/3.png"),
        "blurred",
    ),
    "REDS, compressed": (
        ("val_sharp/000/1.png", "val_sharp/000/2.png", "val_sharp/001/1.png"),
        ("val_blur_comp/000/1.png", "val_blur_comp/000/2.png", "val_blur_comp/001/1.png"),
        "val_blur_comp",
    ),
    "words behind": (
        ("gt/1_gt.png", "gt/2_gt.png", "gt/3_gt.png"),
        ("blur/1_blur.png", "blur/2_blur.png", "blur/3_blur.png"),
        "blur",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_published_layouts(tmp_path: Path, layout: str) -> None:
    """Each is recognised, and every blurred picture has its own sharp one."""
    sharp, blurred, kind = LAYOUTS[layout]
    folder = tmp_path / "mine"
    write(folder, *sharp)
    write(folder, *blurred, level=100)
    assert looks_like(folder) == "pairs"
    dataset = open_dataset(str(folder))
    assert dataset.name == f"mine-{kind}"
    levels = [(s.file_name, s.sharp and s.sharp.load()[0, 0, 0], s.blurred.load()[0, 0, 0]) for s in dataset]
    assert levels == [(name, place, 100 + place) for place, name in enumerate(blurred)]


def test_frames_of_one_name_stay_in_their_clip(tmp_path: Path) -> None:
    """Two clips number their frames alike: each is held against its own clip's, 26.2 dB, not against the other's."""
    rng = np.random.default_rng(0)
    for clip in ("A", "B"):
        sharp = rng.integers(20, 236, (24, 32, 3), np.uint8)
        write_atomically(tmp_path / "GT" / clip / "0001.png", encode_png(sharp))
        off = np.where(np.indices(sharp.shape).sum(axis=0) % 2, 13, -12)
        write_atomically(tmp_path / "test" / clip / "0001.png", encode_png((sharp + off).astype(np.uint8)))
    for sample in open_dataset(str(tmp_path)):
        assert sample.sharp is not None
        assert psnr_db(sample.blurred.load(), sample.sharp.load()) == pytest.approx(26.17, abs=0.2)


def test_a_sharp_picture_is_not_taken_twice(tmp_path: Path) -> None:
    """Flat sharp pictures do not fit the frames of two clips, nor do those of two clips a flat blurred one."""
    write(tmp_path / "one", "GT/1.png", "test/A/1.png", "test/B/1.png")
    with pytest.raises(
        DataError, match=r"test/B/1\.png and \S*test/A/1\.png would both have the sharp twin \S*GT/1\.png"
    ):
        find_pairs(tmp_path / "one")
    write(tmp_path / "two", "GT/A/1.png", "GT/B/1.png", "test/1.png")
    with pytest.raises(DataError, match=r"test/1\.png: \S*GT/A/1\.png and \S*GT/B/1\.png could both be its sharp twin"):
        find_pairs(tmp_path / "two")


@pytest.mark.parametrize("side", ["target", "input"])
def test_two_files_of_one_stem(tmp_path: Path, side: str) -> None:
    """a.jpg and a.png on one side leave open which is the twin."""
    write(tmp_path, "target/a.png", "input/a.png", f"{side}/a.jpg")
    with pytest.raises(DataError, match=rf"{side}/a\.jpg and a\.png differ in their suffix alone"):
        find_pairs(tmp_path)


def test_folders_that_could_be_two_layouts(tmp_path: Path) -> None:
    """input/ beside gt/ and target/ is refused; so are gt/ and GT/."""
    write(tmp_path / "a", "gt/1.png", "target/1.png", "input/1.png")
    with pytest.raises(DataError, match=r"gt/ with input/ and target/ with input/ could both be the pairs"):
        find_pairs(tmp_path / "a")
    write(tmp_path / "b", "gt/1.png", "GT/1.png", "lq/1.png")
    with pytest.raises(DataError, match=r"GT and gt/ differ in small and capital letters alone"):
        find_pairs(tmp_path / "b")


def test_the_first_of_several_blurs_counts(tmp_path: Path) -> None:
    """blur_gamma goes before blur, val_blur before val_blur_comp, and the name of the other reads that."""
    write(tmp_path, "sharp/1.png", "blur/1.png", "blur_gamma/1.png")
    assert find_pairs(tmp_path).pairs[0].name == "blur_gamma/1.png"
    assert find_pairs(tmp_path, "blur").pairs[0].name == "blur/1.png"
    reds = tmp_path / "reds"
    write(reds, "val_sharp/0/1.png", "val_blur/0/1.png", "val_blur_comp/0/1.png")
    assert [sample.file_name for sample in open_dataset(f"{reds}#val_blur_comp")] == ["val_blur_comp/0/1.png"]
    assert [sample.file_name for sample in open_dataset(str(reds))] == ["val_blur/0/1.png"]


def test_two_splits_side_by_side(tmp_path: Path) -> None:
    """Training and validation pictures in one folder are not mixed; the message names the words that take one."""
    write(tmp_path, "val_sharp/0/1.png", "val_blur/0/1.png", "train_sharp/0/1.png", "train_blur/0/1.png")
    with pytest.raises(DataError, match=r"some clips have train_blur/ .* or \S*#val_blur$"):
        open_dataset(str(tmp_path))
    assert len(open_dataset(f"{tmp_path}#train_blur")) == 1
    with pytest.raises(DataError, match="no pairs with tset/"):
        open_dataset(f"pairs:{tmp_path}#tset")


def test_linked_clips_belong_to_the_dataset(tmp_path: Path) -> None:
    """A clip that is a link to another disk is read like the others."""
    write(tmp_path / "disk", "b/GT/1.png", "b/input/1.png")
    write(tmp_path / "data", "a/GT/1.png", "a/input/1.png")
    (tmp_path / "data" / "b").symlink_to(tmp_path / "disk" / "b")
    assert [pair.name for pair in find_pairs(tmp_path / "data").pairs] == ["a/input/1.png", "b/input/1.png"]


def test_files_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """HEIC on both sides is left out with a note; on one side the message names it."""
    write(tmp_path, "target/a.png", "input/a.png")
    for side in ("target", "input"):
        (tmp_path / side / "b.heic").write_bytes(b"heic")
    dataset = open_dataset(str(tmp_path))
    assert len(dataset) == 1
    assert dataset.notes == (  # type: ignore[attr-defined]
        "2 files that are no pictures, or of a kind that cannot be read, were left out, such as b.heic",
    )
    write(tmp_path, "target/b.png")
    with pytest.raises(DataError, match=r"target/b\.png: no blurred twin .* b\.heic is no picture, or of a kind"):
        find_pairs(tmp_path)


def test_what_has_no_layout(tmp_path: Path) -> None:
    """A folder of pictures, and one that is not there, are no pairs."""
    write(tmp_path, "photos/1.png")
    assert not has_pairs(tmp_path)
    assert not has_pairs(tmp_path / "absent")
    assert find_pairs(tmp_path / "absent").pairs == ()

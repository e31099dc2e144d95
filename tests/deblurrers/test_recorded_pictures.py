from pathlib import Path

import numpy as np
import pytest

from detbench.core.images import encode_png, write_atomically
from detbench.deblurrers.recorded_pictures import RecordedPictures
from detbench.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a program wrote its pictures."""
    return tmp_path / "restored"


def restore(folder: Path, **levels: int) -> None:
    """Write grey pictures of 4x3 pixels; `_` in a name stands for a folder."""
    for name, level in levels.items():
        picture = encode_png(np.full((3, 4, 3), level, np.uint8))
        write_atomically(folder / f"{name.replace('_', '/')}.png", picture)


def levels_of(folder: Path, *names: str) -> list[int]:
    """The grey level of the picture that is matched with each name."""
    found, _ = RecordedPictures(folder).match(names)
    return [int(found[name].load()[0, 0, 0]) for name in names]


def test_names_match_whatever_the_suffix(folder: Path) -> None:
    """Pictures of two folders with the same file name are told apart by their folders."""
    restore(folder, one_a=10, two_a=20)
    assert levels_of(folder, "two/a.jpg", "one/a.jpg") == [20, 10]


def test_the_last_folder_may_be_gone(folder: Path) -> None:
    """A program that was run clip by clip drops `blur/`: that is tried before the file's name alone."""
    restore(folder, one_a=10, two_a=20)
    assert levels_of(folder, "one/blur/a.png", "two/blur/a.png") == [10, 20]


def test_the_file_name_alone_will_do_where_it_is_unique(folder: Path) -> None:
    """A flat folder of results fits names with folders, until two pictures share a name."""
    restore(folder, a=10, b=20)
    assert levels_of(folder, "x/y/b.png", "z/a.png") == [20, 10]
    with pytest.raises(DataError, match=r"no one restored picture for 2 of 2 pictures \(x/a\.png, y/a\.png\)"):
        RecordedPictures(folder).match(["x/a.png", "y/a.png"])


def test_an_empty_folder_is_an_error(folder: Path) -> None:
    """A folder without a picture says so."""
    folder.mkdir()
    with pytest.raises(DataError, match="holds no picture"):
        RecordedPictures(folder).match(["a.png"])


def write(folder: Path, *files: str) -> list[str]:
    """Pictures whose grey level is their place in the list; gives the names of two blurred ones."""
    for level, name in enumerate(files):
        write_atomically(folder / name, encode_png(np.full((3, 4, 3), level, np.uint8)))
    return ["input/n.png", "input/n2.png"]


@pytest.mark.parametrize(
    ("files", "pattern"),
    [
        (("n_deblurred.png", "n2_deblurred.png"), "NAME_deblurred"),
        (
            ("n_fake_B.png", "n2_fake_B.png", "n_real_A.png", "n2_real_A.png", "n_real_B.png", "n2_real_B.png"),
            "NAME_fake_B",
        ),
        (("n/n_20000.png", "n2/n2_20000.png", "n/n_20000_gt.png", "n2/n2_20000_gt.png"), "NAME_20000"),
        (("restored_n.png", "restored_n2.png"), "restored_NAME"),
        (("n-out.png", "n2-out.png", "n.kernel.png", "n2.kernel.png"), "NAME-out"),
    ],
)
def test_one_word_beside_every_name(folder: Path, files: tuple[str, ...], pattern: str) -> None:
    """The names of BasicSR, DeblurGAN and others are understood, inputs and truths beside them are not taken, and a
    note says which pattern it was.
    """
    names = write(folder, *files)
    found, notes = RecordedPictures(folder).match(names)
    assert [int(found[name].load()[0, 0, 0]) for name in names] == [0, 1]
    assert notes == (f"restored: the files {pattern} were taken as the restored pictures",)


def test_plain_names_need_no_note(folder: Path) -> None:
    """The pictures' own names are the rule; kernels beside them change nothing."""
    names = write(folder, "n.png", "n2.png", "n.kernel.png", "n2.kernel.png")
    assert RecordedPictures(folder).match(names)[1] == ()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            ("n/n_20000.png", "n2/n2_20000.png", "n/n_40000.png", "n2/n2_40000.png"),
            "NAME_20000 and NAME_40000 are there",
        ),
        (("n_fake_B.png", "n2_fake_B.png", "n_rec_A.png", "n2_rec_A.png"), "NAME_fake_B and NAME_rec_A are there"),
        (("n.png", "n2.png", "n_deblurred.png", "n2_deblurred.png"), "NAME and NAME_deblurred are there"),
        (("n_real_A.png", "n2_real_A.png"), "no one restored picture for 2 of 2"),
        (("n_out.png", "n2_restored.png"), "no one restored picture for 2 of 2"),
        (("1n_out.png", "1n2_out.png"), "no one restored picture for 2 of 2"),
        (("a/n_out.png", "a/n2_out.png", "b/n_out.png", "b/n2_out.png"), "no one restored picture for 2 of 2"),
    ],
)
def test_what_could_be_several_is_refused(folder: Path, files: tuple[str, ...], words: str) -> None:
    """Two iterations, two outputs, a copy of the input beside its result, inputs alone, a word that is not the same
    for all, another number, two folders.
    """
    with pytest.raises(DataError, match=words):
        RecordedPictures(folder).match(write(folder, *files))


def test_another_clips_picture_is_not_taken(folder: Path) -> None:
    """A frame in the folder of clip b is not the frame of that number of clip a."""
    write(folder, "b/0001.png", "b/0002.png")
    with pytest.raises(DataError, match=r"no one restored picture for 1 of 2 pictures \(a/0001\.png\)"):
        RecordedPictures(folder).match(["a/0001.png", "b/0002.png"])


def test_damaged_pictures_are_named_at_once(folder: Path) -> None:
    """Restored pictures that are cut off are found before the run."""
    names = write(folder, "n.png", "n2.png")
    for name in ("n.png", "n2.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:45])
    with pytest.raises(DataError, match=r"2 pictures cannot be used: \S*n\.png: damaged .*n2\.png: damaged"):
        RecordedPictures(folder).match(names)

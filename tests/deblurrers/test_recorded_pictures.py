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
    found = RecordedPictures(folder).match(names)
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

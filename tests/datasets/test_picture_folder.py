"""detbench.datasets.picture_folder: photos that nobody has labelled."""

from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.picture_folder import PictureFolder
from detbench.errors import DataError


def frames(folder: Path, *names: str) -> PictureFolder:
    """A folder of small pictures, each of its own grey."""
    for place, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (6, 4), (20 * place,) * 3).save(folder / name)
    return PictureFolder(folder)


def test_pictures_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Frame 2 is before frame 10, ids count from 1, and there is neither a sharp twin nor a box."""
    dataset = frames(tmp_path / "drive", "10.png", "2.png", "night/1.png")
    samples = list(dataset)
    assert [(sample.id, sample.file_name) for sample in samples] == [(1, "2.png"), (2, "10.png"), (3, "night/1.png")]
    assert all(sample.sharp is None and len(sample.truth) == 0 for sample in samples)
    assert (dataset.name, len(dataset), dict(dataset.classes)) == ("drive", 3, {})


def test_the_fingerprint_is_that_of_every_picture(tmp_path: Path) -> None:
    """One other picture changes it."""
    before = frames(tmp_path, "1.png", "2.png").fingerprint
    assert frames(tmp_path, "1.png", "2.png").fingerprint == before
    assert frames(tmp_path, "2.png", "1.png").fingerprint != before


def test_damage_is_named(tmp_path: Path) -> None:
    """A file that is no picture by its content is a fault of its place; other files are left out with a note."""
    dataset = frames(tmp_path, "1.png", "2.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    assert [len(faults) for faults in dataset.faults(range(2))] == [0, 1]
    (tmp_path / "3.heic").write_bytes(b"")
    assert "3.heic" in PictureFolder(tmp_path).notes[0]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """It says that there are no pictures."""
    with pytest.raises(DataError, match="no pictures"):
        PictureFolder(tmp_path)

from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.opening import open_dataset
from detbench.errors import DataError, UsageError


def draw(path: Path, level: int, size: tuple[int, int] = (40, 32)) -> None:
    """A picture of one grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.new("RGB", size, (level,) * 3).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures as the archives unpack them, the first with five frames, numbered 8 to 12."""
    place = tmp_path / "kohler"
    draw(place / "BlurryImages" / "Blurry1_2.png", 50)
    draw(place / "BlurryImages" / "Blurry1_10.png", 60)
    for number in range(8, 13):
        draw(place / "Image1" / "Kernel2" / f"GroundTruth1_2_{number}.png", 100 + number)
    return place


def test_a_picture_has_all_frames_of_its_path(folder: Path) -> None:
    """Frames are in the order of their numbers, and the middle one is the sharp picture; path 10 comes after path 2."""
    draw(folder / "frames" / "GroundTruth1_10_1.png", 3)
    first, second = open_dataset(f"kohler:{folder}")
    assert (first.file_name, second.file_name) == ("Blurry1_2.png", "Blurry1_10.png")
    assert first.benchmark is not None
    assert first.benchmark.metric == "best_frame_psnr_db"
    assert [frame.load()[0, 0, 0] for frame in first.benchmark.references] == [108, 109, 110, 111, 112]
    assert first.sharp is not None
    assert first.sharp.load()[0, 0, 0] == 110
    assert second.benchmark is not None
    assert second.benchmark.references == (second.sharp,)


def test_what_a_copy_lacks_is_said(folder: Path) -> None:
    """Too few pictures with frames, and a path with few, each have their note; a picture without frames is left out."""
    assert [sample.file_name for sample in open_dataset(f"kohler:{folder}")] == ["Blurry1_2.png"]
    assert open_dataset(f"kohler:{folder}").notes == (  # type: ignore[attr-defined]
        "1 of the set's 48 pictures are here with frames, so no mean over them is a paper's",
        "a path has fewer than 198 frames, that of Blurry1_2.png 5: the best of fewer frames is too low",
    )


def test_every_frame_is_in_the_fingerprint(folder: Path) -> None:
    """Another frame is another dataset."""
    before = open_dataset(f"kohler:{folder}").fingerprint
    draw(folder / "Image1" / "Kernel2" / "GroundTruth1_2_8.png", 7)
    assert open_dataset(f"kohler:{folder}").fingerprint != before


def test_wrong_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    """Without such pictures, without frames, with a picture twice, or for a part of the set there is one message."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no Blurry1_1\.png or the like below it"):
        open_dataset(f"kohler:{tmp_path / 'empty'}")
    with pytest.raises(DataError, match="blurred pictures, but none of their sharp frames"):
        open_dataset(f"kohler:{folder / 'BlurryImages'}")
    with pytest.raises(UsageError, match="a set without parts; leave #val out"):
        open_dataset(f"kohler:{folder}#val")
    draw(folder / "again" / "Blurry1_2.png", 50)
    with pytest.raises(DataError, match=r"are both picture 1_2; take one away"):
        open_dataset(f"kohler:{folder}")

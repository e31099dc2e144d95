from pathlib import Path

import cv2
import numpy as np
import pytest

from detbench.blur.recipes import AverageRecipe
from detbench.blur.videos import frames_folder
from detbench.core.images import read_image
from detbench.datasets.blurred_writer import write_blurred_dataset
from detbench.errors import DataError


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Fifteen frames of 64x48, a red bar that walks to the right, without loss (FFV1)."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 240, (64, 48))
    for place in range(15):
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[10:20, 2 * place : 2 * place + 8, 2] = 200
        writer.write(frame)
    writer.release()
    return path


def test_a_video_becomes_frames_in_order(video: Path) -> None:
    """Each frame is a picture, numbered from 1, red where it was red; the folder is gone afterwards."""
    with frames_folder(video) as folder:
        files = sorted(folder.iterdir())
        assert [file.name for file in files[:2]] == ["clip-000001.png", "clip-000002.png"]
        assert len(files) == 15
        last = read_image(files[-1])
    assert tuple(last[15, 30]) == (200, 0, 0)
    assert not folder.exists()


def test_another_source_stays_as_it_is(tmp_path: Path) -> None:
    """A folder is its own frames."""
    with frames_folder(tmp_path) as folder:
        assert folder == tmp_path


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    """A file that nobody can decode is an error of the data, not an empty dataset."""
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(DataError, match=r"broken\.mp4: no video"), frames_folder(broken):
        pass


def test_a_video_is_averaged(video: Path, tmp_path: Path) -> None:
    """Windows of seven frames side by side make two pairs; the sharp twin is the middle frame."""
    out = tmp_path / "out"
    made = write_blurred_dataset(video, out, AverageRecipe(window=7), lambda *_: None)
    assert made.pictures == 2
    assert sorted(path.name for path in (out / "images").iterdir()) == ["clip-000004.png", "clip-000011.png"]
    sharp, blurred = (read_image(out / kind / "clip-000011.png") for kind in ("images", "blurred"))
    assert tuple(sharp[15, 21]) == (200, 0, 0)
    assert 0 < blurred[15, 16, 0] < 200

"""Videos as a source: unpacked into frames, losslessly, for as long as they are needed."""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from detbench.core.images import encode_png
from detbench.errors import DataError
from detbench.types import Image

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})


def is_video(source: Path) -> bool:
    """Whether a path is a video file, by its name."""
    return source.suffix.lower() in VIDEO_SUFFIXES and source.is_file()


def frame_rate(video: Path) -> float | None:
    """Frames a second as the file says, their mean where the rate varies; None where it does not say."""
    capture = cv2.VideoCapture(str(video))
    try:
        rate = float(capture.get(cv2.CAP_PROP_FPS))
    finally:
        capture.release()
    return rate if 0 < rate < math.inf else None


@contextmanager
def frames_folder(source: Path) -> Iterator[Path]:
    """A folder with the frames of a video file, `NAME-000001.png` on, gone afterwards; another source as it is.

    Raises DataError where OpenCV finds no frame in the video.
    """
    if not is_video(source):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="detbench-") as folder:
        _unpack(source, Path(folder))
        yield Path(folder)


def _unpack(video: Path, folder: Path) -> None:
    capture = cv2.VideoCapture(str(video))
    count = 0
    try:
        while (read := capture.read())[0]:
            count += 1
            frame: Image = np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB), np.uint8)
            (folder / f"{video.stem}-{count:06d}.png").write_bytes(encode_png(frame))
    finally:
        capture.release()
    if not count:
        raise DataError(f"{video}: no video that can be decoded; convert it, for example to H.264 in an .mp4")

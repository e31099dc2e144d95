"""Draws a clip whose boxes are known: a red disc and a blue square that walk across a still background."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, SIDE, STEP = 128, 96, 24, 4
LEFTS = (8, 40)
TOPS = (10, 60)


def frame_at(place: int) -> NDArray[np.uint8]:
    """Frame `place`, from 0, shape (96, 128, 3), RGB: the disc at the top, the square below, both 4 px to the right for
    each frame.
    """
    rng = np.random.default_rng(7)
    coarse = rng.integers(90, 160, (HEIGHT // 8, WIDTH // 8, 1), dtype=np.uint8)
    grey = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    frame = np.repeat(grey[..., None], 3, axis=2)
    (disc, square), half = (left + STEP * place for left in LEFTS), SIDE // 2
    cv2.circle(frame, (disc + half, TOPS[0] + half), half - 1, (205, 38, 34), -1)
    frame[TOPS[1] : TOPS[1] + SIDE, square : square + SIDE] = (40, 62, 205)
    return frame


def mot_lines(frames: int) -> str:
    """The boxes of so many frames in MOT's format, pixels from 0, for labels.txt below."""
    return "".join(
        f"{place + 1},{kind},{LEFTS[kind - 1] + STEP * place},{TOPS[kind - 1]},{SIDE},{SIDE},1,{kind},1\n"
        for place in range(frames)
        for kind in (1, 2)
    )


LABELS = "red disc\nblue square\n"


def write_sequence(folder: Path, frames: int, fps: float = 10, with_truth: bool = True) -> Path:
    """A sequence in MOTChallenge's layout, frames without loss; returns its folder."""
    (folder / "img1").mkdir(parents=True)
    (folder / "seqinfo.ini").write_text(f"[Sequence]\nname=clip\nframeRate={fps}\n")
    for place in range(frames):
        bgr = cv2.cvtColor(frame_at(place), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / "img1" / f"{place + 1:06d}.png"), bgr)
    if with_truth:
        (folder / "gt").mkdir()
        (folder / "gt" / "gt.txt").write_text(mot_lines(frames))
        (folder / "gt" / "labels.txt").write_text(LABELS)
    return folder


def write_video(path: Path, frames: int, fps: float = 10, codec: str = "FFV1") -> Path:
    """The same frames as a video, without loss (FFV1) or with another codec, with its boxes beside it."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (WIDTH, HEIGHT))
    for place in range(frames):
        writer.write(cv2.cvtColor(frame_at(place), cv2.COLOR_RGB2BGR))
    writer.release()
    path.with_suffix(".txt").write_text(mot_lines(frames))
    (path.parent / "labels.txt").write_text(LABELS)
    return path

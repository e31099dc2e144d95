"""Köhler et al.'s 48 pictures of real camera shake: 4 scenes × 12 paths of a camera, each with some 199 sharp frames.

BlurryImages/Blurry1_3.png                    scene 1, path 3
Image1/Kernel3/GroundTruth1_3_7.png           the 7th sharp frame of that path

Files are found by their names, wherever they lie below the folder.

R. Köhler, M. Hirsch, B. Mohler, B. Schölkopf, S. Harmeling, "Recording and playback of camera shake: benchmarking blind
deconvolution with a real-world database", ECCV 2012.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from detbench.core.images import pictures_below
from detbench.datasets.benchmark_set import BenchmarkSet, Shake
from detbench.errors import DataError

PICTURES = 48
"""Of the whole set."""
FEWEST_FRAMES = 198
"""Of a whole path; most have 199, one 200."""

_BLURRED = re.compile(r"Blurry(\d+)_(\d+)")
_FRAME = re.compile(r"GroundTruth(\d+)_(\d+)_(\d+)")


def open_kohler(folder: Path) -> BenchmarkSet:
    """The pictures of a folder by scene and path, the middle frame of each path as the sharp picture.

    Pictures without frames are left out: nothing could be measured of them. What the copy lacks is in its notes. Raises
    DataError where there is no picture with frames, and where a picture is there twice.
    """
    pictures, _ = pictures_below(folder)
    frames: dict[str, list[Path]] = {}
    blurred: dict[str, Path] = {}
    for path in pictures:
        if match := _FRAME.fullmatch(path.stem):
            frames.setdefault(f"{match[1]}_{match[2]}", []).append(path)
        elif match := _BLURRED.fullmatch(path.stem):
            key = f"{match[1]}_{match[2]}"
            if key in blurred:
                raise DataError(f"{path} and {blurred[key]} are both picture {key}; take one away")
            blurred[key] = path
    if not blurred:
        raise DataError(
            f"{folder}: no Blurry1_1.png or the like below it; name the folder with Köhler et al.'s pictures"
        )
    shakes = [_shake(path, frames[key]) for key, path in blurred.items() if key in frames]
    if not shakes:
        raise DataError(
            f"{folder}: blurred pictures, but none of their sharp frames, such as GroundTruth1_1_1.png: unpack "
            "GroundTruth_pngs_Image1.zip to …4.zip of the set's page there, too. `detbench deblur` needs no frames"
        )
    return BenchmarkSet(folder.resolve().name, "best_frame_psnr_db", shakes, tuple(_notes(shakes)))


def _shake(path: Path, frames: Sequence[Path]) -> Shake:
    return Shake(path.name, path, frames[(len(frames) - 1) // 2], tuple(frames))


def _notes(shakes: Sequence[Shake]) -> Iterator[str]:
    """What is not as in the papers."""
    if len(shakes) != PICTURES:
        yield f"{len(shakes)} of the set's {PICTURES} pictures are here with frames, so no mean over them is a paper's"
    partly = [shake for shake in shakes if len(shake.references) < FEWEST_FRAMES]
    if partly:
        yield (
            f"a path has fewer than {FEWEST_FRAMES} frames, that of {partly[0].name} {len(partly[0].references)}: the "
            "best of fewer frames is too low"
        )

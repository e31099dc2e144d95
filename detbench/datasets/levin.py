"""Levin et al.'s 32 grey pictures of real camera shake: 4 scenes × 8 shakes, whose kernels were measured.

im1_kernel3_img.png     scene 1, shake 3
gt/im1.png              the sharp scene
gt/kernel3.png          the kernel, as a picture

So they lie in the repository csdwren/SelfDeblur. A. Levin, Y. Weiss, F. Durand, W. T. Freeman, "Understanding and
evaluating blind deconvolution algorithms", CVPR 2009.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.blur.kernels import convolve
from detbench.blur.noise import to_image
from detbench.core.images import picture_files, read_image
from detbench.datasets.benchmark_set import BenchmarkSet, Shake
from detbench.errors import DataError
from detbench.types import Image, Kernel

PICTURES = 32
"""Of the whole set."""

SHAKEN = re.compile(r"im(\d+)_kernel(\d+)_img")
"""Names of the blurred pictures, with scene and shake."""

_BORDER_PX = 5
"""By so much a centred kernel may move the scene."""


def open_levin(folder: Path) -> BenchmarkSet:
    """The pictures of a folder by scene and shake, each with its kernel.

    Raises DataError where there are none, and where the sharp scene or the kernel of one is missing.
    """
    if not folder.is_dir() or not (shakes := list(_shakes(folder))):
        raise DataError(f"{folder}: no im1_kernel1_img.png or the like; name the folder with Levin et al.'s pictures")
    notes = (f"{len(shakes)} of the set's {PICTURES} pictures are here, so no mean over them is a paper's",)
    whole = len(shakes) == PICTURES
    return BenchmarkSet(folder.resolve().name, "shifted_psnr_db", shakes, () if whole else notes)


def _shakes(folder: Path) -> Iterator[Shake]:
    found = [(SHAKEN.fullmatch(path.stem), path) for path in picture_files(folder.glob("im*"))]
    named = [
        (path, folder / f"gt/im{match[1]}.png", folder / f"gt/kernel{match[2]}.png") for match, path in found if match
    ]
    scenes: dict[Path, list[tuple[Image, Image]]] = {}
    for path, sharp, kernel in named:
        for file in (sharp, kernel):
            if not file.is_file():
                raise DataError(f"{file}: not there, and {path.name} needs it; bring it as it was downloaded")
        scenes.setdefault(kernel, []).append((read_image(sharp), read_image(path)))
    kernels = {kernel: true_kernel(read_image(kernel)[:, :, 0], pairs) for kernel, pairs in scenes.items()}
    for path, sharp, kernel in named:
        yield Shake(path.name, path, sharp, (sharp,), kernels[kernel])


def true_kernel(stored: NDArray[np.uint8], pairs: Iterable[tuple[Image, Image]]) -> Kernel:
    """A kernel's picture as the kernel that blurs the first, the sharp picture, of each pair into the second.

    Some of the files are turned by 180°, as MATLAB's correlation wants them. The blur equation tells which: the right
    way round, the sharp pictures convolved with the kernel are the blurred ones, up to a shift and noise.
    """
    weights, pairs = stored / float(stored.sum()), tuple(pairs)
    ways = [Kernel(_centred(way), "gamma") for way in (weights, weights[::-1, ::-1])]
    return min(ways, key=lambda kernel: sum(_difference(kernel, *pair) for pair in pairs))


def _difference(kernel: Kernel, sharp: Image, blurred: Image) -> float:
    """How badly the blur equation holds: the least sum of squared differences over whole shifts, no border."""
    inner = blurred[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX]
    return float(cv2.matchTemplate(to_image(convolve(sharp, kernel)), inner, cv2.TM_SQDIFF).min())


def _centred(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut to the smallest odd square with the centroid in its middle pixel.

    By whole pixels: parts of one would smear the kernel, and the score forgives them.
    """
    used = np.argwhere(weights > 0)
    middle = np.rint((used * weights[weights > 0][:, None]).sum(0) / weights.sum()).astype(int)
    radius = int(np.abs(used - middle).max())
    top, left = middle
    return np.pad(weights, radius)[top : top + 2 * radius + 1, left : left + 2 * radius + 1]

"""Blur kernels from files, such as measured camera shakes: grey pictures, .npy and MATLAB's .mat."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detbench.core.files import read_bytes
from detbench.core.images import files_below, is_picture_name, natural_order, open_picture
from detbench.errors import DataError

ARRAY_SUFFIXES = frozenset({".npy", ".mat"})
MAT_VARIABLE = "f"
"""Levin et al.'s files (CVPR 2009) hold the picture `x`, the blurred one `y` and the kernel `f`, for MATLAB's conv2."""

Weights = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KernelFiles:
    """Kernels (K, K) with K odd, each with the name of what it was read from; `sha256` changes with any byte of them.

    Each has no negative weight, sums to 1, and has its centroid within half a pixel of its middle.
    """

    kernels: tuple[tuple[str, Weights], ...]
    sha256: str


def read_kernels(path: Path) -> KernelFiles:
    """The kernels of a file, or of all files below a folder, in the order of their names.

    A picture is 8-bit grey, the brighter the longer the camera stayed there; an .npy is (H, W), or (N, H, W) for
    several; a .mat has the kernel in its variable `f`. A kernel of any size is cut to the smallest odd square around
    its centroid. Raises DataError, naming the file, for what is no kernel: negative or no weight, colours, other sizes.
    """
    files = _kernel_files(path) if path.is_dir() else [path]
    digest = hashlib.sha256()
    kernels: list[tuple[str, Weights]] = []
    for file in files:
        digest.update(hashlib.sha256(read_bytes(file)).digest())
        kernels += [(name, _checked(file, name, weights)) for name, weights in _stored(file)]
    return KernelFiles(tuple(kernels), digest.hexdigest())


def centred(weights: Weights) -> Weights:
    """Cut weights (H, W) to the smallest odd square with the centroid in its middle pixel.

    By whole pixels: parts of one would smear the kernel.
    """
    used = np.argwhere(weights > 0)
    middle = np.rint((used * weights[weights > 0][:, None]).sum(0) / weights.sum()).astype(int)
    radius = int(np.abs(used - middle).max())
    top, left = middle
    return np.pad(weights, radius)[top : top + 2 * radius + 1, left : left + 2 * radius + 1]


def _kernel_files(folder: Path) -> list[Path]:
    found = (path for path in files_below(folder) if is_picture_name(path) or path.suffix.lower() in ARRAY_SUFFIXES)
    files = sorted(found, key=natural_order)
    if not files:
        raise DataError(f"{folder}: holds no kernel; name a folder with grey pictures, .npy or .mat files")
    return files


def _stored(file: Path) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """What a file holds, each with its name; (H, W) where it is a kernel."""
    suffix = file.suffix.lower()
    if suffix == ".npy":
        stored = _from_npy(file)
        several = stored.ndim == 3
        yield from ((f"{file.name}[{place}]", each) for place, each in enumerate(stored if several else ()))
        if not several:
            yield file.name, stored
    elif suffix == ".mat":
        yield file.name, _from_mat(file)
    else:
        yield file.name, _from_picture(file)


def _from_npy(file: Path) -> NDArray[np.generic]:
    try:
        stored = np.load(io.BytesIO(read_bytes(file)), allow_pickle=False)
    except Exception as error:  # a damaged header raises whatever its parser stumbles over
        raise DataError(
            f"{file}: not a NumPy file that can be read ({error}); save the kernel with numpy.save"
        ) from None
    if not isinstance(stored, np.ndarray):
        raise DataError(f"{file}: holds several arrays; save each kernel by itself with numpy.save")
    return stored


def _from_mat(file: Path) -> NDArray[np.generic]:
    from scipy.io import loadmat

    try:
        stored = loadmat(io.BytesIO(read_bytes(file)))
    except Exception as error:  # as above, and another one for the HDF5 of version 7.3
        raise DataError(f"{file}: not a .mat file that can be read ({error}); save it with -v7 in MATLAB") from None
    if MAT_VARIABLE not in stored:
        names = ", ".join(name for name in stored if not name.startswith("__")) or "none"
        raise DataError(f"{file}: has no variable {MAT_VARIABLE}, the kernel in Levin's files; it has {names}")
    return np.asarray(stored[MAT_VARIABLE])


def _from_picture(file: Path) -> NDArray[np.generic]:
    with open_picture(file) as opened:
        colours = np.asarray(opened.convert("RGB"))
    if (colours != colours[..., :1]).any():
        raise DataError(f"{file}: a picture in colours is no kernel; a kernel is grey, black where no light comes from")
    return colours[..., 0]


def _checked(file: Path, name: str, stored: NDArray[np.generic]) -> Weights:
    """Weights of one kernel, which sum to 1."""
    where = file if name == file.name else f"{file.parent / name}"
    if stored.ndim != 2 or stored.size == 0 or stored.dtype.kind not in "buif":
        raise DataError(f"{where}: {stored.dtype} of shape {stored.shape} is no kernel; it is (H, W), of real numbers")
    weights = stored.astype(np.float64)
    if not np.isfinite(weights).all():
        raise DataError(f"{where}: has weights that are no finite number; a kernel's are 0 or more")
    if weights.min() < 0:
        raise DataError(f"{where}: has negative weights, down to {weights.min():.3g}; a kernel's are 0 or more")
    if not weights.any():
        raise DataError(f"{where}: all weights are 0; a kernel has some light to spread")
    return centred(weights / weights.sum())

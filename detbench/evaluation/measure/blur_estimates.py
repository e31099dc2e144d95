"""Blur kernels on their way through a run: as text in records, and what a deblurrer found beside what is true."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detbench.core.kernel_pictures import kernel_picture
from detbench.metrics.kernel_similarity import kernel_similarity
from detbench.results.cache import Record
from detbench.types import BlurEstimate, Image, Kernel, Light, Picture

_LEAST_RADIUS_PX, _MARGIN_PX = 7, 2
"""No kernel is shown so large that its single weights are blocks, and none touches its frame."""
_SEEN_SHARE = 0.05
"""Weights below this share of the largest one look black in a picture."""


@dataclass(frozen=True)
class FoundBlur:
    """What a deblurrer that estimates the blur kernel found in one picture. The kernels themselves are not in it: a run
    holds as many of these as it has pictures and arms.

    `light` and `cells`, the number of kernels in the estimate, are None where none was found. `similarity`, 0..1, is to
    the true kernel; see `kernel_similarity`. The pictures of the two kernels are of one scale; a picture is None where
    its kernel is unknown, `similarity` where either is.
    """

    light: Light | None
    cells: int | None
    similarity: float | None
    found_kernel: Picture | None
    true_kernel: Picture | None


def found_blur(
    estimate: BlurEstimate | None, true: Kernel | None, keep_picture: Callable[[Image], Picture]
) -> FoundBlur:
    """What is said of an estimate (None where nothing was found) beside the true kernel (None where it is unknown).

    `keep_picture` takes the pictures of both, so that they need not be held in memory.
    """
    found_kernels = None if estimate is None else estimate.kernels
    true_kernels = None if true is None else true.weights[None, None]
    radius = max(_seen_radius(each) for each in (found_kernels, true_kernels)) + _MARGIN_PX

    def picture(kernels: NDArray[np.float64] | None) -> Picture | None:
        return None if kernels is None else keep_picture(kernel_picture(_framed(kernels, radius)))

    return FoundBlur(
        light=None if estimate is None else estimate.light,
        cells=None if estimate is None else estimate.kernels.shape[0] * estimate.kernels.shape[1],
        similarity=None if estimate is None or true is None else kernel_similarity(true, estimate),
        found_kernel=picture(found_kernels),
        true_kernel=picture(true_kernels),
    )


def kernel_to_json(kernel: Kernel) -> Record:
    """A kernel as text, bit for bit."""
    return {"side": len(kernel.weights), "light": kernel.light, "float64": _to_text(kernel.weights)}


def kernel_from_json(record: Record) -> Kernel:
    """The inverse of `kernel_to_json`."""
    return Kernel(_from_text(record["float64"]).reshape(record["side"], record["side"]), record["light"])


def estimate_to_json(estimate: BlurEstimate) -> Record:
    """An estimate as text, bit for bit."""
    return {"shape": estimate.kernels.shape, "light": estimate.light, "float64": _to_text(estimate.kernels)}


def estimate_from_json(record: Record) -> BlurEstimate:
    """The inverse of `estimate_to_json`."""
    return BlurEstimate(_from_text(record["float64"]).reshape(record["shape"]), record["light"])


def _to_text(weights: NDArray[np.float64]) -> str:
    return base64.b64encode(np.ascontiguousarray(weights, dtype="<f8").tobytes()).decode()


def _from_text(text: str) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), dtype="<f8")


def _seen_radius(kernels: NDArray[np.float64] | None) -> int:
    """How far from the middle the farthest weight lies that can be seen; at least _LEAST_RADIUS_PX."""
    if kernels is None:
        return _LEAST_RADIUS_PX
    rows, columns = np.nonzero((kernels > _SEEN_SHARE * kernels.max()).any(axis=(0, 1)))
    middle = kernels.shape[-1] // 2
    return max(_LEAST_RADIUS_PX, int(np.abs([rows - middle, columns - middle]).max()))


def _framed(kernels: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """The kernels (rows, columns, K, K) cut or padded with zeros around their middle, to a side of 2 · radius + 1."""
    margin = max(0, radius - kernels.shape[-1] // 2)
    padded = np.pad(kernels, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    middle = padded.shape[-1] // 2
    inside = slice(middle - radius, middle + radius + 1)
    return padded[:, :, inside, inside]

"""The whole contract: every noun that passes between modules, and the protocols of what plugs in.

A deblurrer, a detector or a dataset needs nothing but this file. Values are frozen and checked when built.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""RGB picture, shape (H, W, 3), values 0..255; never BGR, never float between modules."""

Boxes = NDArray[np.float64]
"""Boxes, shape (N, 4): x1, y1, x2, y2 in pixels of their own picture."""

Light = Literal["linear", "gamma"]
"""Where a blur averages: `linear` is scene light (value ** 2.2), `gamma` the stored pixel values."""

Parameter = str | int | float | bool | None


@dataclass(frozen=True, eq=False)
class Kernel:
    """The point-spread function of a uniform blur.

    `weights` is (K, K) with K odd, non-negative, sums to 1 and has its centroid in the middle;
    `light` says whether the convolution acts on linear light or on gamma-coded values.
    """

    weights: NDArray[np.float64]
    light: Light

    def __post_init__(self) -> None:
        rows, columns = self.weights.shape
        if rows != columns or rows % 2 == 0:
            raise ValueError(f"a kernel is square with an odd side, not {rows}x{columns}")
        if not math.isclose(float(self.weights.sum()), 1.0, abs_tol=1e-6) or self.weights.min() < 0:
            raise ValueError("a kernel has no negative weight and sums to 1")

    @classmethod
    def none(cls, light: Light) -> "Kernel":
        """The kernel of a picture that is not blurred: one point."""
        return cls(np.ones((1, 1)), light)


@dataclass(frozen=True, eq=False)
class BlurEstimate:
    """The blur that a blind deblurrer found in one picture.

    `kernels` is (rows, columns, K, K) with K odd: one kernel for each cell of a regular grid over the picture, so
    (1, 1, K, K) where the blur is uniform. Each has no negative weight and sums to 1. `light` is where the blur was
    taken to average.
    """

    kernels: NDArray[np.float64]
    light: Light

    def __post_init__(self) -> None:
        if self.kernels.ndim != 4:
            raise ValueError(f"kernels have shape (rows, columns, K, K), not {self.kernels.shape}")
        for weights in self.kernels.reshape(-1, *self.kernels.shape[2:]):
            Kernel(weights, self.light)


@dataclass(frozen=True, eq=False)
class Restoration:
    """A restored picture, (H, W, 3), and the blur found in it; None where the picture was left as it is."""

    image: Image
    blur: BlurEstimate | None


@dataclass(frozen=True, eq=False)
class Blur:
    """What blurred one picture: the recipe's name, its drawn parameters, and how strong it was.

    `severity_px` is the length of the uniform straight motion that would spread a point as far;
    `kernel` is None where the blur varies over the picture or is unknown.
    """

    kind: str
    parameters: Mapping[str, Parameter]
    severity_px: float | None
    kernel: Kernel | None = None


@dataclass(frozen=True)
class Picture:
    """A picture known by its content before it is decoded.

    `sha256` stands for the content: two pictures with one digest are the same picture. `load` decodes it. `damage` is
    the message of what is wrong with it, where that is known already: a run refuses it before it begins.
    """

    sha256: str
    width: int
    height: int
    load: Callable[[], Image] = field(repr=False, compare=False)
    damage: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """True boxes of one picture, in COCO's terms.

    `boxes` (N, 4) x1, y1, x2, y2; `labels` (N,) category ids of the dataset; `crowd` (N,) marks regions that are
    neither found nor missed; `areas` (N,) square pixels, which COCO's size classes go by; `ids` (N,) annotation ids.
    """

    boxes: Boxes
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    areas: NDArray[np.float64]
    ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = _checked_box_count(self.boxes)
        for name in ("labels", "crowd", "areas", "ids"):
            _check_column(name, getattr(self, name), count)

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found in one picture: `boxes` (N, 4), `scores` (N,) in 0..1, `labels` (N,).

    As a detector returns them, labels are indices into its own `classes`.
    """

    boxes: Boxes
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = _checked_box_count(self.boxes)
        for name in ("scores", "labels"):
            _check_column(name, getattr(self, name), count)
        if not np.isfinite(self.boxes).all() or not np.isfinite(self.scores).all():
            raise ValueError("detections hold a box or a score that is not a finite number")
        if count and not 0 <= self.scores.min() <= self.scores.max() <= 1:
            raise ValueError(f"scores lie in 0..1, not {self.scores.min()}..{self.scores.max()}")

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class Benchmark:
    """How the papers on a public set measure a restored picture: by the metric `metric`, a key, against `references`,
    sharp pictures of the same scene.
    """

    metric: str
    references: tuple[Picture, ...]


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture of a dataset: sharp (where the dataset has it), blurred, its true boxes, what blurred it, and how
    papers on the dataset measure it, where they do so in a way of their own.
    """

    id: int
    file_name: str
    sharp: Picture | None
    blurred: Picture
    truth: GroundTruth
    blur: Blur | None = None
    benchmark: Benchmark | None = None


@dataclass(frozen=True, eq=False)
class Timeline:
    """When the pictures of a video were taken, and which true boxes are one object.

    `clips` holds the ids of each clip's samples in the order of time; `fps` is frames a second, None where unknown.
    `tracks` maps annotation ids to numbers of objects, of one clip each; empty where that is unknown.
    """

    clips: tuple[tuple[int, ...], ...]
    fps: float | None
    tracks: Mapping[int, int]

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"fps is a positive number of frames a second, not {self.fps}")


Style = Literal["share", "percent", "number", "amount"]
"""How a value is printed: .262 (a share), 71 %, 26.10 (a number with so many decimals), 37.5 (about three digits)."""


@dataclass(frozen=True)
class MetricSpec:
    """A metric, described once: files, tables, plots, cards and the gate follow what stands here.

    `key` names it in files, `definition` says in one line what it is, `undefined` where it has no value. `style` is how
    a value is printed; `decimals` is for a `number`. The full table has every metric. The shorter ones have those that
    say so: `in_main_table`, `on_card`, and `terminal_title`, the column's head in the table that `detbench run` prints,
    where each word has a line (empty: no column).
    `is_paired`: it is computed again for resampled pictures, so it has intervals and p-values, and the gate can bound
    its drop. `in_gate`: the gate may have a rule on it. `limits` are the least and the greatest value that is possible:
    intervals end there.

    A metric of single pictures names its function, "module:function". It takes (restored, sharp), or (restored) alone
    where `needs_sharp` is false, or (restored, blurred) where `needs_blurred` is true. Pictures are (H, W, 3), 0..255,
    and read-only. It returns a number; None or NaN where it is undefined. An arm's value is the mean over the pictures
    where it is defined. From `alarm_from` on a picture raises an alarm, whose words are `alarm`, such as "rings"; lower
    is better then. One that is `on_request` is measured only in runs that name it (`--metric KEY`). One that
    is `of_benchmark` takes (restored, references), where references are the pictures of the sample's Benchmark, each
    decoded as it is drawn, and is measured only in datasets that name it.
    """

    key: str
    title: str
    unit: str
    better: Literal["higher", "lower"]
    definition: str
    style: Style = "share"
    decimals: int = 2
    in_main_table: bool = False
    terminal_title: str = ""
    on_card: bool = False
    is_paired: bool = True
    in_gate: bool = True
    limits: tuple[float, float] = (-math.inf, math.inf)
    function: str = ""
    needs_sharp: bool = True
    undefined: str = ""
    on_request: bool = False
    needs_blurred: bool = False
    alarm: str = ""
    alarm_from: float = math.inf
    of_benchmark: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.key):
            raise ValueError(f"a metric's key is small letters, digits and '_', a letter first, not {self.key!r}")
        if self.better not in ("higher", "lower"):
            raise ValueError(f"{self.key}: `better` is 'higher' or 'lower', not {self.better!r}")
        if self.style not in get_args(Style):
            raise ValueError(f"{self.key}: `style` is one of {', '.join(get_args(Style))}, not {self.style!r}")
        if self.function and not re.fullmatch(r"[\w.]+:\w+", self.function):
            raise ValueError(f"{self.key}: `function` is 'module:function', not {self.function!r}")

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return 1 if self.better == "higher" else -1

    @property
    def needs_other(self) -> bool:
        """Whether it holds a picture against others: the sharp one, its input, or a benchmark's."""
        return self.needs_sharp or self.needs_blurred or self.of_benchmark


@dataclass(frozen=True)
class Estimate:
    """A measured number over `n` pictures; `low` and `high` bound it where an interval was computed.

    `value` is None where the metric is undefined: never -1, never NaN.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        for number in (self.value, self.low, self.high):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"an undefined number is None, not {number}")


IdSource = Literal["format", "kept", "numbered"]
"""Where picture ids come from: the format has them (COCO), a conversion kept them beside files of a format without, or
detbench numbered the pictures.
"""


class Dataset(Protocol):
    """Samples with true boxes. `classes` maps category id to name; `fingerprint` changes with any byte of the data.

    It may have `notes`, sentences without a full stop on what was read in another way than it stands there, or left
    out; the user sees them beside the numbers. It may have a `timeline`: a Timeline where its pictures are frames of a
    video, else None.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def classes(self) -> Mapping[int, str]: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Sample]: ...


@runtime_checkable
class DatasetFormat(Protocol):
    """Reads datasets of one format. A class of Datasets will do: built with path and split, `recognises` static.

    `recognises` says, by the names of files alone, whether a file or folder is of this format. A call reads it; `split`
    names a part of it, such as "val", and is None where the whole is meant. What a call raises is shown to the user.
    """

    def recognises(self, path: Path, /) -> bool: ...
    def __call__(self, path: Path, split: str | None, /) -> Dataset: ...


class Deblurrer(Protocol):
    """Restores one blurred picture to one of the same size; leaves its argument as it was. A function will do.

    One that works in tiles may say in `max_pixels` how many it takes at once: where it raises MemoryError, that is
    halved and the picture tried again.
    """

    def __call__(self, blurred: Image, /) -> Image: ...


@runtime_checkable
class NonBlindDeblurrer(Protocol):
    """A deblurrer that needs the blur kernel; `needs_kernel` (true) marks it."""

    needs_kernel: bool

    def __call__(self, blurred: Image, kernel: Kernel, /) -> Image: ...


@runtime_checkable
class KernelEstimator(Protocol):
    """A deblurrer that finds the blur kernel itself and can show it: `restore` returns what a call returns, and it."""

    def __call__(self, blurred: Image, /) -> Image: ...
    def restore(self, blurred: Image, /) -> Restoration: ...


class Detector(Protocol):
    """Finds boxes in one picture. `classes` names what its labels 0, 1, 2, … mean.

    It may have `notes`, sentences without a full stop on what its numbers must be read with; the user sees them.
    """

    @property
    def classes(self) -> tuple[str, ...]: ...
    def __call__(self, image: Image, /) -> Detections: ...


def _checked_box_count(boxes: Boxes) -> int:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes have shape (N, 4), not {boxes.shape}")
    return len(boxes)


def _check_column(name: str, column: NDArray[np.generic], count: int) -> None:
    if column.shape != (count,):
        raise ValueError(f"{name} has shape {column.shape}; {count} boxes need ({count},)")

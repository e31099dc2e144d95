"""How fast deblurrers are on this device, alone and before a detector: each in a process of its own, so that a number
of threads holds from the start and memory is its own.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from detbench.core.energy import EnergyMeter
from detbench.core.images import picture_files, read_image
from detbench.core.memory import keep_freed_memory, peak_of, peak_so_far
from detbench.datasets.opening import open_dataset
from detbench.errors import BackendError, UsageError
from detbench.evaluation.deblurring import open_deblurrer
from detbench.evaluation.measure.limits import PICTURE_TIMEOUT_S, call_limited
from detbench.plugins.backend import Backend, resolve_deblurrer, resolve_detector
from detbench.types import Image

THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM",
)  # fmt: skip
"""What torch, NumPy, numba, OpenCV and onnxruntime (as detbench opens it) take their number of threads from."""

DATASET, PICTURES = "streets", 4
"""Where pictures are from if none are given, and how many."""

STEADY, STEADY_PICTURES, MOST_WARM_UP = 0.1, 3, 50
"""Times are steady once so many in a row are within a tenth of their median; after so many pictures they never are."""


@dataclass(frozen=True)
class SpeedJob:
    """One deblurrer on so many threads, over pictures of a size (height, width) for so many seconds; `pictures` are
    files or folders, none for those of the embedded streets. Without a detector the deblurrer is alone.
    """

    deblurrer: str
    detector: str | None
    device: str
    precision: str
    size: tuple[int, int]
    threads: int
    seconds: float
    pictures: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Speed:
    """What was measured of a job; times in milliseconds a picture, None where nothing says it.

    warm_up              the first pictures, which count for nothing: as many as it took until times were steady
    pictures             those that count
    restore_ms_p50, _p95 the deblurrer's time
    detect_ms_p50, _p95  the detector's
    fps                  pictures a second of the deblurrer alone: 1000 / restore_ms_p50
    fps_p50, fps_p95     of both in turn: 1000 / (restore + detect), of their medians and of their 95th percentiles
    restore_peak_mib     most memory at once to restore a picture, beyond libraries and weights
    process_peak_mib     most memory of the whole process at once, with the detector
    energy_j             energy a picture, of deblurrer and detector: the GPU's, or the processor's
    """

    deblurrer: str
    threads: int
    warm_up: int
    pictures: int
    restore_ms_p50: float
    restore_ms_p95: float
    fps: float
    detect_ms_p50: float | None = None
    detect_ms_p95: float | None = None
    fps_p50: float | None = None
    fps_p95: float | None = None
    restore_peak_mib: float | None = None
    process_peak_mib: float | None = None
    energy_j: float | None = None


def measured_apart(job: SpeedJob) -> Speed:
    """What a job gives in a process of its own. Raises what goes wrong there, BackendError where the process dies."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(job.threads))
    with _environment(threads), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(measure_speed, job).result()
        except BrokenProcessPool as error:
            raise BackendError(
                f"{job.deblurrer}: its process was ended from outside, as it is where memory runs out; take a "
                "smaller --size"
            ) from error


def backends_of(job: SpeedJob) -> tuple[Backend, Backend | None]:
    """The deblurrer and the detector of a job, not built yet; raises UsageError for words that name none that runs."""
    deblurrer = resolve_deblurrer(job.deblurrer, job.device, job.precision)
    detector = None if job.detector is None else resolve_detector(job.detector, job.device)
    for backend in filter(None, (deblurrer, detector)):
        if backend.entry.by_name:
            raise UsageError(f"{backend.name} holds what was made before, which takes no time; name one that runs")
    return deblurrer, detector


def measure_speed(job: SpeedJob) -> Speed:
    """What a job gives in this process. Raises DetbenchError where a backend or a picture fails."""
    images = pictures_of(job.pictures, job.size)
    keep_freed_memory()
    backend, detector = backends_of(job)
    deblurrer = open_deblurrer(backend, None, kernels=False)
    turn = _Turn(lambda image: deblurrer.restore(image).image, _built(detector), itertools.cycle(images))
    _, peak_mib = peak_of(lambda: deblurrer.restore(images[0]))
    warm_up = 1 + _warm_up(turn, job.seconds)
    turn.times_ms.clear()
    meter, begun = EnergyMeter(job.device), time.perf_counter()
    while not turn.times_ms or time.perf_counter() - begun < job.seconds:
        turn()
    joules, times = meter.joules(), np.array(turn.times_ms)
    p50, p95 = np.percentile(times, (50, 95), axis=0).tolist()
    of_both = detector is not None
    return Speed(
        deblurrer=deblurrer.name,
        threads=job.threads,
        warm_up=warm_up,
        pictures=len(times),
        restore_ms_p50=p50[0],
        restore_ms_p95=p95[0],
        fps=1000 / p50[0],
        detect_ms_p50=p50[1] if of_both else None,
        detect_ms_p95=p95[1] if of_both else None,
        fps_p50=1000 / sum(p50) if of_both else None,
        fps_p95=1000 / sum(p95) if of_both else None,
        restore_peak_mib=None if backend.is_program else peak_mib,
        process_peak_mib=peak_so_far(),
        energy_j=None if joules is None else joules / len(times),
    )


def pictures_of(places: Sequence[Path], size: tuple[int, int]) -> list[Image]:
    """Given pictures, or blurred ones of the embedded streets, each (height, width, 3): what is smaller is continued by
    mirroring, what is larger is cut, and nothing is resampled.
    """
    if places:
        images = [read_image(path) for path in picture_files(places)]
    else:
        images = [sample.blurred.load() for sample in itertools.islice(open_dataset(DATASET), PICTURES)]
    height, width = size
    return [
        np.pad(
            image[:height, :width],
            ((0, max(0, height - image.shape[0])), (0, max(0, width - image.shape[1])), (0, 0)),
            mode="symmetric",
        )
        for image in images
    ]


def is_steady(times_ms: Sequence[float]) -> bool:
    """Whether the last STEADY_PICTURES times are within a share of STEADY of their median."""
    last = times_ms[-STEADY_PICTURES:]
    middle = float(np.median(last)) if last else 0.0
    return len(last) == STEADY_PICTURES and all(abs(each - middle) <= STEADY * middle for each in last)


@dataclass
class _Turn:
    """The next picture through the deblurrer and the detector; `times_ms` are of both, picture by picture."""

    restore: Callable[[Image], Image]
    detect: Callable[[Image], object] | None
    images: Iterator[Image]
    times_ms: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self) -> None:
        image = next(self.images)
        begun = time.perf_counter()
        restored = self.restore(image)
        between = time.perf_counter()
        if self.detect is not None:
            self.detect(restored)
        self.times_ms.append(((between - begun) * 1000, (time.perf_counter() - between) * 1000))


def _warm_up(turn: _Turn, seconds: float) -> int:
    """Pictures until times are steady, or until they took as long as those that will count."""
    begun = time.perf_counter()
    while len(turn.times_ms) < MOST_WARM_UP and not is_steady([sum(each) for each in turn.times_ms]):
        if time.perf_counter() - begun > seconds:
            break
        turn()
    return len(turn.times_ms)


def _built(detector: Backend | None) -> Callable[[Image], object] | None:
    if detector is None:
        return None
    built: Any = detector.build()
    return lambda image: call_limited(detector.name, lambda: built(image), PICTURE_TIMEOUT_S)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables that a process started in the body gets."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

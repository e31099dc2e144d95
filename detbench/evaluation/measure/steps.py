"""The steps that a picture goes through, each done at most once: blurred, restored, detected, compared with the
sharp one.

Every step reads the cache first and builds its backend only when it has to work.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from detbench.blur.recipes import PictureRecipe, recipe_spec
from detbench.core.fingerprints import code_identity
from detbench.core.memory import peak_of
from detbench.core.recent_pictures import RecentPictures
from detbench.errors import ArmError, BackendError, UsageError
from detbench.evaluation.measure.blur_estimates import (
    FoundBlur,
    estimate_from_json,
    estimate_to_json,
    found_blur,
    kernel_from_json,
    kernel_to_json,
)
from detbench.evaluation.measure.finished_work import FinishedWork
from detbench.evaluation.measure.limits import (
    PICTURE_TIMEOUT_S,
    call_limited,
    check_restored,
    checked_restoration,
    within_memory,
)
from detbench.metrics.image_metrics import ImageMetric, Quality, measured_metrics
from detbench.plugins.backend import Backend
from detbench.results.cache import Cache, Record
from detbench.results.schema import PartlyKnown
from detbench.types import Benchmark, Blur, Detections, Image, Kernel, KernelEstimator, MetricSpec, Picture, Sample


@dataclass(frozen=True)
class Restored:
    """A restored picture, the time it took (restoration alone, milliseconds; None where another program did it), and
    whether the kernel was given away. `tile_pixels` is None unless memory ran out: then the picture went through in
    tiles of at most so many pixels. `blur` is what a deblurrer that estimates the kernel found, None of any other.
    `peak_mib` is the memory that the arm's first picture took beyond what was held, in MiB; None of later pictures.
    """

    picture: Picture
    restore_ms: float | None
    told_kernel: bool
    tile_pixels: int | None = None
    blur: FoundBlur | None = None
    peak_mib: float | None = None


class Stages:
    """The steps over one cache, with the backends built so far.

    A backend that fails on a picture, or takes longer than `seconds`, raises ArmError; without `seconds` a program has
    its own limit, and everything else PICTURE_TIMEOUT_S. `metrics` are those on request that are measured.
    """

    def __init__(
        self, cache: Cache, seconds: float | None = None, scope: str | None = None, metrics: Collection[str] = ()
    ) -> None:
        self.cache, self._finished, self._metrics = cache, FinishedWork(cache, scope), metrics
        self._scope, self._given_seconds, self._seconds = scope, seconds, seconds or PICTURE_TIMEOUT_S
        self._built: dict[str, Any] = {}
        self._recent = RecentPictures()
        self._warm: set[str] = set()
        self._blur_code = code_identity(recipe_spec)

    def beside(self) -> "Stages":
        """Others over the same cache, with backends of their own."""
        return Stages(self.cache, self._given_seconds, self._scope, self._metrics)

    @property
    def partly_known(self) -> Mapping[str, PartlyKnown]:
        """The backends and metrics so far whose files are not all known."""
        return self._finished.partly_known

    @property
    def built(self) -> Collection[str]:
        """Names of the backends that had to work, so far."""
        return self._built.keys()

    def blur(self, sample: Sample, recipe: PictureRecipe) -> Sample:
        """The sample with its sharp picture (its only one, where it has no other) blurred by the recipe."""
        kept = self.blurred_before(sample, recipe)
        if kept is not None:
            return kept
        sharp = sample.sharp or sample.blurred
        image, blur = recipe.apply(self._recent.load(sharp), sample.id)
        blurred = self._kept_picture(image)
        content = {"picture": blurred.sha256, **_blur_to_json(blur)}
        record = self.cache.put("blur", self._blur_key(sample, recipe), content)
        return replace(sample, sharp=sharp, blurred=blurred, blur=_blur_from_json(record))

    def blurred_before(self, sample: Sample, recipe: PictureRecipe) -> Sample | None:
        """What `blur` gives, where the cache has it; else None."""
        sharp = sample.sharp or sample.blurred
        record = self.cache.get("blur", self._blur_key(sample, recipe))
        blurred = self.cache.picture(record["picture"], sharp.width, sharp.height) if record else None
        if record is None or blurred is None:
            return None
        return replace(sample, sharp=sharp, blurred=blurred, blur=_blur_from_json(record))

    def _blur_key(self, sample: Sample, recipe: PictureRecipe) -> dict[str, Any]:
        sharp = sample.sharp or sample.blurred
        return {"recipe": recipe_spec(recipe), **self._blur_code, "picture": sharp.sha256, "sample": sample.id}

    def restore(self, backend: Backend, picture: Picture, kernel: Kernel | None) -> Restored:
        """The picture as a deblurrer restores it. A result equal to its input is the input."""
        depends_on = _restore_key(backend, picture, kernel)
        record = self._finished.get("restore", depends_on, backend)
        kept = self._from_cache(record, picture) if record else None
        if record is None or kept is None:
            image = self._recent.load(picture)
            restored, figures = self._restore_now(backend, image, kernel)
            unchanged = np.array_equal(restored, image)
            kept = picture if unchanged else self._kept_picture(restored)
            record = {"picture": None if unchanged else kept.sha256, **figures}
            record = self._finished.put("restore", depends_on, record, backend)
        blur = self._found_blur(record["blur"], kernel) if "blur" in record else None
        return Restored(
            kept,
            record["restore_ms"],
            record["told_kernel"],
            record.get("tile_pixels"),
            blur,
            record.get("peak_mib"),
        )

    def restored_before(self, backend: Backend, picture: Picture, kernel: Kernel | None) -> Picture | None:
        """The restored picture where the cache has it, else None; nothing is restored or counts as reused."""
        depends_on = _restore_key(backend, picture, kernel)
        record = self._finished.get("restore", depends_on, backend, is_used=False)
        return self._from_cache(record, picture) if record else None

    def detected_before(self, backend: Backend, picture: Picture) -> bool:
        """Whether the cache has what the detector finds in a picture."""
        depends_on = {"backend": backend.key, "picture": picture.sha256}
        return self._finished.get("detect", depends_on, backend, is_used=False) is not None

    def detect(self, backend: Backend, picture: Picture) -> Detections:
        """What the detector finds in a picture; labels are indices into its own classes."""
        depends_on = {"backend": backend.key, "picture": picture.sha256}
        record = self._finished.get("detect", depends_on, backend)
        if record is None:
            image = self._recent.load(picture).copy()  # a detector that works in place would spoil it for others
            is_first = backend.name not in self._warm
            begun = time.perf_counter()
            found = self._call(backend, lambda detector: detector(image))
            taken_ms = (time.perf_counter() - begun) * 1000
            self._warm.add(backend.name)
            _check_found(backend, found, len(self.classes(backend)))
            columns = {"boxes": found.boxes, "scores": found.scores, "labels": found.labels}
            record = {name: column.tolist() for name, column in columns.items()}
            record["detect_ms"] = None if is_first else taken_ms  # the first call pays for set-up too
            record = self._finished.put("detect", depends_on, record, backend)
        return Detections(
            np.array(record["boxes"], dtype=np.float64).reshape(-1, 4),
            np.array(record["scores"], dtype=np.float64),
            np.array(record["labels"], dtype=np.int64),
        )

    def detect_ms(self, backend: Backend, picture: Picture) -> float | None:
        """How long the detector took for a picture that it has seen; None of its first one, where it was set up."""
        depends_on = {"backend": backend.key, "picture": picture.sha256}
        record = self._finished.get("detect", depends_on, backend, is_used=False)
        return record.get("detect_ms") if record else None

    def classes(self, backend: Backend) -> tuple[str, ...]:
        """The names of a detector's labels."""
        return tuple(self._about(backend)["classes"])

    def notes(self, backend: Backend) -> tuple[str, ...]:
        """What a detector says of itself that its numbers must be read with."""
        return tuple(self._about(backend).get("notes", ()))

    def _about(self, backend: Backend) -> Record:
        record = self._finished.get("classes", {"backend": backend.key}, backend)
        if record is None:
            names = self._call(backend, lambda detector: [str(name) for name in detector.classes])
            notes = self._call(backend, lambda detector: [str(note) for note in getattr(detector, "notes", ())])
            known = {"classes": names, **({"notes": notes} if notes else {})}
            record = self._finished.put("classes", {"backend": backend.key}, known, backend)
        return record

    def image_quality(
        self,
        picture: Picture,
        sharp: Picture | None,
        blurred: Picture | None = None,
        benchmark: Benchmark | None = None,
    ) -> Quality:
        """The metrics of single pictures, each kept by itself; those against the sharp or the blurred picture are None
        without one, and of those of benchmarks only the sample's own is there.

        Raises BackendError, which names the metric, where one fails.
        """
        references = () if benchmark is None else benchmark.references
        images = _Images(picture, sharp, blurred, references, self._recent.load)
        named = self._metrics if benchmark is None else (*self._metrics, benchmark.metric)
        return {key: self._image_quality(metric, images) for key, metric in measured_metrics(named).items()}

    def _image_quality(self, metric: ImageMetric, images: "_Images") -> float | None:
        against = images.held_against(metric.spec)
        if metric.spec.needs_other and not any(against.values()):
            return None
        depends_on = {"metric": metric.identity, "picture": images.picture.sha256, **against}
        record = self._finished.get("quality", depends_on, metric)
        if record is None:
            try:
                value = call_limited(
                    metric.name, lambda: metric(*images.loaded, images.loaded_references), self._seconds
                )
            except ArmError as error:  # no arm's fault: its numbers would be missing everywhere
                raise BackendError(f"{error}. Repair {metric.spec.function}, or uninstall its package") from error
            record = self._finished.put("quality", depends_on, {"value": value}, metric)
        kept: float | None = record["value"]
        return kept

    def _kept_picture(self, image: Image) -> Picture:
        """The picture in the cache; what reads it next need not decode it."""
        kept = self.cache.keep_picture(image)
        self._recent.keep(kept.sha256, image.copy())  # what its deblurrer may still hold
        return kept

    def _from_cache(self, record: Record, picture: Picture) -> Picture | None:
        sha256 = record["picture"]
        return picture if sha256 is None else self.cache.picture(sha256, picture.width, picture.height)

    def _found_blur(self, kept: Record | None, kernel: Kernel | None) -> FoundBlur:
        estimate = None if kept is None else estimate_from_json(kept)
        return found_blur(estimate, kernel, self.cache.keep_picture)

    def _restore_now(self, backend: Backend, image: Image, kernel: Kernel | None) -> tuple[Image, Record]:
        is_first = backend.name not in self._built
        arguments: tuple[Any, ...] = (image,)
        told_kernel = bool(getattr(self._build(backend), "needs_kernel", False))
        if told_kernel:
            if kernel is None:
                raise UsageError(
                    f"{backend.name} needs the blur kernel, and a picture here has none (its blur is unknown or varies "
                    f"over the picture). Leave {backend.name} out, or blur with --blur trajectory"
                )
            arguments = (image, kernel)
        peak_mib = None
        if is_first:  # the first call of a network or a transform pays for set-up that the others do not
            _, peak_mib = peak_of(lambda: self._restored_within_memory(backend, arguments))
        restored, figures = self._restored_within_memory(backend, arguments)
        if peak_mib is not None and not backend.is_program:  # a program's memory is its own
            figures["peak_mib"] = peak_mib
        if self._finds_kernel(backend):
            restoration = checked_restoration(backend.name, restored)
            restored, blur = restoration.image, restoration.blur
            figures["blur"] = None if blur is None else estimate_to_json(blur)
        check_restored(backend.name, restored, image)
        return restored, {**figures, "told_kernel": told_kernel}

    def _finds_kernel(self, backend: Backend) -> bool:
        """Whether a deblurrer also shows the kernel that it found; one that needs the kernel has none to find."""
        built = self._build(backend)
        return isinstance(built, KernelEstimator) and not getattr(built, "needs_kernel", False)

    def _restored_within_memory(self, backend: Backend, arguments: tuple[Any, ...]) -> tuple[Any, Record]:
        """What a deblurrer makes of a picture, in smaller tiles where memory runs out, and the time that took."""
        image, *kernel = arguments
        (restored, figures), tile_pixels = within_memory(
            self._build(backend), image.shape[0] * image.shape[1], lambda: self._timed(backend, image, kernel)
        )
        return restored, figures if tile_pixels is None else {**figures, "tile_pixels": tile_pixels}

    def _timed(self, backend: Backend, image: Image, kernel: Sequence[Kernel]) -> tuple[Any, Record]:
        own = image.copy()  # a deblurrer that works in place would spoil what it is held against
        finds_kernel = self._finds_kernel(backend)
        begun = time.perf_counter()
        restored = self._call(
            backend, lambda deblurrer: deblurrer.restore(own) if finds_kernel else deblurrer(own, *kernel)
        )
        return restored, {"restore_ms": (time.perf_counter() - begun) * 1000}

    def _build(self, backend: Backend) -> Any:
        if backend.name not in self._built:
            self._built[backend.name] = backend.within(self._given_seconds).build()
        return self._built[backend.name]

    def _call(self, backend: Backend, use: Callable[[Any], Any]) -> Any:
        """Let a backend work; what it raises becomes one message that names it."""
        built = self._build(backend)

        def used() -> Any:
            with backend.observed():
                return use(built)

        return call_limited(backend.name, used, self._seconds)


@dataclass(frozen=True)
class _Images:
    """A picture, the sharp one and the blurred one, as far as they are there, decoded once for all metrics that need
    them, and not to be written to: the next metric reads the same.
    """

    picture: Picture
    sharp: Picture | None
    blurred: Picture | None
    references: tuple[Picture, ...]
    load: Callable[[Picture], Image]

    def held_against(self, spec: MetricSpec) -> dict[str, Any]:
        """The digests of the pictures that a metric needs besides the picture itself, by what they are."""
        if spec.of_benchmark:
            return {"references": [each.sha256 for each in self.references]}
        sharp = self.sharp if spec.needs_sharp and not spec.needs_blurred else None
        digests = {"sharp": sharp and sharp.sha256}
        return {**digests, "blurred": self.blurred and self.blurred.sha256} if spec.needs_blurred else digests

    @property
    def loaded_references(self) -> Iterator[Image]:
        """The references, (H, W, 3), one after the other: two hundred at once are 400 megabytes."""
        return (each.load() for each in self.references)

    @cached_property
    def loaded(self) -> tuple[Image, Image | None, Image | None]:
        """All three, (H, W, 3)."""
        distinct = {each.sha256: each for each in (self.picture, self.sharp, self.blurred) if each is not None}
        images = {sha256: self.load(each) for sha256, each in distinct.items()}
        sharp, blurred = (None if each is None else images[each.sha256] for each in (self.sharp, self.blurred))
        return images[self.picture.sha256], sharp, blurred


def _check_found(backend: Backend, found: object, classes: int) -> None:
    if not isinstance(found, Detections):
        raise ArmError(f"detector {backend.name} returned {type(found).__name__} instead of Detections")
    if len(found) and not 0 <= found.labels.min() <= found.labels.max() < classes:
        raise ArmError(
            f"detector {backend.name} returned labels {found.labels.min()}..{found.labels.max()}; it names {classes} "
            f"classes, so they lie in 0..{classes - 1}"
        )


def _restore_key(backend: Backend, picture: Picture, kernel: Kernel | None) -> dict[str, Any]:
    of_kernel = None if kernel is None else kernel_to_json(kernel)
    return {"backend": backend.key, "picture": picture.sha256, "kernel": of_kernel}


def _blur_to_json(blur: Blur) -> Record:
    kernel = None if blur.kernel is None else kernel_to_json(blur.kernel)
    return {"kind": blur.kind, "parameters": dict(blur.parameters), "severity_px": blur.severity_px, "kernel": kernel}


def _blur_from_json(record: Record) -> Blur:
    kernel = None if record["kernel"] is None else kernel_from_json(record["kernel"])
    return Blur(record["kind"], record["parameters"], record["severity_px"], kernel)

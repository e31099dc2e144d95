"""The metrics that there are: detbench's own, and those of installed packages, as an entry point that is a MetricSpec.

    [project.entry-points."detbench.metrics"]
    contrast = "my_package:CONTRAST"

Those of single pictures are measured by the function that their MetricSpec names.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from detbench.core.fingerprints import code_identity, installed_version
from detbench.core.native_readers import unseen_reads
from detbench.errors import BackendError, UsageError, did_you_mean
from detbench.metrics.specs import METRICS
from detbench.plugins.registry import Entry, Registry
from detbench.types import Image, MetricSpec

INSTALLED = Registry("metric", "detbench.metrics", ())
"""The metrics of other packages."""

OTHER_COLUMNS = frozenset({
    "image_id", "file_name", "arm", "width", "height", "severity_px", "equals_sharp", "restore_ms", "tp", "fp", "fn",
    "found_light", "found_cells", "kernel_similarity", "found_kernel", "true_kernel", "picture",
    "category", "lower_score", "rank", "outcomes", "true_boxes", "counts",
})  # fmt: skip
"""Columns of `images.csv` and of a baseline that are no metrics: no metric may have such a key."""

Quality = Mapping[str, float | None]
"""What the metrics of single pictures say of one picture, by key; None where undefined."""


@dataclass(frozen=True)
class ImageMetric:
    """A metric of single pictures; `distributions` are those of the package that it comes from."""

    spec: MetricSpec
    distributions: tuple[str, ...] = ()

    def __call__(
        self, image: Image, sharp: Image | None, blurred: Image | None = None, references: Iterable[Image] = ()
    ) -> float | None:
        """The metric of a picture, (H, W, 3), 0..255, held against its `sharp` or its `blurred` one, or against the
        `references` of a benchmark.

        None where it is undefined. Raises BackendError where the function cannot be imported.
        """
        with self._entry.observed():
            if self.spec.of_benchmark:
                value = self._function(image, references)
            elif self.spec.needs_blurred or self.spec.needs_sharp:
                other = blurred if self.spec.needs_blurred else sharp
                value = None if other is None else self._function(image, other)
            else:
                value = self._function(image)
        return None if value is None or not math.isfinite(value) else float(value)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"metric {self.spec.key}"

    @property
    def is_observed(self) -> bool:
        """Whether what it reads is noted as it is used: of another package nobody knows beforehand."""
        return self._entry.is_foreign

    @cached_property
    def unknown(self) -> str | None:
        """Why it may depend on more than could be observed."""
        return unseen_reads(self.spec.function.partition(":")[0]) if self.is_observed else None

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that a value depends on besides the pictures, JSON-able; another metric's code is no part of it."""
        code = code_identity(self.spec.function.partition(":")[0])
        package = {name: installed_version(name) for name in self.distributions}
        return {"function": self.spec.function, **code, "versions": {**code["versions"], **package}}

    @cached_property
    def _entry(self) -> Entry:
        return Entry(self.spec.key, self.spec.function, self.spec.definition)

    @cached_property
    def _function(self) -> Callable[..., float | None]:
        function: Callable[..., float | None] = self._entry.load()
        return function


@cache
def metric_specs() -> Mapping[str, MetricSpec]:
    """Every metric by its key, in the order in which tables show them: detbench's own, then those of packages.

    Raises BackendError where a package's metric cannot be imported or is none, UsageError where its key is taken.
    """
    return {**METRICS, **{key: spec for key, (spec, _) in _installed().items()}}


@cache
def image_metrics() -> Mapping[str, ImageMetric]:
    """The metrics of single pictures, by key, in the order of `metric_specs`; raises as it does."""
    own = {key: ImageMetric(spec) for key, spec in METRICS.items() if spec.function}
    outside = {key: ImageMetric(spec, entry.distributions) for key, (spec, entry) in _installed().items()}
    return {**own, **outside}


def check_blur_measure(key: str) -> None:
    """Raise UsageError unless `key` is a metric of single pictures that needs no other, as an input has none."""
    measures = [name for name, metric in image_metrics().items() if not metric.spec.needs_other]
    if key in measures:
        return
    needs_more = "needs another picture, and a gate has the input alone."
    what = needs_more if key in image_metrics() else "is no metric of single pictures."
    raise UsageError(
        f"--gate-by {key}: {key!r} {what}{did_you_mean(key, measures)} It takes "
        f"{', '.join(measures)}, or the metric of an installed package that has needs_sharp=False"
    )


def measured_metrics(named: Collection[str]) -> Mapping[str, ImageMetric]:
    """The metrics of single pictures that a run measures which names these by key: those, and all that are neither
    `on_request` nor `of_benchmark`.
    """
    specs = {key: metric.spec for key, metric in image_metrics().items()}
    asked_for = {key for key, spec in specs.items() if spec.on_request or spec.of_benchmark}
    return {key: each for key, each in image_metrics().items() if key not in asked_for or key in named}


def check_metrics(keys: Sequence[str]) -> None:
    """Raise UsageError for a key that no metric of single pictures has."""
    known = image_metrics()
    for key in keys:
        if key not in known:
            asked = ", ".join(each for each, metric in known.items() if metric.spec.on_request)
            raise UsageError(
                f"--metric {key!r} is no metric of single pictures.{did_you_mean(key, known)} Those on request: "
                f"{asked}; `detbench list metrics` shows all"
            )


def source_of(key: str) -> str:
    """The package that a metric is of."""
    return "detbench" if key in METRICS else _installed()[key][1].source


@cache
def _installed() -> Mapping[str, tuple[MetricSpec, Entry]]:
    found: dict[str, tuple[MetricSpec, Entry]] = {}
    for entry in INSTALLED.entries():
        spec, where = entry.load(), f"metric {entry.name} of the package {entry.source} ({entry.target})"
        if not isinstance(spec, MetricSpec) or not spec.function:
            what = "names no function" if isinstance(spec, MetricSpec) else f"is a {type(spec).__name__}"
            raise BackendError(f"{where} {what}; it must be a MetricSpec with a function")
        if spec.key in METRICS or spec.key in found or spec.key in OTHER_COLUMNS:
            raise UsageError(f"{where}: the key {spec.key!r} is taken. Give it another, or uninstall the package")
        found[spec.key] = spec, entry
    return found

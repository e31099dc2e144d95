"""Public sets of real camera shake without boxes, measured as their papers do, as a dataset."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from detbench.core.images import faults_of, message_of, picture_from_file
from detbench.datasets.pairs import no_boxes
from detbench.errors import DataError
from detbench.types import Benchmark, Blur, Kernel, Picture, Sample


@dataclass(frozen=True, eq=False)
class Shake:
    """One blurred picture: `sharp` is the reference that stands for all where one is needed; `kernel` is the uniform
    blur where it was measured.
    """

    name: str
    blurred: Path
    sharp: Path
    references: tuple[Path, ...]
    kernel: Kernel | None = None


class BenchmarkSet:
    """A dataset of shakes, measured by the metric `metric`; `classes` is empty, and ids count from 1 in their order.

    Raises DataError for a picture whose size is not that of its references.
    """

    classes: Mapping[int, str] = {}

    def __init__(self, name: str, metric: str, shakes: Sequence[Shake], notes: tuple[str, ...] = ()) -> None:
        self.name, self.notes = name, notes
        self._metric, self._shakes = metric, tuple(shakes)
        self._pictures: dict[Path, Picture] = {}

    def __len__(self) -> int:
        return len(self._shakes)

    def __iter__(self) -> Iterator[Sample]:
        for number, shake in enumerate(self._shakes, start=1):
            yield self._sample(number, shake)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of every picture's bytes, references too, and of the metric's key, in the order of their names."""
        digest = hashlib.sha256(self._metric.encode())
        for shake in self._shakes:
            sha256 = [self._picture(path).sha256 for path in (shake.blurred, *shake.references)]
            digest.update(f"\n{shake.name} {' '.join(sha256)}".encode())
        return digest.hexdigest()

    def faults(self, places: range) -> Iterator[list[str]]:
        """For each of these places of the dataset's order, counted from 0: what is wrong with its pictures."""
        for place in places:
            shake = self._shakes[place]
            fault = message_of(partial(self._sample, 0), shake)
            paths = (shake.blurred, *shake.references)
            yield faults_of(self._picture, paths) or ([] if fault is None else [fault])

    def _sample(self, number: int, shake: Shake) -> Sample:
        blurred, references = self._picture(shake.blurred), tuple(map(self._picture, shake.references))
        for path, reference in zip(shake.references, references, strict=True):
            if (reference.width, reference.height) != (blurred.width, blurred.height):
                raise DataError(
                    f"{shake.blurred}: {blurred.width}x{blurred.height} pixels, but its reference {path} has "
                    f"{reference.width}x{reference.height}; they have one size"
                )
        return Sample(
            number,
            shake.name,
            sharp=self._picture(shake.sharp),
            blurred=blurred,
            truth=no_boxes(),
            blur=Blur("camera shake", {}, severity_px=None, kernel=shake.kernel),
            benchmark=Benchmark(self._metric, references),
        )

    def _picture(self, path: Path) -> Picture:
        if path not in self._pictures:
            self._pictures[path] = picture_from_file(path)
        return self._pictures[path]

"""Every picture through every arm of a run; an arm that fails on a picture is given up, and the others go on."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import islice

from detbench.blur.recipes import PictureRecipe
from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.core.progress import Progress
from detbench.errors import ArmError, BackendError, DataError, NotEvaluableError
from detbench.evaluation.measure.detection import DetectionSource
from detbench.evaluation.measure.measured import ArmPicture, PackedDetections, PackedQuality, drop_unpaired
from detbench.evaluation.measure.steps import Restored, Stages
from detbench.evaluation.measure.truth import Truth, blurred_reference, pseudo_truth
from detbench.metrics.image_metrics import Quality
from detbench.plugins.backend import Backend
from detbench.types import Dataset, Kernel, Picture, Sample

MEASURING = "pictures × arms"
"""What progress counts while pictures are measured."""


Step = tuple[int, str]
"""The id of a picture, and the arm that it goes through."""


@dataclass(frozen=True)
class Extent:
    """How many steps there are, and which of them are `finished` already."""

    steps: int
    finished: Set[Step]


class Pictures:
    """The pictures of a dataset as they are measured: blurred by `recipe` where there is one, and with the detector's
    own boxes as their truth, on the sharp picture where `truth` is `pseudo`, on the blurred one where it is `none`.
    """

    def __init__(
        self,
        dataset: Dataset,
        recipe: PictureRecipe | None,
        truth: Truth,
        stages: Stages,
        source: DetectionSource,
    ) -> None:
        self.dataset, self._recipe, self._truth, self._stages, self._source = dataset, recipe, truth, stages, source

    def at(self, places: range) -> Iterator[Sample]:
        """The samples at these places of the dataset's order, counted from 0, or as many of them as there are.

        Raises NotEvaluableError for pseudo truth without sharp pictures, BackendError where the detector fails on one.
        """
        given = islice(self.dataset, places.start, places.stop, places.step)
        for place, sample in zip(places, given, strict=False):
            blurred = sample if self._recipe is None else self._stages.blur(sample, self._recipe)
            yield self._with_truth(blurred, place)

    def extent(self, places: range, harm_places: Collection[int], arms: "Arms") -> Extent:
        """How much there is to do with the pictures at these places, and what the cache has of it."""
        steps, finished = 0, set[Step]()
        given = islice(self.dataset, places.start, places.stop, places.step)
        for place, sample in zip(places, given, strict=False):
            steps += arms.count(has_sharp=self._recipe is not None or sample.sharp is not None)
            kept = sample if self._recipe is None else self._stages.blurred_before(sample, self._recipe)
            finished.update((sample.id, arm) for arm in (arms.finished(kept, place in harm_places) if kept else ()))
        return Extent(steps, finished)

    def _with_truth(self, sample: Sample, place: int) -> Sample:
        if self._truth == "pseudo":
            return self._with_pseudo_truth(sample, place)
        if self._truth == "none":
            return self._with_reference(sample, place)
        return sample

    def _with_reference(self, sample: Sample, place: int) -> Sample:
        try:
            return blurred_reference(sample, self._source(BLURRED, sample, sample.blurred), place)
        except ArmError as error:
            raise BackendError(f"{sample.file_name}: {error}. Without its boxes there is nothing to compare") from error

    def _with_pseudo_truth(self, sample: Sample, place: int) -> Sample:
        if sample.sharp is None:
            raise NotEvaluableError(
                f"--truth pseudo takes the detector's boxes on sharp pictures, and dataset {self.dataset.name} has "
                "none. Use --truth labels, or --truth none without boxes, or blur sharp pictures with --blur"
            )
        try:
            return pseudo_truth(sample, self._source(SHARP, sample, sample.sharp), place)
        except ArmError as error:
            raise BackendError(f"{sample.file_name}: {error}. Without its boxes there is no pseudo truth") from error


class Arms:
    """The arms of a run; `recorded` has the pictures that were restored elsewhere, by arm and file name.

    `failed` has, by name, why an arm was given up: the picture, and what its deblurrer or the detector did with it.
    """

    def __init__(
        self,
        deblurrers: Sequence[Backend],
        stages: Stages,
        source: DetectionSource,
        recorded: Mapping[str, Mapping[str, Picture]],
    ) -> None:
        self._deblurrers, self._stages, self._source, self._recorded = deblurrers, stages, source, recorded
        self.failed: dict[str, str] = {}

    def count(self, has_sharp: bool) -> int:
        """How many arms a picture goes through."""
        return has_sharp + 1 + len(self._deblurrers)

    def finished(self, sample: Sample, with_harm: bool) -> Iterator[str]:
        """The arms whose work on a picture is in the cache or was done elsewhere."""
        unrestored = {"sharp": sample.sharp, "blurred": sample.blurred}
        yield from (arm for arm, picture in unrestored.items() if picture and self._source.is_finished(picture))
        for backend in self._deblurrers:
            before = self._restored_before(backend, sample, with_harm)
            if all(picture and self._source.is_finished(picture) for picture in before):
                yield backend.name

    def _restored_before(self, backend: Backend, sample: Sample, with_harm: bool) -> Iterator[Picture | None]:
        """What a deblurrer made of the blurred and the sharp picture, as far as it must; None where it is not there."""
        kernel = sample.blur.kernel if sample.blur else None
        if backend.name in self._recorded:
            yield self._recorded[backend.name][sample.file_name]
            return
        yield self._stages.restored_before(backend, sample.blurred, kernel)
        if with_harm and sample.sharp is not None and self._has_harm(backend):
            yield self._stages.restored_before(backend, sample.sharp, _no_blur(kernel))

    def work(self, sample: Sample, with_harm: bool) -> Iterator[tuple[str, Callable[[], list[ArmPicture]]]]:
        """One picture's work, arm by arm: sharp, blurred, and each deblurrer, `with_harm` on the sharp picture too. A
        call gives the rows, none for an arm that has failed.

        Raises BackendError there where the detector fails on the blurred picture, which every arm is held against.
        """
        views = _Views(sample, self._stages, self._source)
        if sample.sharp is not None:
            sharp = sample.sharp
            yield "sharp", lambda: self._tried("sharp", sample, lambda: [views.row(SHARP, sharp)])
        yield "blurred", lambda: [self._blurred(sample, views)]
        for backend in self._deblurrers:
            of_deblurrer = partial(self._of_deblurrer, backend, sample, views, with_harm)
            yield backend.name, partial(self._tried, backend.name, sample, of_deblurrer)

    def _blurred(self, sample: Sample, views: "_Views") -> ArmPicture:
        try:
            return views.row(BLURRED, sample.blurred)
        except ArmError as error:
            raise BackendError(
                f"{sample.file_name}: {error}. Without the blurred arm there is nothing to compare with"
            ) from error

    def _tried(self, arm: str, sample: Sample, work: Callable[[], Iterable[ArmPicture]]) -> list[ArmPicture]:
        """The rows that an arm gives, none once it has failed."""
        if arm in self.failed:
            return []
        try:
            return list(work())
        except ArmError as error:
            self.failed[arm] = f"{sample.file_name}: {error}"
            return []

    def _of_deblurrer(self, backend: Backend, sample: Sample, views: "_Views", with_harm: bool) -> Iterator[ArmPicture]:
        kernel = sample.blur.kernel if sample.blur else None
        restored = self._restored(backend, sample, kernel)
        arm = Arm("blurred", backend.name)
        yield views.row(arm, restored.picture, restored)
        if with_harm and sample.sharp is not None and self._has_harm(backend):
            restored = self._stages.restore(backend, sample.sharp, _no_blur(kernel))
            yield views.row(arm.on_sharp, restored.picture, restored)

    def _has_harm(self, backend: Backend) -> bool:
        """Whether a deblurrer also goes over sharp pictures."""
        on_sharp = Arm("sharp", backend.name)
        return "sharp" not in self.failed and not backend.entry.by_name and self._source.has(on_sharp)

    def _restored(self, backend: Backend, sample: Sample, kernel: Kernel | None) -> Restored:
        if backend.name in self._recorded:
            return Restored(self._recorded[backend.name][sample.file_name], restore_ms=None, told_kernel=False)
        return self._stages.restore(backend, sample.blurred, kernel)


def _no_blur(kernel: Kernel | None) -> Kernel | None:
    """What blurred a sharp picture is known where the kernel of the blurred one is: nothing did."""
    return None if kernel is None else Kernel.none(kernel.light)


class _Views:
    """One sample as the detector gets it; arms that deliver the same picture share what was found in it."""

    def __init__(self, sample: Sample, stages: Stages, source: DetectionSource) -> None:
        self._sample, self._stages, self._source = sample, stages, source
        self._done: dict[str, tuple[PackedDetections, Quality, float | None]] = {}

    def row(self, arm: Arm, picture: Picture, restored: Restored | None = None) -> ArmPicture:
        if picture.sha256 not in self._done:
            found = PackedDetections.of(self._source(arm, self._sample, picture))
            sample = self._sample
            quality = self._stages.image_quality(picture, sample.sharp, sample.blurred, sample.benchmark)
            self._done[picture.sha256] = found, PackedQuality(quality), self._source.detect_ms(picture)
        found, quality, detect_ms = self._done[picture.sha256]
        return ArmPicture(arm, self._sample, picture, found, quality, restored, detect_ms)


def measure_pictures(
    pictures: Pictures, places: range, harm_places: Collection[int], arms: Arms, progress: Progress, extent: Extent
) -> tuple[list[Sample], dict[Arm, Sequence[ArmPicture]]]:
    """The samples at these places of the dataset, and their rows by arm; arms that failed on some are left out.

    Deblurrers are run on the sharp pictures of those places that are among `harm_places`. Progress counts the steps of
    `extent`, those that are finished from the start, so that the pace is that of work. Raises DataError where the
    dataset has fewer pictures.
    """
    samples: list[Sample] = []
    rows: dict[Arm, list[ArmPicture]] = {}
    count, harm_count = len(places), sum(place in harm_places for place in places)
    done = len(extent.finished)
    for place, sample in zip(places, pictures.at(places), strict=False):
        for arm, work in arms.work(sample, place in harm_places):
            progress(MEASURING, done, extent.steps, arm)
            for row in work():
                rows.setdefault(row.arm, []).append(row)
            done += (sample.id, arm) not in extent.finished
        samples.append(sample)
    progress(MEASURING, done, extent.steps)
    if len(samples) != count:
        name = pictures.dataset.name
        raise DataError(f"dataset {name}: {len(samples)} pictures came where {count} were announced")
    whole = {arm: of_arm for arm, of_arm in rows.items() if len(of_arm) == (harm_count if arm.is_on_sharp else count)}
    return samples, drop_unpaired(whole)

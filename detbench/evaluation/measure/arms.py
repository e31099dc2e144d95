"""One picture through every arm of a run; an arm that fails on a picture is given up, and the others go on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from detbench.errors import ArmError, BackendError
from detbench.evaluation.measure.detection import Look
from detbench.evaluation.measure.packed_detections import PackedDetections
from detbench.evaluation.measure.rows import ArmPicture
from detbench.evaluation.measure.steps import Restored, Stages
from detbench.metrics.image_metrics import Quality
from detbench.plugins.backend import Backend
from detbench.results.schema import on_sharp
from detbench.types import Kernel, Picture, Sample


class Arms:
    """The arms of a run; `recorded` has the pictures that were restored elsewhere, by arm and file name.

    `failed` has, by name, why an arm was given up: the picture, and what its deblurrer or the detector did with it.
    """

    def __init__(
        self,
        deblurrers: Sequence[Backend],
        stages: Stages,
        look: Look,
        recorded: Mapping[str, Mapping[str, Picture]],
    ) -> None:
        self._deblurrers, self._stages, self._look, self._recorded = deblurrers, stages, look, recorded
        self.failed: dict[str, str] = {}

    def rows(self, sample: Sample) -> Iterator[ArmPicture]:
        """One picture's rows, arm by arm: sharp, blurred, and each deblurrer with its work on the sharp picture.

        Raises BackendError where the detector fails on the blurred picture, which every arm is held against.
        """
        views = _Views(sample, self._stages, self._look)
        if sample.sharp is not None:
            sharp = sample.sharp
            yield from self._tried("sharp", sample, lambda: [views.row("sharp", sharp)])
        try:
            yield views.row("blurred", sample.blurred)
        except ArmError as error:
            raise BackendError(
                f"{sample.file_name}: {error}. Without the blurred arm there is nothing to compare with"
            ) from error
        for backend in self._deblurrers:
            yield from self._tried(backend.name, sample, partial(self._of_deblurrer, backend, sample, views))

    def _tried(self, arm: str, sample: Sample, work: Callable[[], Iterable[ArmPicture]]) -> list[ArmPicture]:
        """The rows that an arm gives, none once it has failed."""
        if arm in self.failed:
            return []
        try:
            return list(work())
        except ArmError as error:
            self.failed[arm] = f"{sample.file_name}: {error}"
            return []

    def _of_deblurrer(self, backend: Backend, sample: Sample, views: "_Views") -> Iterator[ArmPicture]:
        kernel = sample.blur.kernel if sample.blur else None
        restored = self._restored(backend, sample, kernel)
        yield views.row(backend.name, restored.picture, restored)
        arm = on_sharp(backend.name)
        has_harm = "sharp" not in self.failed and not backend.entry.by_name and self._look.can_see(arm)
        if sample.sharp is not None and has_harm:
            # What blurred a sharp picture is known too: nothing did.
            no_blur = None if kernel is None else Kernel.none(kernel.light)
            restored = self._stages.restore(backend, sample.sharp, no_blur)
            yield views.row(arm, restored.picture, restored)

    def _restored(self, backend: Backend, sample: Sample, kernel: Kernel | None) -> Restored:
        if backend.name in self._recorded:
            return Restored(self._recorded[backend.name][sample.file_name], restore_ms=None, told_kernel=False)
        return self._stages.restore(backend, sample.blurred, kernel)


class _Views:
    """One sample as the detector sees it; arms that deliver the same picture share what was found in it."""

    def __init__(self, sample: Sample, stages: Stages, look: Look) -> None:
        self._sample, self._stages, self._look = sample, stages, look
        self._seen: dict[str, tuple[PackedDetections, Quality]] = {}

    def row(self, arm: str, picture: Picture, restored: Restored | None = None) -> ArmPicture:
        if picture.sha256 not in self._seen:
            found = PackedDetections.of(self._look(arm, self._sample, picture))
            self._seen[picture.sha256] = found, self._stages.judge(picture, self._sample.sharp)
        return ArmPicture(arm, self._sample, picture, *self._seen[picture.sha256], restored)

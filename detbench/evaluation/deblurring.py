"""Deblur a person's own picture files: each is written under its name, in its format, into another folder."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detbench.core.images import PICTURE_SUFFIXES, encode_png, left_out, pictures_below, write_atomically
from detbench.core.kernel_pictures import kernel_picture
from detbench.core.photos import encode_photo, read_photo
from detbench.datasets.blurred_writer import refuse_overlap
from detbench.errors import ArmError, DataError, DetbenchError, NotEvaluableError, OutputError, UsageError
from detbench.evaluation.measure.limits import (
    PICTURE_TIMEOUT_S,
    call_limited,
    check_restored,
    checked_restoration,
    within_memory,
)
from detbench.plugins.backend import Backend
from detbench.plugins.builtin import DEBLURRERS
from detbench.types import Image, KernelEstimator, Restoration


@dataclass(frozen=True)
class Job:
    """One picture to deblur: its file, the file to write, and the one for its kernel where that is wanted."""

    source: Path
    target: Path
    kernel: Path | None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All that is written for the picture."""
        return (self.target,) if self.kernel is None else (self.target, self.kernel)


@dataclass(frozen=True)
class Outcome:
    """What became of a picture. `failure` is None or a message that names it; `is_explained` is false where the
    deblurrer found no blur kernel and left the picture as it is.
    """

    failure: str | None = None
    is_explained: bool = True


@dataclass(frozen=True)
class PictureDeblurrer:
    """A deblurrer that needs nothing but the picture, and takes at most so many seconds for each."""

    name: str
    built: Any
    seconds: float

    def restore(self, image: Image) -> Restoration:
        """The picture restored, (H, W, 3); `blur` is None too where the deblurrer estimates none.

        Raises DetbenchError where the deblurrer fails, also in smaller tiles.
        """
        restoration, _ = within_memory(self.built, image.shape[0] * image.shape[1], lambda: self._call(image))
        check_restored(self.name, restoration.image, image)
        return restoration

    @property
    def estimates_kernels(self) -> bool:
        """Whether the deblurrer finds the blur kernel and can show it."""
        return isinstance(self.built, KernelEstimator)

    def _call(self, image: Image) -> Restoration:
        own = image.copy()  # one that works in place would spoil the next try
        if self.estimates_kernels:
            return checked_restoration(
                self.name, call_limited(self.name, lambda: self.built.restore(own), self.seconds)
            )
        return Restoration(call_limited(self.name, lambda: self.built(own), self.seconds), blur=None)


def plan_jobs(pictures: Sequence[Path], out: Path, *, kernels: bool, overwrite: bool) -> list[Job]:
    """What there is to do for files and folders: every picture below a folder keeps its path from there, a file its
    name. With `kernels`, each kernel's picture goes beside its picture, as `NAME.kernel.png`.

    Raises DataError where one is missing, UsageError where `out` overlaps a folder, where two pictures would become one
    file or one would be written over itself, OutputError where a file is there already and not to be overwritten,
    NotEvaluableError where there is no picture.
    """
    named = {(source.resolve(), out / name): source for place in pictures for source, name in _named(place, out)}
    if not named:
        raise NotEvaluableError(
            f"no picture in {', '.join(map(str, pictures))}; what counts is {', '.join(sorted(PICTURE_SUFFIXES))}"
        )
    jobs = [
        Job(source, target, target.with_suffix(".kernel.png") if kernels else None)
        for (_, target), source in named.items()
    ]
    _refuse_collisions(jobs)
    if not overwrite:
        _refuse_existing(jobs)
    return jobs


def notes_on(pictures: Sequence[Path]) -> tuple[str, ...]:
    """What a user is to know of files that `plan_jobs` left out of the folders among `pictures`."""
    return left_out([other for place in pictures if place.is_dir() for other in pictures_below(place)[1]])


def open_deblurrer(backend: Backend, seconds: float | None, *, kernels: bool) -> PictureDeblurrer:
    """Build a deblurrer for single pictures, and for their kernels if these are wanted.

    Raises UsageError where it needs more than a picture or estimates no kernel, BackendError or WeightsError where it
    cannot be built.
    """
    if backend.entry.by_name:
        raise UsageError(
            f"{backend.name} only finds pictures that another program restored already. To have that program restore "
            "these, name it: --deblurrer command:'tool {input} {output}'"
        )
    deblurrer = PictureDeblurrer(backend.name, backend.within(seconds).build(), seconds or PICTURE_TIMEOUT_S)
    if getattr(deblurrer.built, "needs_kernel", False):
        raise UsageError(
            f"{backend.name} needs the blur kernel, which is not known of your own pictures. Take a "
            "deblurrer that needs the picture alone; `detbench list` shows all"
        )
    if kernels and not deblurrer.estimates_kernels:
        known = [entry.name for entry in DEBLURRERS.entries() if entry.estimates_kernels]
        raise UsageError(
            f"{backend.name} estimates no blur kernel, so --kernels has nothing to write. Leave it out, or take a "
            f"deblurrer that does: {', '.join([*known, 'one of your own with the method `restore`'])}"
        )
    return deblurrer


def deblur(jobs: Sequence[Job], deblurrer: PictureDeblurrer) -> Iterator[Outcome]:
    """Do the jobs in their order, and tell what became of each as soon as its files are written.

    A picture that cannot be read, restored or written in its format has failed, and the next is done. Raises
    OutputError where the folder cannot be written.
    """
    for job in jobs:
        try:
            yield _deblur_one(job, deblurrer)
        except (ArmError, DataError) as error:
            yield Outcome(failure=str(error))


def _deblur_one(job: Job, deblurrer: PictureDeblurrer) -> Outcome:
    photo = read_photo(job.source)
    try:
        restoration = deblurrer.restore(photo.image)
    except DetbenchError as error:
        raise ArmError(f"{job.source}: {error}") from error
    write_atomically(job.target, encode_photo(photo, restoration.image))
    if job.kernel is not None and restoration.blur is not None:
        write_atomically(job.kernel, encode_png(kernel_picture(restoration.blur.kernels)))
    elif job.kernel is not None:
        job.kernel.unlink(missing_ok=True)  # an earlier run's would be taken for this one's
    return Outcome(is_explained=restoration.blur is not None or not deblurrer.estimates_kernels)


def _named(place: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    """Each picture that a file or folder stands for, with its path below the output folder."""
    if place.is_dir():
        refuse_overlap(place, out)
        for source in pictures_below(place)[0]:
            yield source, source.relative_to(place)
    elif place.exists():
        yield place, Path(place.name)
    else:
        raise DataError(f"{place}: no such file or folder; name pictures, or folders that hold some")


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    taken: dict[Path, Job] = {}
    for job in jobs:
        for output in job.outputs:
            if output.resolve() in sources:
                raise UsageError(f"{output} would be written over, and is one of the pictures; choose another --out")
            if output in taken:
                raise UsageError(
                    f"{taken[output].source} and {job.source} would both be written to {output}; rename one, or give "
                    "each its own --out"
                )
            taken[output] = job


def _refuse_existing(jobs: Sequence[Job]) -> None:
    existing = [output for job in jobs for output in job.outputs if os.path.lexists(output)]
    if existing:
        others = f" and {len(existing) - 1} more files are" if len(existing) > 1 else " is"
        raise OutputError(f"{existing[0]}{others} there already; choose another --out, or say --overwrite")

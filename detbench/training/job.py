"""One training of a deblurring network, as it is asked for."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from detbench.errors import WeightsError
from detbench.fingerprints import file_sha256
from detbench.training.loop import Precision
from detbench.training.recipe import Recipe
from detbench.training.sources import Source


@dataclass(frozen=True)
class Job:
    """What to train on what, and where. Device, precision, workers and the number of processes may change on resume.

    `mix` weighs the folders against each other; `fraction` is the share of their pictures to use. `vgg` is VGG19's
    file, `detector` that of the YOLO whose features may count. `start` names the generator's first weights; its
    optimiser, the critic and the schedule begin anew, so this is no resume. With `piece_mib`, checkpoints are packed
    into files of at most so many MiB.
    """

    architecture: str
    recipe: Recipe
    folders: tuple[Path, ...]
    out: Path
    device: str
    precision: Precision = "fp32"
    mix: tuple[float, ...] | None = None
    fraction: Fraction = Fraction(1)
    vgg: Path | None = None
    detector: Path | None = None
    start: Path | None = None
    workers: int = 0
    piece_mib: int | None = None
    resume: bool = False


def settings_of(job: Job, sources: Sequence[Source]) -> dict[str, Any]:
    """All that the weights depend on."""
    return {
        "architecture": job.architecture,
        **asdict(job.recipe),
        "data": [{"name": s.name, "weight": s.weight, "pictures": _digest(s)} for s in sources],
        "start": start_sha256(job),
    }


def _digest(source: Source) -> str:
    """Of the pictures' names, in order: a folder may be elsewhere when the training goes on."""
    names = "\n".join(picture.sharp.name for picture in source.pictures)
    return f"{len(source.pictures)}, {hashlib.sha256(names.encode()).hexdigest()[:12]}"


def start_sha256(job: Job) -> str | None:
    """The digest of the weights to start from; raises WeightsError where they cannot be read."""
    try:
        return file_sha256(job.start) if job.start else None
    except OSError as error:
        raise WeightsError(f"no weights to start from: {job.start} cannot be read ({error.strerror})") from error

"""One training of a deblurring network, as the command line names it."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from detbench.core.fingerprints import file_sha256
from detbench.errors import WeightsError
from detbench.nets.weights import FILE_NAME
from detbench.training.data.sources import Source
from detbench.training.loop import Precision
from detbench.training.losses.detector_features import SHIPPED
from detbench.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingJob:
    """What to train on what, and where. Device, precision, workers and the number of processes may change on resume.

    `mix` weighs the folders against each other; `fraction` is the share of their pictures to use. `vgg` is VGG19's
    file, `detectors` and `backbone` those of the YOLOs and of the MobileNetV2 whose features may count. `start` names
    the generator's first weights; its optimiser, the critic and the schedule begin anew, so this is no resume. With
    `minutes` the training ends when they are over; the recipe's epochs are even parts of it then.
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
    detectors: tuple[Path, ...] = ()
    backbone: Path | None = None
    start: Path | None = None
    workers: int = 0
    minutes: float | None = None
    resume: bool = False


def settings_of(job: TrainingJob, sources: Sequence[Source]) -> dict[str, Any]:
    """All that the weights depend on."""
    return {
        "architecture": job.architecture,
        **asdict(job.recipe),
        "data": [{"name": s.name, "weight": s.weight, "pictures": _digest(s)} for s in sources],
        "start": start_sha256(job),
        "minutes": job.minutes,
        "trained_with": trained_with(job),
    }


def trained_with(job: TrainingJob) -> list[dict[str, str]]:
    """Name and sha256 of each network that a loss compares features of; raises WeightsError for one without a file.

    torchvision's VGG19, which is fetched where no file is named, is left out: it is no detector.
    """
    files = [job.vgg] if job.recipe.vgg_weight and job.vgg else []
    if job.recipe.detector_weight:
        files += [*(job.detectors or (SHIPPED,)), *([job.backbone] if job.backbone else [])]
    return [{"name": _network_name(file), "sha256": _sha256(file, "no weights to train with")} for file in files]


def _network_name(file: Path) -> str:
    """A model's folder names it, any other file itself."""
    return file.resolve().parent.name if file.name == FILE_NAME else file.stem


def _digest(source: Source) -> str:
    """Of the pictures' names, in order: a folder may be elsewhere when the training goes on."""
    names = "\n".join(picture.sharp.name for picture in source.pictures)
    return f"{len(source.pictures)}, {hashlib.sha256(names.encode()).hexdigest()[:12]}"


def start_sha256(job: TrainingJob) -> str | None:
    """The digest of the weights to start from; raises WeightsError where they cannot be read."""
    return _sha256(job.start, "no weights to start from") if job.start else None


def _sha256(file: Path, missing: str) -> str:
    try:
        return file_sha256(file)
    except OSError as error:
        raise WeightsError(f"{missing}: {file} cannot be read ({error.strerror})") from error

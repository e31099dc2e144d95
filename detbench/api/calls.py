"""`detbench.evaluate` and `detbench.compare`: what the commands `run` and `compare` do, for a notebook or a script."""

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from detbench.api.outcome import Comparison, OwnFolder, Result
from detbench.core.images import write_atomically
from detbench.core.paths import cache_folder
from detbench.core.progress import Progress, unwatched
from detbench.datasets.in_memory import SamplesInMemory
from detbench.datasets.true_records import open_true_records, true_records_of
from detbench.errors import DataError, UsageError
from detbench.evaluation.comparing import compare_files
from detbench.evaluation.request import Given, RunSpec, folder_name, run_name
from detbench.evaluation.run import run
from detbench.results.cache import Cache
from detbench.results.compared_files import COMPARISON_NAMES
from detbench.results.folder import RunFolder, check_own_folder
from detbench.types import Deblurrer, Detector, Sample

Place = str | PathLike[str]
Classes = Mapping[int, str] | Sequence[str]
Results = Place | Sequence[Mapping[str, Any]]


def evaluate(
    dataset: Place | Sequence[Sample],
    deblurrers: Mapping[str, Deblurrer | str] | Sequence[str],
    detector: str | Detector = "yolov8",
    *,
    classes: Classes | None = None,
    blur: str | None = None,
    truth: Literal["labels", "pseudo", "none"] = "labels",
    limit: int | None = None,
    harm: Literal["all", "sample", "none"] = "sample",
    gate_by: str | None = None,
    repair: Literal["clip", "drop"] | None = None,
    metrics: Sequence[str] = (),
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    resamples: int = 1000,
    timeout: int | None = None,
    fresh: bool = False,
    overwrite: bool = False,
    folder: Place | None = None,
    progress: Progress = unwatched,
) -> Result:
    """Run deblurrers over a dataset and a detector before and after, and say whether deblurring helps.

    `dataset` is a name or a path that `--dataset` takes, or a list of samples (see `detbench.sample`) with their
    `classes`: the names by id, or in the order of the ids 0, 1, 2, … `deblurrers` has by name a function, from RGB
    (H, W, 3) uint8 to the same, or a word that `--deblurrer` takes; a list of words will do. `detector` is a word that
    `--detector` takes, or an object (see `detbench.types.Detector`).

    The other settings are the options of `detbench run`; `metrics` are what `--metric` names. `fresh` computes
    everything again, whatever the cache holds;
    the work of objects in memory is done anew in every call. `folder` is where the run's folder stays; without it the
    folder goes when the result does. `progress` is called with (what, done, of how many, which is next); nothing is
    printed.

    Raises a DetbenchError whose message says what is wrong. A deblurrer that fails on a picture raises nothing: it has
    no numbers, and the others have theirs.
    """
    named, samples = _named(deblurrers), _samples(dataset, classes)
    spec = RunSpec(
        dataset=str(dataset) if samples is None else samples.name,
        deblurrers=tuple(named),
        detector=detector if isinstance(detector, str) else getattr(detector, "__name__", type(detector).__name__),
        blur=blur,
        truth=truth,
        limit=limit,
        device=device,
        precision=precision,
        resamples=resamples,
        repair=repair,
        harm=harm,
        gate_by=gate_by,
        metrics=tuple(dict.fromkeys(metrics)),
    )
    owner = OwnFolder()
    place = owner.path / run_name(spec) if folder is None else Path(folder)
    cache = Cache(cache_folder(), fresh=fresh)
    cache.check_writable()
    given = Given(named, None if isinstance(detector, str) else detector, samples)
    result = run(spec, place, cache, progress, timeout, overwrite=overwrite, given=given)
    return Result(result, place, owner)


def compare(
    truth: Place | Sequence[Sample],
    results: Mapping[str, Results],
    *,
    classes: Classes | None = None,
    resamples: int = 1000,
    repair: Literal["clip", "drop"] | None = None,
    folder: Place | None = None,
) -> Comparison:
    """Hold results of several detectors against the same true boxes and each other: is one better, or may it be chance?

    `truth` is a COCO file or any dataset that `evaluate` takes. `results` has by name a file of COCO results, or their
    records: image_id, category_id, bbox (left, top, width, height in pixels) and score (0..1). The first is what the
    others are held against. `folder` is where the comparison's files stay. Raises a DetbenchError whose message says
    what is wrong.
    """
    if len(results) < 2:
        raise UsageError(f"compare needs two or more results, not {len(results)}: {{'a': 'a.json', 'b': 'b.json'}}")
    if resamples < 0:
        raise UsageError(f"resamples takes a number from 0 on, not {resamples}")
    owner = OwnFolder()
    place = owner.path / "comparison" if folder is None else Path(folder)
    check_own_folder(place, COMPARISON_NAMES)
    samples = _samples(truth, classes)
    true = open_true_records(str(truth), repair) if samples is None else true_records_of(samples, samples.name)
    paths = {name: _file(name, found, owner.path) for name, found in results.items()}
    return Comparison(compare_files(true, paths, resamples, RunFolder(place)), place, owner)


def _named(deblurrers: Mapping[str, Deblurrer | str] | Sequence[str]) -> dict[str, Deblurrer | str]:
    """Deblurrers by the names of their arms; raises UsageError for what is none."""
    if isinstance(deblurrers, str):
        deblurrers = [deblurrers]
    named: dict[str, Deblurrer | str] = {}
    named |= deblurrers if isinstance(deblurrers, Mapping) else {word: word for word in deblurrers}
    if not named:
        raise UsageError("no deblurrer: give one by name, deblurrers={'mine': function}; 'identity' is one")
    for name, meant in named.items():
        if not (isinstance(name, str) and (isinstance(meant, str) or callable(meant))):
            raise UsageError(
                f"deblurrer {name!r} is {meant!r}; give a function or a word, by name: deblurrers={{'mine': function}}"
            )
    return named


def _samples(dataset: Place | Sequence[Sample], classes: Classes | None) -> SamplesInMemory | None:
    """The dataset that a list of samples is, None for a word; raises UsageError where only one of both is given."""
    if isinstance(dataset, str | PathLike):
        if classes is not None:
            raise UsageError(f"classes are for samples in memory; {dataset} has its own, so leave them out")
        return None
    if classes is None:
        raise UsageError("samples in memory need the names of their classes: classes={1: 'car', 2: 'bus'}")
    return SamplesInMemory(dataset, classes if isinstance(classes, Mapping) else dict(enumerate(classes)))


def _file(name: str, results: Results, folder: Path) -> Path:
    """The file of a detector's results; records are written into `folder` first."""
    if isinstance(results, str | PathLike):
        return Path(results)
    file = folder / f"{folder_name([name])}.json"
    try:
        write_atomically(file, json.dumps(list(results), default=_plain, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DataError(f"results {name!r} are no list of COCO results ({error}); give records or a file") from error
    return file


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no number, text or list")

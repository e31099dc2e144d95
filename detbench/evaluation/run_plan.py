"""The plan of a run: every word of its request resolved, and refused where it means nothing."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from detbench.blur.recipes import PictureRecipe, parse_picture_recipe, recipe_spec
from detbench.core.devices import resolve_device
from detbench.core.images import refuse_faults
from detbench.core.progress import Progress
from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.opening import dataset_place, open_dataset
from detbench.datasets.pairs import PairFolder
from detbench.datasets.picture_folder import PictureFolder
from detbench.errors import DataError, UsageError
from detbench.evaluation.measure.detection import ClassMap
from detbench.evaluation.measure.limits import check_size
from detbench.evaluation.measure.measured import Basis, DeblurrerFacts
from detbench.evaluation.measure.measuring import MEASURING, Extent
from detbench.evaluation.request import Given, RunSpec
from detbench.metrics.image_metrics import check_blur_measure, check_metrics
from detbench.metrics.specs import PSEUDO_CONFIDENCE
from detbench.plugins.backend import Backend, backend_in_memory, renamed, resolve_deblurrer, resolve_detector
from detbench.results.provenance import environment
from detbench.results.request_file import Request, Source
from detbench.types import Dataset, Deblurrer, Picture

MOST_NAME_BYTES = 200
"""Of an arm's name: that of its file has some letters more, and 255 bytes at most."""


@dataclass(frozen=True)
class RunPlan:
    """A RunSpec with every word resolved."""

    spec: RunSpec
    dataset: Dataset
    recipe: PictureRecipe | None
    deblurrers: tuple[Backend, ...]
    detector: Backend
    device: str
    given: Given
    precision: str
    """Of the networks: fp32 or bf16. See `precision_choice.settled` for what becomes of the word `auto`."""

    @property
    def images(self) -> int:
        """How many pictures the whole run has."""
        return min(len(self.dataset), self.spec.limit or len(self.dataset))


@dataclass(frozen=True)
class Recorded:
    """The pictures that other programs restored, by arm and file name, and notes on how they were matched."""

    pictures: Mapping[str, Mapping[str, Picture]]
    notes: tuple[str, ...]


def resolve(spec: RunSpec, given: Given | None = None) -> RunPlan:
    """The plan of a run; raises a DetbenchError for any word that means nothing, or nothing that can be done."""
    given = given or Given()
    check_metrics(spec.metrics)
    device = resolve_device(spec.device)
    recipe = None if spec.blur is None else parse_picture_recipe(spec.blur)
    if spec.gate_by is not None:
        check_blur_measure(spec.gate_by)
    precision = "fp32" if spec.precision == "auto" else spec.precision
    deblurrers, detector = _deblurrers(spec, device, given, precision), _detector(spec, device, given)
    _check_recorded([detector, *deblurrers], recipe)
    _check_imports([detector, *deblurrers])
    dataset = open_dataset(spec.dataset, spec.repair) if given.dataset is None else given.dataset
    if isinstance(dataset, PictureFolder) and recipe is None and spec.truth == "labels":
        spec = replace(spec, truth="none")  # there are no labels
    return RunPlan(spec, dataset, recipe, deblurrers, detector, device, given, precision)


def in_precision(plan: RunPlan, precision: str) -> RunPlan:
    """The same with networks of another precision."""
    deblurrers = _deblurrers(plan.spec, plan.device, plan.given, precision)
    return replace(plan, deblurrers=deblurrers, precision=precision)


def check_unchanged(plan: RunPlan, used: Collection[str]) -> None:
    """Raise DataError where a backend is no longer what it was when the plan was made: its numbers are of no one state.

    `used` are the names of those that worked: where none did, nothing is looked up. What is observed as it is used is
    checked there.
    """
    if not used:
        return
    backends = plan.detector, *plan.deblurrers
    words = plan.spec, plan.device, plan.given
    again = _detector(*words), *_deblurrers(*words, plan.precision)
    for before, now in zip(backends, again, strict=True):
        if before.name in used and before.identity != now.identity:
            raise DataError(
                f"{before.name} was changed while the run went on, its code or a file that it reads. Run again with "
                "--fresh, and leave it as it is"
            )


def _detector(spec: RunSpec, device: str, given: Given) -> Backend:
    if given.detector is not None:
        return backend_in_memory(spec.detector, given.detector)
    return resolve_detector(spec.detector, device)


def _deblurrers(spec: RunSpec, device: str, given: Given, precision: str) -> tuple[Backend, ...]:
    words = tuple(dict.fromkeys(spec.deblurrers))
    deblurrers = tuple(_deblurrer(word, device, precision, given.deblurrers.get(word, word)) for word in words)
    _check_distinct(words, deblurrers)
    check_arm_names([backend.name for backend in deblurrers])
    return deblurrers


def _deblurrer(name: str, device: str, precision: str, meant: Deblurrer | str) -> Backend:
    """The deblurrer that `name` stands for: an object, or another word."""
    if not isinstance(meant, str):
        return backend_in_memory(name, meant)
    backend = _resolved_one(meant, device, precision)
    return backend if meant == name else renamed(backend, name)


def _resolved_one(word: str, device: str, precision: str) -> Backend:
    """A deblurrer; raises UsageError also for several in one word, where most tools take a list."""
    head, colon, tail = word.partition(":")
    parts = [part.strip() for part in head.split(",")]
    if len(parts) > 1:
        apart = " ".join(f"--deblurrer {part}" for part in parts)
        raise UsageError(f"--deblurrer {word!r} holds several: name each by itself, {apart}{colon}{tail}")
    return resolve_deblurrer(word, device, precision)


def _check_distinct(words: Sequence[str], backends: Sequence[Backend]) -> None:
    """Two words whose derived names are one would share their files and columns."""
    by_name: dict[str, str] = {}
    for word, backend in zip(words, backends, strict=True):
        if backend.name in by_name:
            own = re.sub(r"^[\w.-]+=(?=[a-z]+:)", "", word)
            is_reference = backend.entry.argument is not None
            mend = f"give one a name of its own, --deblurrer NAME={own}" if is_reference else "rename one of the files"
            raise UsageError(f"{by_name[backend.name]} and {word} are both called {backend.name!r}: {mend}")
        by_name[backend.name] = word


def check_arm_names(names: Sequence[str]) -> None:
    """Arms name files and columns: no two alike, none that is always there, nothing but letters, digits, `_.-`, and
    no more than a file's name can hold.
    """
    for name in names:
        if name in ("sharp", "blurred") or not re.fullmatch(r"[\w.-]+", name):
            raise UsageError(f"a deblurrer cannot be called {name!r}: rename it with letters, digits, '_', '.' and '-'")
        if names.count(name) > 1:
            raise UsageError(f"two deblurrers are called {name!r}: rename one of the files")
        if len(name.encode()) > MOST_NAME_BYTES:
            raise UsageError(f"a deblurrer cannot be called {name!r}: take a name of at most {MOST_NAME_BYTES} bytes")


def check_pictures(dataset: Dataset, places: range, progress: Progress) -> None:
    """Read the files of the pictures at these places of a dataset, and refuse all that are damaged at once.

    Raises DataError. The pictures of an installed format are only known one by one, when the run comes to them.
    """
    if not isinstance(dataset, AnnotatedDataset | PairFolder | PictureFolder):
        return
    faults: list[str] = []
    for done, found in enumerate(dataset.faults(places), start=1):
        faults += found
        progress("checking", done, len(places))
    refuse_faults(faults)


def recorded_pictures(plan: RunPlan) -> Recorded:
    """The pictures of the deblurrers that were run elsewhere.

    Raises DataError where some are missing, damaged, or not of the blurred picture's size.
    """
    found: dict[str, Mapping[str, Picture]] = {}
    notes: list[str] = []
    for backend in plan.deblurrers:
        if backend.entry.by_name:
            samples = list(islice(plan.dataset, plan.images))
            found[backend.name], own_notes = backend.build().match([sample.file_name for sample in samples])
            notes += own_notes
            for sample in samples:
                check_size(found[backend.name][sample.file_name], sample.blurred, sample.file_name, backend.name)
    return Recorded(found, tuple(notes))


def plan_line(plan: RunPlan, places: range, extent: Extent) -> str:
    """One line on what is to be done, and how much of it is done already."""
    pictures, names = len(places), ["blurred", *(backend.name for backend in plan.deblurrers)]
    arms = ", ".join(["sharp", *names] if extent.steps > pictures * len(names) else names)
    return (
        f"{plan.dataset.name}, {pictures:,} picture{'s' * (pictures != 1)} × {arms}; detector {plan.detector.name}; "
        f"device {plan.device}; in the cache: {len(extent.finished):,} of {extent.steps:,} {MEASURING}."
    )


def request_of(plan: RunPlan) -> Request:
    """What the plan's folder is made for."""
    deblurrers = {backend.name: _source(backend) for backend in plan.deblurrers}
    place = None if plan.given.dataset is not None else dataset_place(plan.spec.dataset)
    return Request(
        {**_specification(plan), "precision": plan.spec.precision}, Source(place), _source(plan.detector), deblurrers
    )


def _source(backend: Backend) -> Source:
    options = backend.entry.options
    files = ", ".join(str(value.resolve()) for value in options.values() if isinstance(value, Path))
    place = files or shlex.join(options.get("words", ())) or backend.entry.target
    return Source(place, backend.identity["weights_sha256"])


def basis_of(plan: RunPlan, names: Mapping[int, str], classes: ClassMap, notes: Sequence[str] = ()) -> Basis:
    """What the run's numbers rest on; `names` are the classes by category id, `classes` how the detector's match, and
    `notes` those on the detector and on recorded pictures, beside those of the dataset's reader.
    """
    return Basis(
        specification=_specification(plan),
        environment=environment(plan.device),
        dataset=plan.dataset.name,
        source_fingerprint=plan.dataset.fingerprint,
        images=plan.images,
        notes=(*getattr(plan.dataset, "notes", ()), *notes),
        classes=names,
        unmatched_dataset_classes=classes.unmatched_dataset,
        unmatched_detector_classes=classes.unmatched_detector,
        detector=plan.detector.identity,
        deblurrers={backend.name: _facts(backend, plan.detector) for backend in plan.deblurrers},
    )


def _facts(backend: Backend, detector: Backend) -> DeblurrerFacts:
    trained_with_detector = any(each.is_detector(detector) for each in backend.trained_with)
    return DeblurrerFacts(backend.identity, backend.cost, trained_with_detector)


def _specification(plan: RunPlan) -> dict[str, Any]:
    spec = plan.spec
    return {
        "dataset": plan.dataset.name,
        "deblurrers": [backend.name for backend in plan.deblurrers],
        "detector": plan.detector.name,
        "blur": None if plan.recipe is None else recipe_spec(plan.recipe),
        "repair": spec.repair,
        "truth": spec.truth,
        "pseudo_confidence": PSEUDO_CONFIDENCE if spec.truth == "pseudo" else None,
        "limit": spec.limit,
        "harm": spec.harm,
        "gate_by": spec.gate_by,
        **({"metrics": list(spec.metrics)} if spec.metrics else {}),
        "resamples": spec.resamples,
        "device": plan.device,
        "precision": plan.precision,
    }


def _check_imports(backends: Sequence[Backend]) -> None:
    """Import what `python:` words name; raises BackendError where that fails. A module of one's own is the likeliest to
    fail, and its mistake should not wait until pictures have been checked.
    """
    for backend in backends:
        if backend.entry.is_foreign and backend.entry.argument is not None:
            backend.entry.import_target()


def _check_recorded(backends: Sequence[Backend], recipe: PictureRecipe | None) -> None:
    recorded = [backend.name for backend in backends if backend.entry.by_name]
    if recorded and recipe is not None:
        raise UsageError(
            f"{recorded[0]} was recorded from a dataset's own pictures, and --blur makes others: make the dataset with "
            "`detbench blur`, record from that, and leave --blur out"
        )

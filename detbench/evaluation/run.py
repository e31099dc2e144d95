"""The evaluation: every picture through every arm, then the numbers, then the run folder."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from detbench.blur.recipes import PictureRecipe, parse_picture_recipe, recipe_spec
from detbench.core.devices import resolve_device
from detbench.core.memory import hand_back_freed_memory, keep_freed_memory
from detbench.datasets.opening import open_dataset
from detbench.errors import ArmError, BackendError, DataError, NotEvaluableError, UsageError
from detbench.evaluation.measure.arms import Arms
from detbench.evaluation.measure.detection import Look, find_look
from detbench.evaluation.measure.limits import SECONDS, check_size
from detbench.evaluation.measure.measured import Basis, Measured, Restorer
from detbench.evaluation.measure.rows import ArmDetections, ArmPicture, coco_truth, image_rows, shown_ids
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.measure.truth import PSEUDO_NOTE, evaluated_data, pseudo_truth
from detbench.evaluation.request import WHOLE, RunSpec, Share
from detbench.evaluation.score.flips import flip_rows
from detbench.evaluation.score.scores import Scorer
from detbench.metrics.columns import TrueColumns, true_columns
from detbench.metrics.image_metrics import metric_specs
from detbench.metrics.specs import PSEUDO_CONFIDENCE
from detbench.plugins.backend import Backend, resolve_deblurrer, resolve_detector
from detbench.results.cache import Cache, digest
from detbench.results.folder import RunFolder
from detbench.results.provenance import environment
from detbench.results.schema import EvaluatedData, RunResult
from detbench.types import Dataset, Detections, Picture, Sample

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many steps are done of how many."""


@dataclass(frozen=True)
class Plan:
    """A RunSpec with every word resolved."""

    spec: RunSpec
    dataset: Dataset
    recipe: PictureRecipe | None
    deblurrers: tuple[Backend, ...]
    detector: Backend
    device: str

    @property
    def images(self) -> int:
        """How many pictures the whole run has."""
        return min(len(self.dataset), self.spec.limit or len(self.dataset))


@dataclass(frozen=True)
class _Tools:
    """What the loop works with."""

    stages: Stages
    look: Look
    arms: Arms


def run(spec: RunSpec, folder: Path, cache: Cache, progress: Progress, seconds: float = SECONDS) -> RunResult:
    """Evaluate and write everything of the run folder but the report.

    All that can be known to be wrong is reported before the first picture is touched. An arm that fails on a picture,
    or takes longer than `seconds` for it, has no numbers but its reason in `failed`. Raises a DetbenchError; finished
    work stays in the cache, so that repeating the command goes on from there.
    """
    plan = resolve(spec)
    run_folder = RunFolder(folder)
    run_folder.check_writable()
    measured = measure(plan, Stages(cache, seconds), progress)
    hand_back_freed_memory()  # scoring wants blocks of other sizes
    return conclude(measured, run_folder, cache, progress)


def measure(plan: Plan, stages: Stages, progress: Progress, share: Share = WHOLE) -> Measured:
    """What every arm delivers of the pictures of a share, and what the detector finds there."""
    keep_freed_memory()
    deblurrers = [backend.name for backend in plan.deblurrers]
    names, look = find_look(plan.detector, plan.dataset, deblurrers, plan.spec.truth, stages)
    tools = _Tools(stages, look, Arms(plan.deblurrers, stages, look, _recorded_pictures(plan)))
    samples, rows = _measure(plan, tools, progress, share)
    basis = Basis(
        specification=_specification(plan),
        environment=environment(plan.device),
        dataset=plan.dataset.name,
        source_fingerprint=plan.dataset.fingerprint,
        images=plan.images,
        classes=names,
        unmatched_dataset_classes=look.classes.unmatched_dataset,
        unmatched_detector_classes=look.classes.unmatched_detector,
        detector=plan.detector.identity,
        deblurrers={backend.name: _restorer(backend, plan.detector) for backend in plan.deblurrers},
    )
    return Measured(basis, samples, rows, tools.arms.failed)


def _restorer(backend: Backend, detector: Backend) -> Restorer:
    is_judged_by_its_own = any(each.is_detector(detector) for each in backend.trained_with)
    return Restorer(backend.identity, backend.cost, is_judged_by_its_own)


def conclude(measured: Measured, run_folder: RunFolder, cache: Cache, progress: Progress) -> RunResult:
    """Score what was measured of all pictures, and write the run folder but the report."""
    basis, samples, rows = measured.basis, measured.samples, measured.rows
    columns, truth_sha256, data = _pinned(measured)
    detections = _detections(rows, columns)
    progress("scoring", 0, 1)
    resamples = basis.specification["resamples"]
    scorer = Scorer(cache, columns, truth_sha256, basis.classes, rows, detections, resamples)
    arms = scorer.arms({name: restorer for name, restorer in basis.deblurrers.items() if name in rows})
    result = RunResult(
        specification=basis.specification,
        environment=basis.environment,
        data=data,
        detector=basis.detector,
        arms=arms,
        differences=scorer.differences(arms),
        shown=shown_ids(rows, measured.kept),
        definitions={key: spec.definition for key, spec in metric_specs().items()},
        failed=measured.failed,
    )
    run_folder.reopen()
    run_folder.write_json("analysis.json", scorer.analysis(arms))
    run_folder.write_flips(flip_rows(rows, [arm.name for arm in arms], basis.classes))
    run_folder.write_json("truth.json", _truth(measured))
    _write(run_folder, result, detections, samples, rows)
    progress("scoring", 1, 1)
    return result


def _truth(measured: Measured) -> dict[str, Any]:
    """The document of `truth.json`; made where it is needed, for it is as large as all that was found."""
    truth = coco_truth(measured.samples, measured.basis.classes)
    return (
        {"info": {"description": PSEUDO_NOTE}, **truth} if measured.basis.specification["truth"] == "pseudo" else truth
    )


def _pinned(measured: Measured) -> tuple[TrueColumns, str, EvaluatedData]:
    """The true boxes, the digest of their document, and what the result says of the data."""
    truth = _truth(measured)
    return true_columns(truth), digest(truth), evaluated_data(measured.basis, measured.samples, truth)


def resolve(spec: RunSpec) -> Plan:
    """The plan of a run; raises a DetbenchError for any word that means nothing, or nothing that can be done."""
    device = resolve_device(spec.device)
    names = tuple(dict.fromkeys(spec.deblurrers))
    recipe = None if spec.blur is None else parse_picture_recipe(spec.blur)
    deblurrers = tuple(resolve_deblurrer(name, device, spec.precision) for name in names)
    check_arm_names([backend.name for backend in deblurrers])
    detector = resolve_detector(spec.detector, device)
    _check_recorded([detector, *deblurrers], recipe)
    return Plan(spec, open_dataset(spec.dataset), recipe, deblurrers, detector, device)


def _check_recorded(backends: Sequence[Backend], recipe: PictureRecipe | None) -> None:
    recorded = [backend.name for backend in backends if backend.entry.by_name]
    if recorded and recipe is not None:
        raise UsageError(
            f"{recorded[0]} was recorded from a dataset's own pictures, and --blur makes others: make the dataset with "
            "`detbench blur`, record from that, and leave --blur out"
        )


def _recorded_pictures(plan: Plan) -> dict[str, Mapping[str, Picture]]:
    """The pictures of each deblurrer that was run elsewhere, by file name, all there before anything is done."""
    found = {}
    for backend in plan.deblurrers:
        if backend.entry.by_name:
            samples = list(islice(plan.dataset, plan.images))
            found[backend.name] = backend.build().match([sample.file_name for sample in samples])
            for sample in samples:
                check_size(found[backend.name][sample.file_name], sample.blurred, sample.file_name, backend.name)
    return found


def check_arm_names(names: Sequence[str]) -> None:
    """Arms name files and columns: no two alike, none that is always there, nothing but letters, digits, `_.-`."""
    for name in names:
        if name in ("sharp", "blurred") or not re.fullmatch(r"[\w.-]+", name):
            raise UsageError(f"a deblurrer cannot be called {name!r}: rename it with letters, digits, '_', '.' and '-'")
        if names.count(name) > 1:
            raise UsageError(f"two deblurrers are called {name!r}: rename one of the files")


def _measure(
    plan: Plan, tools: _Tools, progress: Progress, share: Share
) -> tuple[list[Sample], dict[str, list[ArmPicture]]]:
    """Each picture of the share through every arm; rows by arm, those of arms that failed on some picture left out."""
    samples: list[Sample] = []
    rows: dict[str, list[ArmPicture]] = {}
    places = share.of(plan.images)
    count = len(places)
    for place, given in zip(places, islice(plan.dataset, places.start, places.stop, places.step), strict=False):
        progress("pictures", len(samples), count)
        sample = given if plan.recipe is None else tools.stages.blur(given, plan.recipe)
        if plan.spec.truth == "pseudo":
            sample = pseudo_truth(sample, _sharp_detections(plan, tools, sample), place)
        samples.append(sample)
        for row in tools.arms.rows(sample):
            rows.setdefault(row.arm, []).append(row)
    progress("pictures", count, count)
    if len(samples) != count:
        raise DataError(f"dataset {plan.dataset.name}: {len(samples)} pictures came where {count} were announced")
    return samples, {arm: pictures for arm, pictures in rows.items() if len(pictures) == count}


def _detections(rows: Mapping[str, Sequence[ArmPicture]], truth: TrueColumns) -> dict[str, ArmDetections]:
    """Each arm's detections; arms that delivered the same pictures throughout share them."""
    shared: dict[tuple[str, ...], ArmDetections] = {}
    by_arm = {}
    for arm, pictures in rows.items():
        delivered = tuple(row.picture.sha256 for row in pictures)
        if delivered not in shared:
            shared[delivered] = ArmDetections(pictures, truth)
        by_arm[arm] = shared[delivered]
    return by_arm


def _sharp_detections(plan: Plan, tools: _Tools, sample: Sample) -> Detections:
    if sample.sharp is None:
        raise NotEvaluableError(
            f"--truth pseudo takes the detector's boxes on sharp pictures, and dataset {plan.dataset.name} has none. "
            "Use --truth labels, or blur sharp pictures with --blur"
        )
    try:
        return tools.look("sharp", sample, sample.sharp)
    except ArmError as error:
        raise BackendError(f"{sample.file_name}: {error}. Without its boxes there is no pseudo truth") from error


def _specification(plan: Plan) -> dict[str, Any]:
    spec = plan.spec
    return {
        "dataset": plan.dataset.name,
        "deblurrers": [backend.name for backend in plan.deblurrers],
        "detector": plan.detector.name,
        "blur": None if plan.recipe is None else recipe_spec(plan.recipe),
        "truth": spec.truth,
        "pseudo_confidence": PSEUDO_CONFIDENCE if spec.truth == "pseudo" else None,
        "limit": spec.limit,
        "resamples": spec.resamples,
        "device": plan.device,
        "precision": spec.precision,
    }


def _write(
    folder: RunFolder,
    result: RunResult,
    detections: Mapping[str, ArmDetections],
    samples: Sequence[Sample],
    rows: Mapping[str, Sequence[ArmPicture]],
) -> None:
    of_arms, shown = {arm.name: rows[arm.name] for arm in result.arms}, set(result.shown)
    shown_rows = [row for pictures in of_arms.values() for row in pictures if row.sample.id in shown]
    kept = {folder.keep_shown(picture) for row in shown_rows for picture in row.pictures}
    folder.write_detections({arm: found.text() for arm, found in detections.items()})
    folder.write_images(image_rows(samples, of_arms, shown))
    folder.remove_pictures_but(kept)
    folder.write_results(result)

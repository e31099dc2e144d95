"""The plan of a run: every word of its request resolved, and refused where it means nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from detbench.blur.recipes import PictureRecipe, parse_picture_recipe, recipe_spec
from detbench.core.devices import resolve_device
from detbench.datasets.opening import open_dataset
from detbench.errors import UsageError
from detbench.evaluation.measure.detection import ClassMap
from detbench.evaluation.measure.limits import check_size
from detbench.evaluation.measure.measured import Basis, DeblurrerFacts
from detbench.evaluation.request import RunSpec
from detbench.metrics.specs import PSEUDO_CONFIDENCE
from detbench.plugins.backend import Backend, resolve_deblurrer, resolve_detector
from detbench.results.provenance import environment
from detbench.types import Dataset, Picture


@dataclass(frozen=True)
class RunPlan:
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


def resolve(spec: RunSpec) -> RunPlan:
    """The plan of a run; raises a DetbenchError for any word that means nothing, or nothing that can be done."""
    device = resolve_device(spec.device)
    names = tuple(dict.fromkeys(spec.deblurrers))
    recipe = None if spec.blur is None else parse_picture_recipe(spec.blur)
    deblurrers = tuple(resolve_deblurrer(name, device, spec.precision) for name in names)
    check_arm_names([backend.name for backend in deblurrers])
    detector = resolve_detector(spec.detector, device)
    _check_recorded([detector, *deblurrers], recipe)
    return RunPlan(spec, open_dataset(spec.dataset, spec.repair), recipe, deblurrers, detector, device)


def check_arm_names(names: Sequence[str]) -> None:
    """Arms name files and columns: no two alike, none that is always there, nothing but letters, digits, `_.-`."""
    for name in names:
        if name in ("sharp", "blurred") or not re.fullmatch(r"[\w.-]+", name):
            raise UsageError(f"a deblurrer cannot be called {name!r}: rename it with letters, digits, '_', '.' and '-'")
        if names.count(name) > 1:
            raise UsageError(f"two deblurrers are called {name!r}: rename one of the files")


def recorded_pictures(plan: RunPlan) -> dict[str, Mapping[str, Picture]]:
    """The pictures of each deblurrer that was run elsewhere, by file name.

    Raises DataError where some are missing or not of the blurred picture's size.
    """
    found = {}
    for backend in plan.deblurrers:
        if backend.entry.by_name:
            samples = list(islice(plan.dataset, plan.images))
            found[backend.name] = backend.build().match([sample.file_name for sample in samples])
            for sample in samples:
                check_size(found[backend.name][sample.file_name], sample.blurred, sample.file_name, backend.name)
    return found


def basis_of(plan: RunPlan, names: Mapping[int, str], classes: ClassMap, notes: Sequence[str] = ()) -> Basis:
    """What the run's numbers rest on; `names` are the classes by category id, `classes` how the detector's match, and
    `notes` the detector's, beside those of the dataset's reader.
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
        "resamples": spec.resamples,
        "device": plan.device,
        "precision": spec.precision,
    }


def _check_recorded(backends: Sequence[Backend], recipe: PictureRecipe | None) -> None:
    recorded = [backend.name for backend in backends if backend.entry.by_name]
    if recorded and recipe is not None:
        raise UsageError(
            f"{recorded[0]} was recorded from a dataset's own pictures, and --blur makes others: make the dataset with "
            "`detbench blur`, record from that, and leave --blur out"
        )

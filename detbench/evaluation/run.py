"""The evaluation: a request becomes a plan, the plan is measured, what was measured is scored, scores are written."""

from pathlib import Path

from detbench.core.memory import hand_back_freed_memory, keep_freed_memory
from detbench.core.progress import Hears, Progress, unheard
from detbench.evaluation.measure.detection import open_source
from detbench.evaluation.measure.finished_work import scope_of
from detbench.evaluation.measure.harm import harm_places
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.measure.measuring import Arms, Pictures, measure_pictures
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.precision_choice import settled
from detbench.evaluation.request import WHOLE, Given, RunSpec, Share
from detbench.evaluation.run_files import write_run
from detbench.evaluation.run_plan import (
    RunPlan,
    basis_of,
    check_pictures,
    check_unchanged,
    plan_line,
    recorded_pictures,
    request_of,
    resolve,
)
from detbench.evaluation.score.scoring import score
from detbench.results.cache import Cache
from detbench.results.folder import RUN_NAMES, RunFolder
from detbench.results.request_file import claim_folder
from detbench.results.schema import RunResult


def run(
    spec: RunSpec,
    folder: Path,
    cache: Cache,
    progress: Progress,
    seconds: float | None = None,
    *,
    overwrite: bool = False,
    given: Given | None = None,
    announce: Hears = unheard,
) -> RunResult:
    """Evaluate and write everything of the run folder but the report; `given` are the objects behind the spec's words,
    and `announce` takes the plan's line.

    All that can be known to be wrong is reported before the first picture is touched. An arm that fails on a picture,
    or takes longer than `seconds` for it (None for the defaults of `Stages`), has no numbers but its reason in
    `failed`. Raises a DetbenchError; finished work stays in the cache, so that repeating the command goes on from
    there. A folder that holds another run is refused but with `overwrite`.
    """
    plan = resolve(spec, given)
    run_folder = RunFolder(folder)
    claim_folder(folder, RUN_NAMES, request_of(plan), overwrite=overwrite)
    with scope_of(folder) as scope:
        measured = measure(plan, Stages(cache, seconds, scope, spec.metrics), progress, announce=announce)
        hand_back_freed_memory()  # scoring wants blocks of other sizes
        return conclude(measured, run_folder, cache, progress)


def measure(
    plan: RunPlan, stages: Stages, progress: Progress, share: Share = WHOLE, announce: Hears = unheard
) -> Measurements:
    """What every arm delivers of the pictures of a share, and what the detector finds there."""
    keep_freed_memory()
    places = share.of(plan.images)
    check_pictures(plan.dataset, places, progress)
    deblurrers = [backend.name for backend in plan.deblurrers]
    names, source = open_source(plan.detector, plan.dataset, deblurrers, plan.spec.truth, stages)
    recorded = recorded_pictures(plan)
    pictures = Pictures(plan.dataset, plan.recipe, plan.spec.truth, stages, source)
    plan, on_precision = settled(plan, share, pictures, stages, source)
    arms = Arms(plan.deblurrers, stages, source, recorded.pictures)
    of_harm = harm_places(plan.spec.harm, plan.images)
    extent = pictures.extent(places, of_harm, arms)
    announce(plan_line(plan, places, extent))
    samples, rows = measure_pictures(pictures, places, of_harm, arms, progress, extent)
    check_unchanged(plan, stages.built)
    timeline = getattr(plan.dataset, "timeline", None)
    basis = basis_of(plan, names, source.classes, (*source.notes, *recorded.notes, *on_precision))
    return Measurements(basis, samples, rows, arms.failed, partly_known=stages.partly_known, timeline=timeline)


def conclude(measured: Measurements, run_folder: RunFolder, cache: Cache, progress: Progress) -> RunResult:
    """Score what was measured of all pictures, and write the run folder but the report."""
    scored = score(measured, cache, progress)
    write_run(run_folder, measured, scored)
    return scored.result

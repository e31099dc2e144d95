"""A run by the workers of a Ray cluster: blocks of pictures as tasks, each a shard that its worker hands back.

Ray (https://docs.ray.io) gives a task whose worker died to another; `RAY_ADDRESS` names a cluster, and without it one
is started on this machine. Every machine needs detbench, and the dataset and weights under the same paths.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache as once_per_process
from pathlib import Path
from typing import Any

from detbench.core.progress import Hears, Progress, unheard, unwatched
from detbench.errors import BackendError, UsageError
from detbench.evaluation.measure.finished_work import scope_of
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.merging import conclude_joined
from detbench.evaluation.request import RunSpec, Share
from detbench.evaluation.run import measure
from detbench.evaluation.run_plan import RunPlan, request_of, resolve
from detbench.evaluation.shards import Files, pack, unpack
from detbench.results.cache import Cache
from detbench.results.folder import RUN_NAMES, RunFolder
from detbench.results.request_file import claim_folder
from detbench.results.schema import RunResult

BLOCK_IMAGES = 16
"""Pictures of a task: as many as are done again, at most, where a worker dies without a shared cache."""

TRIES_AGAIN = 3
"""How often a block goes to another worker after one died of it."""


@dataclass(frozen=True)
class _Work:
    """What all blocks of a run have in common: the request, the cache, and the mark of the run folder."""

    spec: RunSpec
    cache_folder: Path
    fresh: bool
    seconds: float | None
    scope: str


def run_on_ray(
    spec: RunSpec,
    folder: Path,
    cache: Cache,
    progress: Progress,
    seconds: float | None = None,
    *,
    overwrite: bool = False,
    announce: Hears = unheard,
) -> RunResult:
    """Evaluate on a Ray cluster and write everything of the run folder but the report.

    As `run` does it, and with the same numbers. Raises UsageError where Ray is not installed, BackendError where
    workers keep dying of one block.
    """
    ray = _ray()
    # What the words mean is checked here, where there may be no GPU; each worker resolves its own device.
    plan = resolve(replace(spec, device="cpu"))
    claim_folder(folder, RUN_NAMES, request_of(plan), overwrite=overwrite)
    alike = replace(spec, precision=plan.precision)  # `auto` may be another on each machine
    blocks = -(-plan.images // BLOCK_IMAGES)
    names = ", ".join(backend.name for backend in plan.deblurrers)
    announce(
        f"{plan.dataset.name}, {plan.images:,} pictures in {blocks} blocks × {names}; detector {plan.detector.name}."
    )
    shares = [Share(number, blocks) for number in range(1, blocks + 1)]
    with scope_of(folder) as scope:
        files = _measured(ray, _Work(alike, cache.folder.absolute(), cache.fresh, seconds, scope), shares, progress)
        shards = [unpack(each.__getitem__, f"block {share}") for each, share in zip(files, shares, strict=True)]
        return conclude_joined(shards, RunFolder(folder), cache, progress)


def _measured(ray: Any, work: _Work, shares: Sequence[Share], progress: Progress) -> list[Files]:
    """Every share's files, in the order of `shares`, by a cluster that is joined for it."""
    with contextlib.redirect_stdout(sys.stderr):  # where Ray tells of workers that died
        # Without an address Ray would also take up a cluster of which this machine still has a note.
        ray.init(os.environ.get("RAY_ADDRESS", "local"), log_to_driver=False, configure_logging=False)
        try:
            return _from_workers(ray, work, shares, progress)
        finally:
            ray.shutdown()


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when it is imported
    try:
        import ray
    except ImportError:
        raise UsageError("--engine ray needs Ray: pip install 'detbench[ray]'") from None
    return ray


def _from_workers(ray: Any, work: _Work, shares: Sequence[Share], progress: Progress) -> list[Files]:
    """Every share's files, in the order of `shares`."""
    gpus = 1 if work.spec.device != "cpu" and ray.cluster_resources().get("GPU") else 0
    block = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=TRIES_AGAIN)(_block)
    tasks = [block.remote(work, share, Path.cwd()) for share in shares]
    waiting = tasks
    try:
        while waiting:
            progress("blocks", len(tasks) - len(waiting), len(tasks))
            done, waiting = ray.wait(waiting)
            ray.get(done)
        progress("blocks", len(tasks), len(tasks))
        return list(ray.get(tasks))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise BackendError(
            f"a worker died {TRIES_AGAIN + 1} times of one block ({type(error).__name__}): memory ran out, or a "
            "backend ended its process. Run that block's pictures with --engine local to see which"
        ) from error


def _block(work: _Work, share: Share, working_folder: Path) -> Files:
    """What a worker does: measure one share and hand over its files."""
    with contextlib.chdir(working_folder):
        plan, stages = _prepared(work)
        return pack(measure(plan, stages, unwatched, share), share)


@once_per_process
def _prepared(work: _Work) -> tuple[RunPlan, Stages]:
    """Networks are built and pictures hashed once, however many blocks a worker is given."""
    cache = Cache(work.cache_folder, fresh=work.fresh)
    return resolve(work.spec), Stages(cache, work.seconds, work.scope, work.spec.metrics)

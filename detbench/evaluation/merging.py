"""Shards of one run joined: nothing missing, nothing counted twice, and scored as if one machine had measured it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from detbench.core.arm import Arm
from detbench.core.images import write_atomically
from detbench.core.progress import Progress
from detbench.errors import DataError, NotEvaluableError, UsageError
from detbench.evaluation.measure.measured import Basis, Measurements, drop_unpaired
from detbench.evaluation.run import conclude
from detbench.evaluation.shards import Shard, read_shard
from detbench.results.cache import Cache
from detbench.results.folder import RUN_NAMES, RunFolder
from detbench.results.request_file import Request, claim_folder, read_request, specified
from detbench.results.schema import PartlyKnown, RunResult

OWN_TO_A_MACHINE = ("platform", "device_name")
"""Entries of the environment in which shards may differ; the whole run names them all."""


def merge(
    folders: Sequence[Path], folder: Path, cache: Cache, progress: Progress, *, overwrite: bool = False
) -> RunResult:
    """Join the shards in `folders` and write everything of the run folder but the report.

    Raises DataError for a damaged shard, UsageError where one is named twice and where the folder holds another run
    that is not to be overwritten, NotEvaluableError where some are missing or are not of one run.
    """
    run_folder = RunFolder(folder)
    run_folder.check_writable()
    shards = []
    for number, path in enumerate(folders):
        progress("shards", number, len(folders))
        shards.append(read_shard(path))
    progress("shards", len(folders), len(folders))
    measured = joined(shards)
    claim_folder(folder, RUN_NAMES, _request(folders, shards), overwrite=overwrite)
    return _concluded(measured, shards, run_folder, cache, progress)


def conclude_joined(shards: Sequence[Shard], run_folder: RunFolder, cache: Cache, progress: Progress) -> RunResult:
    """Score the shards as one run and write its folder, with the pictures that they kept for its report."""
    return _concluded(joined(shards), shards, run_folder, cache, progress)


def _request(folders: Sequence[Path], shards: Sequence[Shard]) -> Request:
    """What the first share of the pictures was asked for."""
    first, folder = min(zip(shards, folders, strict=True), key=lambda pair: pair[0].share.index)
    return read_request(folder) or specified(first.measured.basis.specification)


def _concluded(
    measured: Measurements, shards: Sequence[Shard], run_folder: RunFolder, cache: Cache, progress: Progress
) -> RunResult:
    for shard in shards:
        for name, jpeg in shard.jpegs.items():
            write_atomically(run_folder.path / name, jpeg)
    return conclude(measured, run_folder, cache, progress)


def joined(shards: Sequence[Shard]) -> Measurements:
    """All pictures in the dataset's order, whatever order the shards come in."""
    _check_shares(shards)
    basis = _common_basis(shards)
    order = _in_order(shards, basis.images)
    failed = _failed(shards)
    arms = _common_arms([shard for shard in shards if shard.measured.samples], failed)
    samples = [measured.samples[index] for measured, index in order]
    if len({sample.id for sample in samples}) != len(samples):
        raise DataError("a picture id is there twice; measure the shards again")
    found = {(arm, row.sample.id): row for shard in shards for arm in arms for row in shard.measured.rows.get(arm, ())}
    rows = {arm: [found[arm, each.id] for each in samples if (arm, each.id) in found] for arm in arms}
    kept = {number for shard in shards for number in shard.kept}
    return Measurements(basis, samples, drop_unpaired(rows), failed, kept, _partly_known(shards))


def _partly_known(shards: Sequence[Shard]) -> dict[str, PartlyKnown]:
    """What is not fully known in some shard, with the reused steps of all."""
    joined: dict[str, PartlyKnown] = {}
    for shard in shards:
        for name, each in shard.measured.partly_known.items():
            before = joined.get(name, PartlyKnown(each.reason, 0))
            joined[name] = replace(before, reused_steps=before.reused_steps + each.reused_steps)
    return joined


def _failed(shards: Sequence[Shard]) -> dict[str, str]:
    """An arm that failed in one shard has failed; the first shard in which it did says why."""
    failed: dict[str, str] = {}
    for shard in sorted(shards, key=lambda shard: shard.share.index):
        failed = {**shard.measured.failed, **failed}
    return failed


def _common_arms(shards: Sequence[Shard], failed: Mapping[str, str]) -> list[Arm]:
    """The arms that every shard has which should; raises DataError where one lacks an arm that failed in none."""
    arms = list(dict.fromkeys(arm for shard in shards for arm in shard.measured.rows))
    without = {
        arm: shard
        for shard in shards
        for arm in arms
        if arm not in shard.measured.rows and (shard.measures_harm or not arm.is_on_sharp)
    }
    for arm, shard in without.items():
        if failed.keys().isdisjoint({arm.picture, arm.deblurrer}):
            raise DataError(f"{shard.where}: lacks the arm {arm}, which other shards have; measure it again")
    return [arm for arm in arms if arm not in without]


def _check_shares(shards: Sequence[Shard]) -> None:
    first, seen = shards[0], dict[int, Shard]()
    for shard in shards:
        if shard.share.count != first.share.count:
            raise NotEvaluableError(
                f"{first.where} is shard {first.share} and {shard.where} shard {shard.share}: not of one division"
            )
        if shard.share.index in seen:
            twin = seen[shard.share.index]
            raise UsageError(f"{twin.where} and {shard.where} are both shard {shard.share}; name each shard once")
        seen[shard.share.index] = shard
    count = first.share.count
    missing = count - len(seen)
    if missing:
        first_ones = islice((f"{index}/{count}" for index in range(1, count + 1) if index not in seen), 5)
        named = ", ".join(first_ones) + (", …" if missing > 5 else "")
        raise NotEvaluableError(
            f"{missing} of {count} shards missing ({named}): measure each with `detbench run … --shard`, and name its "
            "folder too"
        )


def _common_basis(shards: Sequence[Shard]) -> Basis:
    """What all shards rest on, every machine named; raises NotEvaluableError where they rest on different things."""
    ordered = sorted(shards, key=lambda shard: shard.share.index)
    first = ordered[0]
    for shard in ordered[1:]:
        found = _first_difference(_comparable(first.measured.basis), _comparable(shard.measured.basis))
        if found:
            raise NotEvaluableError(
                f"{first.where} and {shard.where} are not of one run, their {found}. Measure one of them again"
            )
    environments = [shard.measured.basis.environment for shard in ordered]
    named = {key: " + ".join(dict.fromkeys(str(each.get(key)) for each in environments)) for key in OWN_TO_A_MACHINE}
    return replace(first.measured.basis, environment={**environments[0], **named})


def _comparable(basis: Basis) -> dict[str, Any]:
    alike = {key: value for key, value in basis.environment.items() if key not in OWN_TO_A_MACHINE}
    return {**asdict(basis), "environment": alike}


def _first_difference(one: Any, other: Any, place: str = "") -> str:
    """Where two values first differ, and how; empty where they do not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = dict.fromkeys([*one, *other])
        return next(filter(None, (_first_difference(one.get(k), other.get(k), f"{place} {k}") for k in keys)), "")
    return "" if one == other else f"{place.strip()} being {one!r} and {other!r}"


def _in_order(shards: Sequence[Shard], images: int) -> list[tuple[Measurements, int]]:
    """Each place's picture as (shard's rows, index in them); raises DataError where a shard has not just its share."""
    order: dict[int, tuple[Measurements, int]] = {}
    for shard in shards:
        places, found = shard.share.of(images), len(shard.measured.samples)
        if found != len(places):
            raise DataError(f"{shard.where}: {found} pictures where its share has {len(places)}; measure it again")
        order.update({place: (shard.measured, index) for index, place in enumerate(places)})
    return [order[place] for place in range(images)]

"""Arms of two runs held against each other over the pictures that both have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from detbench.core.arm import Arm
from detbench.metrics.columns import TrueColumns, found_columns, joined, true_columns
from detbench.metrics.evidence import ByMetric, Evidence, numbers_of_folds, p_values
from detbench.metrics.jackknifed import JackknifedNumbers, estimated
from detbench.metrics.ranking import Ranking, ranked, trimmed
from detbench.metrics.resampled import Draws, defined
from detbench.metrics.uncertainty import EXCHANGES
from detbench.report.shown import damage_named
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, Difference, RunResult, adjusted

_Record = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Run:
    """A run folder as a comparison needs it; `name` is the folder's."""

    name: str
    folder: RunFolder
    result: RunResult

    @property
    def detector(self) -> tuple[Any, Any]:
        """What tells detectors apart: name and weights."""
        return self.result.detector.get("name"), self.result.detector.get("weights_sha256")

    @property
    def pictures(self) -> tuple[str, str]:
        """What tells sets of blurred pictures apart, a limit aside: the dataset as it was opened, and the blur."""
        return self.result.data.source_fingerprint, str(self.result.specification.get("blur"))


@dataclass(frozen=True)
class Pair:
    """mAP of an arm of one run minus that of an arm of another, over the pictures that both have; p-values are adjusted
    over all pairs of deblurrers.
    """

    run: str
    against_run: str
    change: Difference


def read_run(folder: Path) -> Run:
    """A finished run; raises DataError naming what is missing or damaged."""
    files = RunFolder(folder)
    return Run(folder.resolve().name, files, files.read_result())


def pairs_of(runs: Sequence[Run]) -> tuple[Pair, ...]:
    """Every pair of arms that differ in one thing, the deblurrer or the detector, over the pictures that are shared.

    Raises DataError naming a file that is missing or damaged.
    """
    found = [(one.name, other.name, change) for one, other in combinations(runs, 2) for change in _between(one, other)]
    changes = adjusted([change for _, _, change in found])
    return tuple(Pair(one, other, change) for (one, other, _), change in zip(found, changes, strict=True))


def _between(one: Run, other: Run) -> Iterator[Difference]:
    arms = list(_arms_to_pair(one, other))
    if one.pictures != other.pictures or not arms:
        return
    shared = _shared(one, other)
    if not shared:
        return
    of_one, of_other = _jackknifed(one, shared), _jackknifed(other, shared)
    for ours, theirs in arms:
        difference = of_one.paired(Arm.named(ours))["map"] - of_other.paired(Arm.named(theirs))["map"]
        estimate = estimated(defined(difference[0]), len(shared), difference)
        p_of = p_values(_evidence(one, Arm.named(ours), shared), _evidence(other, Arm.named(theirs), shared), EXCHANGES)
        yield Difference(ours, theirs, "map", estimate, p_of.get("map"))


def _arms_to_pair(one: Run, other: Run) -> Iterator[tuple[str, str]]:
    """Under one detector different deblurrers, under two detectors the same arms."""
    for ours in one.result.arms:
        for theirs in other.result.arms:
            is_same = ours.name == theirs.name and _backend(ours) == _backend(theirs)
            if one.detector != other.detector:
                if is_same:
                    yield ours.name, theirs.name
            elif ours.kind == theirs.kind == "deblurrer" and not is_same:
                yield ours.name, theirs.name


def _backend(arm: ArmResult) -> tuple[Any, Any]:
    backend = arm.backend or {}
    return backend.get("name"), backend.get("weights_sha256")


def _shared(one: Run, other: Run) -> tuple[int, ...]:
    """Ids of the pictures that have the same name and the same true boxes in both runs."""
    ours, theirs = (_contents(run) for run in (one, other))
    return tuple(sorted(number for number in ours.keys() & theirs.keys() if ours[number] == theirs[number]))


def _contents(run: Run) -> dict[int, list[Any]]:
    truth = run.folder.read_json("truth.json")
    with damage_named(run.folder.path / "truth.json"):
        names = {category["id"]: category["name"] for category in truth["categories"]}
        contents: dict[int, list[Any]] = {image["id"]: [image["file_name"]] for image in truth["images"]}
        for each in truth["annotations"]:
            contents[each["image_id"]].append((names[each["category_id"]], each["bbox"], each["iscrowd"]))
        return contents


def _jackknifed(run: Run, shared: Sequence[int]) -> JackknifedNumbers:
    """mAP of a run's arms over the shared pictures."""

    def numbers(arm: Arm, weights: Draws) -> tuple[ByMetric, ByMetric]:
        return numbers_of_folds(_evidence(run, arm, shared), weights, ("all",))

    return JackknifedNumbers([Arm.named(arm.name) for arm in run.result.arms], numbers, len(shared))


def _evidence(run: Run, arm: Arm, shared: Sequence[int]) -> Evidence:
    """What an arm's mAP follows from, and nothing else."""
    return Evidence(_ranking(run, arm, shared), np.zeros((len(shared), 3), np.int64), {})


def _ranking(run: Run, arm: Arm, shared: Sequence[int]) -> Ranking:
    truth, folder = _truth(run, shared), run.folder
    with damage_named(folder.path / f"detections/{arm}.json"):
        pieces = (_of(results, shared) for results in folder.read_detections(arm.name))
        return trimmed(ranked(truth, joined(found_columns(results, truth) for results in pieces)))


def _truth(run: Run, shared: Sequence[int]) -> TrueColumns:
    truth = run.folder.read_json("truth.json")
    with damage_named(run.folder.path / "truth.json"):
        images = [{"id": number} for number in shared]
        return true_columns({**truth, "images": images, "annotations": _of(truth["annotations"], shared)})


def _of(records: Sequence[_Record], shared: Sequence[int]) -> list[_Record]:
    wanted = set(shared)
    return [record for record in records if record["image_id"] in wanted]

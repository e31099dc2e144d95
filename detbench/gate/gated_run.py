"""What a run measured, picture by picture: as much of a run folder as the gate needs, checked before it is believed."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detbench.core.arm import SHARP, Arm
from detbench.errors import DataError, NotEvaluableError
from detbench.metrics.columns import TrueColumns
from detbench.metrics.evidence import ByMetric, Evidence, numbers_of_folds, point_numbers
from detbench.metrics.image_metrics import image_metrics
from detbench.metrics.jackknifed import JackknifedNumbers, harm_arms
from detbench.metrics.matching import AREAS
from detbench.metrics.ranking import Ranking, ranked, trimmed
from detbench.metrics.resampled import Draws
from detbench.metrics.uncertainty import leave_out
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, RunResult

_ROUNDING = 1e-9
"""How far a stated number may be from the one that its own evidence gives."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One run. `ground` says what it was measured on and by whom, `definitions` what each metric is;
    `values` holds every number by arm and metric, None where undefined; `evidence` is what stands behind them by arm,
    the deblurrers on sharp pictures among them; `image_ids` are the pictures, in its order. `failed` says why arms that
    were requested are not there. `harm_ids` are those of the pictures that harm is over, ascending, None for all: the
    evidence of deblurrers on sharp pictures has no others.
    """

    ground: Mapping[str, Any]
    definitions: Mapping[str, str]
    image_ids: tuple[int, ...]
    values: Mapping[str, Mapping[str, float | None]]
    evidence: Mapping[str, Evidence]
    failed: Mapping[str, str] = field(default_factory=dict)
    harm_ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        ids = self.pictures_of("harm")
        if not set(ids) <= set(self.image_ids) or list(ids) != sorted(set(ids)):
            raise ValueError("harm is over pictures that are not there, or over one twice")
        if any(len(each.counts) != len(ids) for arm, each in self.evidence.items() if Arm.named(arm).is_on_sharp):
            raise ValueError("harm is not over the pictures on which it was measured")

    def pictures_of(self, metric: str) -> tuple[int, ...]:
        """The ids of the pictures that a metric is over."""
        return self.image_ids if metric != "harm" or self.harm_ids is None else self.harm_ids

    def check(self, where: str) -> None:
        """Raise NotEvaluableError unless every stated number is what the evidence gives."""
        for arm, stated in self.values.items():
            for key, given in self._given(arm).items():
                if not _same(stated.get(key), given):
                    raise NotEvaluableError(
                        f"cannot judge: {where} says {key} {stated.get(key)} of arm {arm!r}, but its own matches give "
                        f"{given}: it was changed after it was written, or by another version. Make it again"
                    )

    def jackknifed(self, metrics: Collection[str], weights_of: Callable[[int], Draws] = leave_out) -> JackknifedNumbers:
        """Its numbers with pictures left out, or over draws: of the metrics named, and of all without a size class."""
        areas = [area for area in AREAS if area == "all" or any(metric.endswith(area) for metric in metrics)]

        def of(arms: Mapping[Arm, Evidence], metric: str, for_harm: JackknifedNumbers | None) -> JackknifedNumbers:
            def numbers(arm: Arm, weights: Draws) -> tuple[ByMetric, ByMetric]:
                return numbers_of_folds(arms[arm], weights, areas)

            return JackknifedNumbers(arms, numbers, len(self.pictures_of(metric)), weights_of, for_harm)

        whole = {arm: each for arm, each in self._by_arm().items() if not arm.is_on_sharp}
        return of(whole, "map", of(self._for_harm(), "harm", None))

    def _by_arm(self) -> dict[Arm, Evidence]:
        return {Arm.named(name): each for name, each in self.evidence.items()}

    def _for_harm(self) -> dict[Arm, Evidence]:
        return harm_arms(self._by_arm(), np.searchsorted(self.image_ids, self.pictures_of("harm")))

    def _given(self, arm: str) -> dict[str, float | None]:
        """The numbers that follow from the evidence alone."""
        given, for_harm, on_sharp = point_numbers(self.evidence[arm]), self._for_harm(), Arm("sharp", arm)
        if on_sharp in for_harm:
            sharp, harmed = (point_numbers(for_harm[each])["map"] for each in (SHARP, on_sharp))
            given["harm"] = None if sharp is None or harmed is None else sharp - harmed
        return given


def measured_in(folder: Path) -> Measured:
    """A run folder's measurement.

    Raises DataError where there is no such run, NotEvaluableError where its files are damaged or contradict each other.
    """
    run = RunFolder(folder)
    if folder.is_file():
        raise DataError(f"{folder}: a file; name the folder of its run, {folder.parent}")
    if not (folder / "result.json").is_file():
        raise DataError(f"{folder}: no run's folder; `detbench run` prints it last")
    try:
        result = run.read_result()
        measured = _read(run, result)
    except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotEvaluableError(f"cannot judge: {folder} is damaged ({error}). Run `detbench run` again") from error
    _refuse_reused(result, folder)
    measured.check(str(folder / "result.json"))
    return measured


def _refuse_reused(result: RunResult, folder: Path) -> None:
    """Numbers that rest on earlier work of a backend whose files are not all known may be those of another state."""
    for name, each in result.partly_known.items():
        if each.reused_steps:
            raise NotEvaluableError(
                f"cannot judge: {folder} has {each.reused_steps} steps of {name} from an interrupted run, and {name} "
                f"may have changed since ({each.reason}). Run again with --fresh"
            )


def _read(run: RunFolder, result: RunResult) -> Measured:
    truth, images = run.read_truth(), run.read_images()
    evidence = {arm.name: _evidence(run, arm, truth, images) for arm in result.arms}
    if "sharp" in evidence:
        harmful = [arm.name for arm in result.arms if "harm" in arm.metrics and arm.metrics["harm"].value is not None]
        ids = truth.image_ids if result.harm_ids is None else result.harm_ids
        places = np.flatnonzero(np.isin(truth.image_ids, ids))
        evidence |= {Arm("sharp", name).name: _evidence_on_sharp(run, name, truth, places) for name in harmful}
    return Measured(
        ground=_ground(result),
        definitions=result.definitions,
        image_ids=tuple(truth.image_ids.tolist()),
        values={arm.name: {key: each.value for key, each in arm.metrics.items()} for arm in result.arms},
        evidence=evidence,
        failed=result.failed,
        harm_ids=result.harm_ids,
    )


def _ground(result: RunResult) -> dict[str, Any]:
    """What two runs must share to be compared. Versions of libraries may move on."""
    return {
        "images": result.data.images,
        "truth": result.specification.get("truth"),
        "detector": result.detector.get("name"),
        "detector_weights_sha256": result.detector.get("weights_sha256"),
        "dataset": result.data.name,
        "fingerprint": result.data.fingerprint,
    }


def _evidence(run: RunFolder, arm: ArmResult, truth: TrueColumns, images: pd.DataFrame) -> Evidence:
    """An arm's matches from its detections, the rest from its rows of `images.csv`."""
    rows = images[images["arm"] == arm.name].set_index("image_id")
    if sorted(rows.index) != truth.image_ids.tolist():
        raise ValueError(f"images.csv lacks pictures of arm {arm.name!r}, or holds some twice")
    rows = rows.loc[truth.image_ids]
    paired = (key for key, metric in image_metrics().items() if metric.spec.is_paired and key in arm.metrics)
    quality = {key: rows[key].to_numpy(np.float64) for key in paired}
    return Evidence(_ranking(run, arm.name, truth), rows[["tp", "fp", "fn"]].to_numpy(np.int64), quality)


def _evidence_on_sharp(run: RunFolder, deblurrer: str, truth: TrueColumns, places: NDArray[np.int64]) -> Evidence:
    """A deblurrer on the sharp pictures at these places: matches alone, for its harm."""
    counts = np.zeros((len(truth.image_ids), 3), np.int64)
    return Evidence(_ranking(run, Arm("sharp", deblurrer).name, truth), counts, {}).among(places)


def _ranking(run: RunFolder, arm: str, truth: TrueColumns) -> Ranking:
    return trimmed(ranked(truth, run.read_found(arm, truth)))


def _same(stated: object, given: float | None) -> bool:
    """Whether a file, where anything may stand, says a number that was computed."""
    if given is None or not isinstance(stated, int | float):
        return stated is given
    return math.isclose(stated, given, rel_tol=0, abs_tol=_ROUNDING)

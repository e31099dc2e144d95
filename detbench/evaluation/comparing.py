"""Results of several detectors over the same pictures: numbers with intervals, paired differences, and flips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.fingerprints import file_sha256
from detbench.datasets.true_records import TrueRecords
from detbench.detectors.recorded_detections import read_results
from detbench.evaluation.score.flips import flips_between
from detbench.metrics.claims import ALPHA, holm
from detbench.metrics.columns import FoundColumns, Records, TrueColumns, found_columns, true_columns
from detbench.metrics.error_kinds import error_kinds
from detbench.metrics.evidence import ByMetric, Evidence, numbers_of_folds, p_values
from detbench.metrics.jackknifed import estimated
from detbench.metrics.matching import match
from detbench.metrics.ranking import ranked
from detbench.metrics.resampled import Draws, defined, unit_weights
from detbench.metrics.specs import CONFIDENCE, METRICS
from detbench.metrics.uncertainty import leave_out
from detbench.results.analysis_schema import ErrorCost
from detbench.results.cache import digest
from detbench.results.compared_files import ComparedFile, ComparedTruth, FilesCompared, Flips, compared_to_json
from detbench.results.folder import RunFolder
from detbench.results.schema import Difference
from detbench.types import Estimate

CUT_SCORE = 0.1
"""mAP counts boxes of any score: a file without any below this, beside one that has them, has lost some of its mAP."""

FEW_PICTURES = 0.5
"""A file with detections in fewer pictures than this share of another's may be of a part of the dataset."""


def compare_files(true: TrueRecords, paths: Mapping[str, Path], resamples: int, folder: RunFolder) -> FilesCompared:
    """Hold results files by name against true boxes and each other, and write the comparison's folder but the report.

    Raises DataError where a file is no list of COCO results, or is not of this dataset.
    """
    results, notes = read_results(paths, true.samples, true.classes, true.id_source)
    judged = JudgedFiles(true.document, results, resamples)
    compared = judged.compared(true.name, paths, (*true.notes, *notes))
    folder.write_images(judged.image_rows())
    folder.write_flips(judged.flip_rows())
    folder.write_json("comparison.json", compared_to_json(compared))
    return compared


@dataclass(frozen=True, eq=False)
class Judged:
    """One file's found boxes and what came of them; `is_taken` (M,) says which true boxes it finds at the stated
    confidence and IoU; `own` and `paired` are its numbers, see `numbers_of_folds`.
    """

    found: FoundColumns
    evidence: Evidence
    is_taken: NDArray[np.bool_]
    own: ByMetric
    paired: ByMetric

    def metrics(self) -> dict[str, Estimate]:
        """Each metric with its interval."""
        pictures = len(self.evidence.counts)
        return {
            key: estimated(defined(values[0]), pictures, values, METRICS[key].limits)
            for key, values in self.own.items()
        }


class JudgedFiles:
    """Files by name, all held against one truth and with the same of its pictures left out.

    `document` is COCO's instances format, `results` COCO's results of each file with its ids. Numbers over the pictures
    as they are equal pycocotools'. `pairs` are (later, earlier): what is said of a pair is said of the later file.
    """

    def __init__(self, document: Mapping[str, Any], results: Mapping[str, Records], resamples: int) -> None:
        self.truth, self._document, self._resamples = true_columns(document), document, resamples
        pictures = len(self.truth.image_ids)
        weights = leave_out(pictures) if resamples else unit_weights(pictures)
        self.files = {name: _judged(self.truth, found, weights) for name, found in results.items()}
        self.pairs = [(later, earlier) for earlier, later in combinations(results, 2)]
        self._names = {image["id"]: image["file_name"] for image in document["images"]}
        self._classes = {category["id"]: category["name"] for category in document["categories"]}

    def compared(self, truth_name: str, files: Mapping[str, Path], notes: Sequence[str]) -> FilesCompared:
        """Everything that is said of the files, which lie at `files`; `notes` go before those of the results."""
        data = ComparedTruth(truth_name, digest(self._document), len(self.truth.image_ids), len(self.truth.ids))
        of_files = tuple(self._file(name, path) for name, path in files.items())
        definitions = {key: METRICS[key].definition for key in of_files[0].metrics}
        notes = (*notes, *self._notes({each.name: each.sha256 for each in of_files}))
        return FilesCompared(data, self._resamples, of_files, self.differences(), self.flips(), definitions, notes)

    def _file(self, name: str, path: Path) -> ComparedFile:
        each = self.files[name]
        return ComparedFile(
            name, str(path), file_sha256(path), len(each.found.scores), each.metrics(), self._errors(name)
        )

    def _errors(self, name: str) -> dict[str, ErrorCost]:
        """A file's errors by kind."""
        kinds = error_kinds(self.truth, self.files[name].found)
        return {kind: ErrorCost(error.count, error.cost) for kind, error in kinds.items()}

    def differences(self) -> tuple[Difference, ...]:
        """Every metric of every pair, pair by pair."""
        p_of = {pair: self._p_values(*pair) for pair in self.pairs}
        keys = list(next(iter(self.files.values())).own)
        holm_of = {key: holm({pair: p_of[pair].get(key) for pair in self.pairs}) for key in keys}
        return tuple(
            self._difference(pair, key, p_of[pair].get(key), holm_of[key][pair]) for pair in self.pairs for key in keys
        )

    def flips(self) -> tuple[Flips, ...]:
        """How many true boxes one of each pair finds and the other misses."""
        taken = {name: each.is_taken for name, each in self.files.items()}
        return tuple(
            Flips(one, other, int((taken[one] & ~taken[other]).sum()), int((taken[other] & ~taken[one]).sum()))
            for one, other in self.pairs
        )

    def flip_rows(self) -> list[dict[str, Any]]:
        """The rows of `flips.csv`."""
        return [
            {"arm": one, "against": other, **flip}
            for one, other in self.pairs
            for flip in flips_between(self.files[other].is_taken, self.files[one].is_taken, self.truth, self._classes)
        ]

    def image_rows(self) -> list[dict[str, Any]]:
        """The rows of `images.csv`: true and false positives and misses, picture by picture, file by file."""
        counts = {name: each.evidence.counts.tolist() for name, each in self.files.items()}
        return [
            {"image_id": number, "file_name": self._names[number], "arm": name}
            | dict(zip(("tp", "fp", "fn"), counts[name][place], strict=True))
            for place, number in enumerate(self.truth.image_ids.tolist())
            for name in self.files
        ]

    def _notes(self, sha256: Mapping[str, str]) -> Iterator[str]:
        """What may make the files alike or unlike for other reasons than their detectors, as sentences."""
        yield from (
            f"{one} and {other} hold the same bytes" for one, other in self.pairs if sha256[one] == sha256[other]
        )
        yield from _cut_notes({name: each.found.scores for name, each in self.files.items()})
        yield from _coverage_notes({name: len(np.unique(each.found.picture)) for name, each in self.files.items()})
        if self._resamples and len(self.pairs) / (1 + self._resamples) >= ALPHA:
            yield (
                f"{self._resamples} resamples are too few to show any difference among {len(self.pairs)} pairs: "
                f"--resamples {round(2 * len(self.pairs) / ALPHA)} or more can"
            )

    def _p_values(self, one: str, other: str) -> Mapping[str, float | None]:
        if not self._resamples:
            return {}
        return p_values(self.files[one].evidence, self.files[other].evidence, self._resamples)

    def _difference(self, pair: tuple[str, str], key: str, p_value: float | None, p_holm: float | None) -> Difference:
        ours, theirs = (self.files[name].paired[key] for name in pair)
        estimate = estimated(defined(ours[0] - theirs[0]), len(self.truth.image_ids), ours - theirs)
        return Difference(*pair, key, estimate, p_value, p_holm)


def _judged(truth: TrueColumns, results: Records, weights: Draws) -> Judged:
    found = found_columns(results, truth)
    matches = match(truth, found)
    evidence = Evidence(ranked(truth, found), matches.counts(CONFIDENCE), {})
    own, paired = numbers_of_folds(evidence, weights, ("all",))
    own = {key: own[key] for key in METRICS if key in own}
    return Judged(found, evidence, matches.is_taken(CONFIDENCE), own, paired)


def _cut_notes(scores: Mapping[str, NDArray[np.float64]]) -> Iterator[str]:
    lowest = {name: float(values.min()) for name, values in scores.items() if len(values)}
    for name, least in lowest.items():
        others = {other: low for other, low in lowest.items() if low < CUT_SCORE}
        if least >= CUT_SCORE and others:
            other = min(others, key=lambda each: others[each])
            yield (
                f"{name} holds no detection below score {least:.2g}, and {other} goes down to {others[other]:.2g}: mAP "
                "and AR count all scores, so write both from the same one (.001 is usual)"
            )


def _coverage_notes(pictures: Mapping[str, int]) -> Iterator[str]:
    most = max(pictures, key=lambda name: pictures[name])
    for name, count in pictures.items():
        if count < FEW_PICTURES * pictures[most]:
            yield (
                f"{name} has detections in {count:,} pictures, and {most} in {pictures[most]:,}: what it was not run "
                "on counts as missed"
            )

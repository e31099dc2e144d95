"""A shard: what one machine measured of its share of a run's pictures, as a folder that any machine can read.

    request.json       what the run was asked for, as a run's folder has it
    shard.json         which share of how many, what the run rests on, and the digest of the lines
    pictures.jsonl     one line per picture: its true boxes, and in every arm detections, likeness and time
    pictures/*.jpg     the pictures that a report would show of this share

The pictures that the whole run's report shows, those with the most gained and lost, are among the shards' own.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Set
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import get_args

import msgspec

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.core.files import is_file, read_bytes
from detbench.core.images import write_atomically
from detbench.core.progress import Hears, Progress, unheard
from detbench.errors import DataError, UsageError
from detbench.evaluation.measure.finished_work import scope_of
from detbench.evaluation.measure.measured import ArmPicture, Basis, Measurements
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.measure.truth import Truth
from detbench.evaluation.request import RunSpec, Share
from detbench.evaluation.run import measure
from detbench.evaluation.run_plan import check_arm_names, request_of, resolve
from detbench.evaluation.score.arm_evidence import matches_of
from detbench.evaluation.score.shown_pictures import shown_ids
from detbench.evaluation.score.true_boxes import true_columns_of
from detbench.evaluation.shard_records import picture_line, read_picture_line
from detbench.metrics.specs import CONFIDENCE
from detbench.results.cache import Cache
from detbench.results.folder import REQUEST, shown_jpeg, shown_name
from detbench.results.request_file import claim_folder
from detbench.results.schema import PartlyKnown
from detbench.types import Sample

SCHEMA = 1
MOST_RESAMPLES = 10**6
_HEAD, _LINES, _PICTURES = "shard.json", "pictures.jsonl", "pictures"

Files = Mapping[str, bytes]
"""A shard's files, content by name within its folder; what travels between processes."""


@dataclass(frozen=True, eq=False)
class Shard:
    """A share of a run; `where` is what messages call it, `kept` are the ids of the pictures that it would show, and
    `jpegs` has those in every arm by their names within the folder.
    """

    where: str
    share: Share
    measured: Measurements
    kept: Set[int]
    jpegs: Files

    @property
    def measures_harm(self) -> bool:
        """Whether harm is measured on some picture of the share."""
        basis = self.measured.basis
        return any(place in basis.harm_places for place in self.share.of(basis.images))


@dataclass(frozen=True)
class _Head:
    """The content of `shard.json`."""

    schema: int
    share: tuple[int, int]
    basis: Basis
    failed: dict[str, str]
    lines_sha256: str
    partly_known: dict[str, PartlyKnown]


def run_shard(
    spec: RunSpec,
    share: Share,
    folder: Path,
    cache: Cache,
    progress: Progress,
    seconds: float | None = None,
    *,
    overwrite: bool = False,
    announce: Hears = unheard,
) -> Mapping[str, str]:
    """Measure a share of a run and write its folder; returns why arms failed, by name.

    Raises what a run raises, at the same moments.
    """
    plan = resolve(spec)
    claim_folder(folder, {REQUEST, _HEAD, _LINES, _PICTURES}, request_of(plan), overwrite=overwrite)
    with scope_of(folder) as scope:
        measured = measure(plan, Stages(cache, seconds, scope, spec.metrics), progress, share, announce)
        write_shard(pack(measured, share), folder)
    return measured.failed


def pack(measured: Measurements, share: Share) -> Files:
    """The files of a shard, `shard.json` last: the one that says the others are whole."""
    by_picture: dict[int, list[ArmPicture]] = {}
    for row in chain.from_iterable(measured.rows.values()):
        by_picture.setdefault(row.sample.id, []).append(row)
    lines = b"".join(picture_line(sample, by_picture[sample.id]) for sample in measured.samples)
    shown = {shown_name(picture): picture for row in _shown(measured) for picture in row.pictures}
    sha256 = hashlib.sha256(lines).hexdigest()
    head = asdict(
        _Head(
            SCHEMA,
            (share.index, share.count),
            measured.basis,
            dict(measured.failed),
            sha256,
            dict(measured.partly_known),
        )
    )
    jpegs = {name: shown_jpeg(picture) for name, picture in shown.items()}
    return {**jpegs, _LINES: lines, _HEAD: f"{json.dumps(head, indent=1, allow_nan=False)}\n".encode()}


def write_shard(files: Files, path: Path) -> None:
    """Write a shard's folder, in place of what an earlier one left there."""
    (path / _HEAD).unlink(missing_ok=True)
    for name, content in files.items():
        write_atomically(path / name, content)
    for file in (path / _PICTURES).glob("*.jpg"):
        if f"{_PICTURES}/{file.name}" not in files:
            file.unlink()


def read_shard(path: Path) -> Shard:
    """The shard in a folder; raises DataError where there is none, or it is damaged."""

    def read(name: str) -> bytes:
        if not is_file(path / name):
            raise DataError(f"{path / name}: no such file; a shard is what `detbench run --shard` printed")
        return read_bytes(path / name)

    return unpack(read, str(path))


def unpack(read: Callable[[str], bytes], where: str) -> Shard:
    """A shard from its files; raises DataError naming `where` for a damaged one."""
    try:
        head, lines = msgspec.json.decode(read(_HEAD), type=_Head), read(_LINES)
        _check_whole(head, lines)
        share = Share(*head.share)
        measured = _measured(head, share, lines)
        _check_sound(measured)
        shown = _shown(measured)
        jpegs = {name: read(name) for name in (shown_name(picture) for row in shown for picture in row.pictures)}
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError, UsageError) as error:
        raise DataError(f"{where}: damaged shard ({error}); measure it again") from error
    return Shard(where, share, measured, {row.sample.id for row in shown}, jpegs)


def _shown(measured: Measurements) -> list[ArmPicture]:
    """The rows whose pictures a report of these pictures would show."""
    if not measured.samples:
        return []
    truth = true_columns_of(measured)
    reported = {arm: rows for arm, rows in measured.rows.items() if not arm.is_on_sharp}
    counts = {arm: matches_of(rows, truth).counts(CONFIDENCE) for arm, rows in reported.items()}
    shown = set(shown_ids(counts, truth.image_ids))
    return [row for rows in reported.values() for row in rows if row.sample.id in shown]


def _check_whole(head: _Head, lines: bytes) -> None:
    if head.schema != SCHEMA:
        raise ValueError(f"of schema {head.schema}, not {SCHEMA}")
    if hashlib.sha256(lines).hexdigest() != head.lines_sha256:
        raise ValueError(f"{_LINES} is not the file that {_HEAD} was written for")


def _check_sound(measured: Measurements) -> None:
    """Raise ValueError where rows name arms or classes that the run has not: arms name files, classes index tables."""
    basis = measured.basis
    check_arm_names(list(basis.deblurrers))
    arms = {SHARP, BLURRED, *(Arm(picture, name) for name in basis.deblurrers for picture in ("sharp", "blurred"))}
    if not measured.rows.keys() <= arms or (measured.samples and BLURRED not in measured.rows):
        raise ValueError(f"it has the arms {', '.join(map(str, measured.rows))}")
    for rows in measured.rows.values():
        for row in rows:
            labels = {*row.sample.truth.labels.tolist(), *row.found.labels.tolist()}
            if not labels <= basis.classes.keys():
                raise ValueError(f"picture {row.sample.id} has boxes of unknown classes")
    spec = basis.specification
    if spec["truth"] not in get_args(Truth) or not 0 <= int(spec["resamples"]) <= MOST_RESAMPLES:
        raise ValueError("its specification is none")


def _measured(head: _Head, share: Share, lines: bytes) -> Measurements:
    samples: list[Sample] = []
    by_arm: dict[Arm, list[ArmPicture]] = {}
    for line in lines.splitlines():
        sample, rows = read_picture_line(line)
        samples.append(sample)
        for row in rows:
            by_arm.setdefault(row.arm, []).append(row)
    places, of_harm = share.of(head.basis.images), head.basis.harm_places
    harmed = [sample for place, sample in zip(places, samples, strict=False) if place in of_harm]
    for arm, rows in by_arm.items():
        if [row.sample.id for row in rows] != [sample.id for sample in (harmed if arm.is_on_sharp else samples)]:
            raise ValueError(f"the arm {arm} has not the pictures that it should have")
    return Measurements(head.basis, samples, by_arm, head.failed, partly_known=head.partly_known)

"""A shard: what one machine measured of its share of a run's pictures, as a folder that any machine can read.

    shard.json         which share of how many, what the run rests on, and the digest of the lines
    pictures.jsonl     one line per picture: its true boxes, and in every arm detections, likeness and time
    pictures/*.jpg     the pictures that a report would show of this share

The pictures that the whole run's report shows, those with the most gained and lost, are among the shards' own.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detbench.errors import DataError, UsageError
from detbench.images import write_atomically
from detbench.results.cache import Cache
from detbench.results.folder import check_own_folder, shown_jpeg, shown_name
from detbench.runner.loop import Progress, measure, resolve
from detbench.runner.measured import Basis, Measured, Restorer
from detbench.runner.records import picture_from_record, picture_record
from detbench.runner.rows import ArmPicture, shown_ids
from detbench.runner.spec import RunSpec, Share
from detbench.runner.stages import Stages
from detbench.types import Sample

SCHEMA = 1
_HEAD, _LINES, _PICTURES = "shard.json", "pictures.jsonl", "pictures"

Files = Mapping[str, bytes]
"""A shard's files, content by name within its folder; what travels between processes."""


@dataclass(frozen=True, eq=False)
class Shard:
    """A share of a run; `where` is what messages call it, `jpegs` has the shown pictures by name within the folder."""

    where: str
    share: Share
    measured: Measured
    jpegs: Files


def run_shard(spec: RunSpec, share: Share, folder: Path, cache: Cache, progress: Progress) -> None:
    """Measure a share of a run and write its folder; raises what a run raises, at the same moments."""
    plan = resolve(spec)
    check_own_folder(folder, frozenset({_HEAD, _LINES, _PICTURES}))
    write_shard(pack(measure(plan, Stages(cache), progress, share), share), folder)


def pack(measured: Measured, share: Share) -> Files:
    """The files of a shard, `shard.json` last: the one that says the others are whole."""
    by_picture = zip(*measured.rows.values(), strict=True)
    records = [picture_record(sample, rows) for sample, rows in zip(measured.samples, by_picture, strict=True)]
    lines = "".join(f"{json.dumps(record, allow_nan=False)}\n" for record in records).encode()
    shown = {shown_name(row.picture): row for row in _shown(measured)}
    head = {
        "schema": SCHEMA,
        "share": [share.index, share.count],
        "basis": asdict(measured.basis),
        "lines_sha256": hashlib.sha256(lines).hexdigest(),
        "shown": list(shown),
    }
    jpegs = {name: shown_jpeg(row.picture) for name, row in shown.items()}
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
        try:
            return (path / name).read_bytes()
        except FileNotFoundError:
            raise DataError(f"{path / name}: no such file; a shard is what `detbench run --shard` printed") from None
        except OSError as error:
            raise DataError(f"{path / name}: cannot be read ({error.strerror})") from error

    return unpack(read, str(path))


def unpack(read: Callable[[str], bytes], where: str) -> Shard:
    """A shard from its files; raises DataError naming `where` for a damaged one."""
    try:
        head, lines = json.loads(read(_HEAD)), read(_LINES)
        _check_whole(head, lines)
        share = Share(*head["share"])
        measured = _measured(_basis(head["basis"]), lines)
        jpegs = {name: read(name) for name in map(shown_name, (row.picture for row in _shown(measured)))}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, UsageError) as error:
        raise DataError(f"{where}: damaged shard ({error}); measure it again") from error
    return Shard(where, share, measured, jpegs)


def _shown(measured: Measured) -> list[ArmPicture]:
    """The rows whose pictures a report of these pictures would show."""
    if not measured.samples:
        return []
    shown = set(shown_ids(measured.rows))
    arms = [rows for arm, rows in measured.rows.items() if "+" not in arm]
    return [row for rows in arms for row in rows if row.sample.id in shown]


def _check_whole(head: Mapping[str, Any], lines: bytes) -> None:
    if head["schema"] != SCHEMA:
        raise ValueError(f"of schema {head['schema']}, not {SCHEMA}")
    if hashlib.sha256(lines).hexdigest() != head["lines_sha256"]:
        raise ValueError(f"{_LINES} is not the file that {_HEAD} was written for")


def _basis(record: Mapping[str, Any]) -> Basis:
    lists = {key: tuple(value) for key, value in record.items() if isinstance(value, list)}
    classes = {int(number): str(name) for number, name in record["classes"].items()}
    deblurrers = {name: Restorer(**restorer) for name, restorer in record["deblurrers"].items()}
    return Basis(**{**record, **lists, "classes": classes, "deblurrers": deblurrers})


def _measured(basis: Basis, lines: bytes) -> Measured:
    samples: list[Sample] = []
    by_arm: dict[str, list[ArmPicture]] = {}
    for line in lines.splitlines():
        sample, rows = picture_from_record(json.loads(line))
        samples.append(sample)
        for row in rows:
            by_arm.setdefault(row.arm, []).append(row)
    if any(len(rows) != len(samples) for rows in by_arm.values()):
        raise ValueError("an arm has not every picture")
    return Measured(basis, samples, by_arm)

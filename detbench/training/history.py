"""The record of a training: one line of JSON for each interval and each epoch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detbench.core.images import write_atomically
from detbench.training.held_out import HeldOutQuality
from detbench.training.validation import Comparison

NAME = "history.jsonl"


@dataclass(frozen=True)
class IntervalRecord:
    """Some steps up to `step`: how long each took, the rate, and the mean of each loss term."""

    epoch: int
    step: int
    step_seconds: float
    learning_rate: float
    terms: Mapping[str, float]


@dataclass(frozen=True)
class EpochRecord:
    """A finished epoch, and the held-out pictures of each source by its name."""

    epoch: int
    step: int
    held_out: Mapping[str, Comparison]


class History:
    """Intervals and epochs so far, in memory and in the file; `step` is where a resumed training goes on."""

    def __init__(self, folder: Path, step: int) -> None:
        """Read what the file holds up to `step`; what a lost stretch wrote after it is dropped."""
        self._path = folder / NAME
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        records = [record for record in map(json.loads, lines) if record["step"] <= step]
        self.intervals = [_interval(record) for record in records if "terms" in record]
        self.epochs = [_epoch(record) for record in records if "held_out" in record]
        write_atomically(self._path, "".join(json.dumps(record) + "\n" for record in records))

    def add(self, record: IntervalRecord | EpochRecord) -> None:
        """Append to both."""
        if isinstance(record, IntervalRecord):
            self.intervals.append(record)
        else:
            self.epochs.append(record)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")


def _interval(record: Mapping[str, Any]) -> IntervalRecord:
    return IntervalRecord(**record)


def _epoch(record: Mapping[str, Any]) -> EpochRecord:
    return EpochRecord(
        record["epoch"], record["step"], {name: _comparison(each) for name, each in record["held_out"].items()}
    )


def _comparison(record: Mapping[str, Any]) -> Comparison:
    return Comparison(HeldOutQuality(**record["restored"]), HeldOutQuality(**record["blurred"]), record["sharp_map"])

"""Results files of detectors that were held against the same true boxes: `comparison.json` holds one FilesCompared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from detbench.results.analysis_schema import ErrorCost
from detbench.results.schema import Difference
from detbench.types import Estimate

COMPARISON_NAMES = frozenset({"comparison.json", "images.csv", "flips.csv", "report.html"})
"""The files of a comparison's folder."""


@dataclass(frozen=True)
class ComparedTruth:
    """What the files were held against; `sha256` is the digest of the pictures and boxes, whatever their format."""

    name: str
    sha256: str
    images: int
    boxes: int


@dataclass(frozen=True)
class ComparedFile:
    """One file's numbers by metric key, and its errors by the keys of KINDS; `detections` are those in the file."""

    name: str
    file: str
    sha256: str
    detections: int
    metrics: Mapping[str, Estimate]
    errors: Mapping[str, ErrorCost]


@dataclass(frozen=True)
class Flips:
    """How many true boxes `arm` finds that `against` misses (`gained`), and the other way round (`lost`)."""

    arm: str
    against: str
    gained: int
    lost: int


@dataclass(frozen=True)
class FilesCompared:
    """One comparison. Each later file is held against each earlier one, so the first is what all are held against.
    `p_holm` is adjusted over the pairs. `definitions` are those of the metrics, by key; `notes` what the numbers must
    be read with.
    """

    truth: ComparedTruth
    resamples: int
    files: tuple[ComparedFile, ...]
    differences: tuple[Difference, ...]
    flips: tuple[Flips, ...]
    definitions: Mapping[str, str]
    notes: tuple[str, ...]

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every pair as (arm, against), in the order of the differences."""
        return tuple((each.arm, each.against) for each in self.flips)

    def difference(self, arm: str, against: str, metric: str) -> Difference:
        """One metric's difference; raises KeyError where there is none."""
        found = {(each.arm, each.against, each.metric): each for each in self.differences}
        return found[arm, against, metric]


def compared_to_json(compared: FilesCompared) -> dict[str, Any]:
    """Plain dictionaries and lists for `comparison.json`; each difference says whether it is claimed (`is_shown`)."""
    differences = [{**asdict(each), "is_shown": each.is_shown} for each in compared.differences]
    return {**asdict(compared), "differences": differences}

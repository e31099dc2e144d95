"""The request of a run: what to evaluate, and which share of the pictures."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from detbench.datasets.repair import Repair
from detbench.errors import UsageError
from detbench.evaluation.measure.harm import Harm
from detbench.evaluation.measure.truth import Truth
from detbench.metrics.uncertainty import EXCHANGES
from detbench.results.cache import digest
from detbench.types import Dataset, Deblurrer, Detector


@dataclass(frozen=True)
class RunSpec:
    """One evaluation as the user words it: dataset × deblurrers × detector.

    `blur` is a recipe such as "trajectory:seed=3", or None to take the dataset's pictures as they are; `limit` takes
    the first pictures by id; `device` and `precision` (auto, fp32 or bf16) are those of the networks; `resamples` is
    how often arms are exchanged for p-values, 0 for neither them nor intervals; `repair` says what becomes of boxes
    that would be refused, and `harm` on which sharp pictures the deblurrers are run, see `harm_places`. `gate_by` is
    the metric of input pictures that says which of them to restore, None where this is not computed;
    `metrics` are the keys of those on request that are measured beside all others.
    """

    dataset: str
    deblurrers: tuple[str, ...]
    detector: str
    blur: str | None = None
    truth: Truth = "labels"
    limit: int | None = None
    device: str = "auto"
    precision: str = "auto"
    resamples: int = EXCHANGES
    repair: Repair | None = None
    harm: Harm = "sample"
    gate_by: str | None = None
    metrics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.deblurrers:
            raise UsageError("no deblurrer named: pass --deblurrer NAME (identity is one). `detbench list` shows all")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit takes a number of pictures from 1 on, not {self.limit}")
        if self.resamples < 0:
            raise UsageError(f"--resamples takes a number from 0 on, not {self.resamples}")


@dataclass(frozen=True, eq=False)
class Given:
    """What a calling program hands over besides the words of its RunSpec.

    `deblurrers` has, by the word that stands for each in the RunSpec, an object or the word that it abbreviates, such
    as {"mine": function, "ours": "pix2pix:weights.safetensors"}. `detector` and `dataset` are objects in place of the
    RunSpec's words, which only name them.
    """

    deblurrers: Mapping[str, Deblurrer | str] = field(default_factory=dict)
    detector: Detector | None = None
    dataset: Dataset | None = None


@dataclass(frozen=True)
class Share:
    """One of `count` shares of the pictures, `index` counting from 1: picture k of the dataset's order (for all of
    detbench's formats, that of the picture ids), counted from 0, belongs to share k mod `count` + 1.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise UsageError(f"--shard takes I/N with I from 1 to N, such as 2/7, not {self}")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def of(self, images: int) -> range:
        """The places, counted from 0, of this share's pictures among so many."""
        return range(self.index - 1, images, self.count)


WHOLE = Share(1, 1)
MOST_WORD_BYTES = 70
"""Of each part of a run's name: a folder's name has 255 bytes at most."""


def parse_share(text: str) -> Share:
    """A share from its text, such as `2/7`; raises UsageError for anything else."""
    words = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not words:
        raise UsageError(f"--shard takes I/N with I from 1 to N, such as 2/7, not {text!r}")
    return Share(int(words[1]), int(words[2]))


def checked_name(name: str) -> str:
    """A name for a run's folder; raises UsageError for one that leads elsewhere or that no folder can have."""
    if not name.strip(". ") or re.search(r"[/\\\0\n]", name):
        raise UsageError(
            f"--name {name!r}: give the name of a folder, without '/'; --out says which folder it goes into"
        )
    return name


def run_name(spec: RunSpec) -> str:
    """A folder name that tells runs apart and is the same for the same request."""
    dataset = Path(spec.dataset).resolve().name
    words = [dataset, (spec.blur or "").partition(":")[0], Path(spec.detector).stem, digest(asdict(spec))[:8]]
    return folder_name(words)


def folder_name(words: Sequence[str]) -> str:
    """Words as the name of a folder, those that are empty left out."""
    plain = (re.sub(r"[^\w.-]+", "_", word) for word in words if word)
    return "-".join(word.encode()[:MOST_WORD_BYTES].decode(errors="ignore") for word in plain)

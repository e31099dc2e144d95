"""What a run is asked to do."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from detbench.errors import UsageError
from detbench.metrics.bootstrap import RESAMPLES
from detbench.results.cache import digest

Truth = Literal["labels", "pseudo"]


@dataclass(frozen=True)
class RunSpec:
    """One evaluation as the user words it: dataset × deblurrers × detector.

    `blur` is a recipe such as "trajectory:seed=3", or None to take the dataset's pictures as they are; `limit` takes
    the first pictures by id; `device` and `precision` are those of the networks; `resamples` is how often pictures are
    drawn again for intervals and p-values, 0 for none.
    """

    dataset: str
    deblurrers: tuple[str, ...]
    detector: str
    blur: str | None = None
    truth: Truth = "labels"
    limit: int | None = None
    device: str = "auto"
    precision: str = "fp32"
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        if not self.deblurrers:
            raise UsageError("no deblurrer named: pass --deblurrer NAME (identity is one). `detbench list` shows all")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit takes a number of pictures from 1 on, not {self.limit}")
        if self.resamples < 0:
            raise UsageError(f"--resamples takes a number of draws from 0 on, not {self.resamples}")


def run_name(spec: RunSpec) -> str:
    """A folder name that tells runs apart and is the same whenever the same run is asked for."""
    dataset = Path(spec.dataset).resolve().name
    words = [dataset, (spec.blur or "").partition(":")[0], Path(spec.detector).stem, digest(asdict(spec))[:8]]
    return "-".join(re.sub(r"[^\w.-]+", "_", word) for word in words if word)

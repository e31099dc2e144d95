"""Networks that others publish, and what they claim: a file `models/published/NAME.toml` for each.

    title = "NAFNet, width 32"
    paper = "Chen et al., …, ECCV 2022"
    source = "https://github.com/megvii-research/NAFNet"
    licence = "MIT"
    weights = "NAFNet-GoPro-width32.pth"        # the authors' file; sha256 = "…" where it is known
    run = "python:published:nafnet_width32"     # what --deblurrer takes

    [[claims]]
    data = "gopro"                              # a name of PUBLIC_SETS
    psnr_db = 32.8705
    ssim = 0.9606
    protocol = "how they measured"
    source = "where the numbers stand"

A run's deblurrer is a network's by the name of its arm, or by the checksum of its weights.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from detbench.core.paths import shipped
from detbench.errors import DataError
from detbench.results.schema import ArmResult, RunResult


@dataclass(frozen=True)
class PublicSet:
    """A public set of pictures: `pictures` are those of its test part, and `metric` the key of the PSNR that its papers
    state.
    """

    title: str
    pictures: int
    metric: str = "psnr_db"


PUBLIC_SETS: Mapping[str, PublicSet] = {
    "gopro": PublicSet("GoPro", 1111),
    "hide": PublicSet("HIDE", 2025),
    "realblur-j": PublicSet("RealBlur-J", 980, "psnr_aligned_db"),
    "realblur-r": PublicSet("RealBlur-R", 980, "psnr_aligned_db"),
    "kohler": PublicSet("Köhler et al.", 48, "best_frame_psnr_db"),
    "levin": PublicSet("Levin et al.", 32, "shifted_psnr_db"),
}


@dataclass(frozen=True)
class Claim:
    """What a paper or its authors' repository states of a network on a public set; SSIM in 0..1."""

    data: str
    psnr_db: float
    protocol: str
    source: str
    ssim: float | None = None

    def __post_init__(self) -> None:
        if self.data not in PUBLIC_SETS:
            raise ValueError(f"`data` is one of {', '.join(PUBLIC_SETS)}, not {self.data!r}")


@dataclass(frozen=True)
class PublishedNetwork:
    """One network that others published; `weights` names the authors' file, `run` the word that runs it."""

    name: str
    title: str
    paper: str
    source: str
    licence: str
    run: str
    claims: tuple[Claim, ...]
    weights: str = ""
    sha256: str | None = None

    def is_of(self, arm: ArmResult) -> bool:
        """Whether an arm is this network's: by its name, or by its weights."""
        return arm.name == self.name or self.has_weights_of(arm)

    def has_weights_of(self, arm: ArmResult) -> bool:
        """Whether an arm ran with the authors' file, as far as its checksum is known."""
        return self.sha256 is not None and (arm.backend or {}).get("weights_sha256") == self.sha256


@cache
def published_networks() -> Mapping[str, PublishedNetwork]:
    """Every network by name; raises DataError naming a file that is damaged."""
    return {network.name: network for network in _read()}


def _read() -> Iterator[PublishedNetwork]:
    for path in sorted((shipped("models") / "published").glob("*.toml")):
        try:
            content: dict[str, Any] = {"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))}
            yield msgspec.convert(content, PublishedNetwork)
        except (ValueError, msgspec.ValidationError) as error:
            raise DataError(f"{path}: no card of a published network ({error}); see an other one beside it") from error


def public_set_of(result: RunResult) -> str | None:
    """The public set that a run is over: by its protocol's metric, else by the name of its folder; None for others."""
    measured = {key for arm in result.arms for key in arm.metrics}
    words = "-".join(re.findall(r"[a-z0-9]+", result.data.name.lower()))
    for name, public in PUBLIC_SETS.items():
        is_named = f"-{name}-" in f"-{words}-"
        if public.metric in measured and (public.metric in ("best_frame_psnr_db", "shifted_psnr_db") or is_named):
            return name
    return None

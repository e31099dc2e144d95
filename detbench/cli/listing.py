"""`detbench list`: every name, and whether it is ready."""

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from detbench.cli.console import out

if TYPE_CHECKING:
    from pathlib import Path

    from detbench.plugins.registry import Entry

ALWAYS, WHILE_UNCHANGED, IN_ITS_RUN = "always", "while its files are unchanged", "in its own run"

COLUMNS, NAME_COLUMNS = 80, 22
"""Width of a line, and of the longest name that it shows in full."""

Section = Literal["deblurrers", "detectors", "datasets", "recipes", "metrics", "networks"]


@dataclass(frozen=True)
class Listed:
    """One name. `state` is ready, missing or damaged, and empty for what is always there; `mend` says what is missing
    and how to bring it, `facts` the rest by title: source, licence, weights, when finished work is used again.
    """

    name: str
    summary: str
    state: Literal["ready", "missing", "damaged", ""] = "ready"
    mend: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def list_backends(
    section: Annotated[Section | None, typer.Argument(help="Only these.")] = None,
    long: Annotated[
        bool, typer.Option("--long", help="Source, licence, weights, and when finished work is used again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Show every deblurrer, detector, dataset, recipe and metric, and whether it is ready, or what is missing.

    Networks that others published are listed with what they claim.

    Examples:
        detbench list
        detbench list deblurrers --long
    """
    found = {name: list(make()) for name, make in _SECTIONS.items() if section in (None, name)}
    if as_json:
        plain = {name: [asdict(each) for each in listed] for name, listed in found.items()}
        sys.stdout.write(json.dumps(plain, indent=1) + "\n")
        return
    for name, listed in found.items():
        out.print(name.upper(), style="bold")
        lines = (line for each in listed for line in (_block(each) if long else [_line(each)]))
        sys.stdout.write("\n".join(lines) + "\n\n")


def _line(each: Listed) -> str:
    """Name, state, and the summary as far as it fits on the line; in its place the mend, which is never cut."""
    name = each.name if len(each.name) <= NAME_COLUMNS else f"{each.name.partition(':')[0]}:…"
    head = f"{name:<{NAME_COLUMNS}}  {each.state:<7}  " if each.state else f"{name:<{NAME_COLUMNS}}  "
    width = COLUMNS - len(head)
    if each.mend:
        return head + f"\n{' ' * len(head)}".join(textwrap.wrap(each.mend, width, break_on_hyphens=False))
    return head + textwrap.shorten(each.summary, width, placeholder=" …")


def _block(each: Listed) -> Iterator[str]:
    """The name, and all that is known of it, a line each."""
    yield each.name
    state = f"{each.state}, {each.mend}" if each.mend else each.state
    for title, text in {"state": state, "what": each.summary, **each.facts}.items():
        if text:
            yield f"    {title:<8}  {text}"


def _deblurrers() -> Iterator[Listed]:
    from detbench.plugins.builtin import DEBLURRER_KINDS, DEBLURRERS

    yield from map(_listed, (*DEBLURRERS.entries(), *DEBLURRER_KINDS))


def _detectors() -> Iterator[Listed]:
    from detbench.plugins.builtin import DETECTOR_KINDS, DETECTORS

    yolo = DETECTORS.find("yolov8")
    ours = {"source": yolo.source, "licence": yolo.licence, "weights": "yours", "reused": ALWAYS}
    lacking = _lacking(yolo)
    yield from map(_listed, DETECTORS.entries())
    for name, summary in _YOLO_FILES.items():
        yield Listed(name, summary, "missing" if lacking else "ready", lacking, ours)
    yield from map(_listed, DETECTOR_KINDS)


def _datasets() -> Iterator[Listed]:
    from detbench.datasets.opening import embedded_datasets
    from detbench.plugins.builtin import DATASETS

    yield from (_embedded(name, folder) for name, folder in embedded_datasets().items())
    yield from map(_installed_dataset, DATASETS.entries())
    for name, summary in _PATHS.items():
        yield Listed(name, summary, facts={"source": "yours", "licence": "yours"})


def _recipes() -> Iterator[Listed]:
    from dataclasses import MISSING, fields

    from detbench.blur.recipes import RECIPES, SensorRecipe

    def settings(recipe: Any) -> str:
        declared = (each for each in fields(recipe) if each.default is not MISSING)
        return ", ".join(f"{each.name}={'drawn' if each.default is None else each.default}" for each in declared)

    for name, recipe in RECIPES.items():
        yield Listed(f"{name}:PATH" if name == "kernels" else name, settings(recipe), state="")
    yield Listed("…:sensor=camera", settings(SensorRecipe), state="")


def _metrics() -> Iterator[Listed]:
    from detbench.metrics.image_metrics import metric_specs, source_of

    for spec in metric_specs().values():
        facts = {"title": spec.title, "unit": spec.unit, "better": spec.better, "source": source_of(spec.key)}
        yield Listed(spec.key, spec.definition, state="", facts=facts)


def _networks() -> Iterator[Listed]:
    from detbench.pages.text import share
    from detbench.results.published_networks import PUBLIC_SETS, published_networks

    for network in published_networks().values():
        claims = [
            f"{PUBLIC_SETS[each.data].title} {each.psnr_db:.2f} dB"
            f"{'' if each.ssim is None else f', SSIM {share(each.ssim)}'} ({each.source}; {each.protocol})"
            for each in network.claims
        ]
        facts = {
            "paper": network.paper,
            "source": network.source,
            "licence": network.licence,
            "weights": network.weights,
            "sha256": network.sha256 or "",
            "run": network.run,
            "claims": "; ".join(claims),
        }
        first = network.claims[0]
        yield Listed(network.name, f"claims {PUBLIC_SETS[first.data].title} {first.psnr_db:.2f} dB", "", facts=facts)


_SECTIONS: Mapping[Section, Callable[[], Iterator[Listed]]] = {
    "deblurrers": _deblurrers,
    "detectors": _detectors,
    "datasets": _datasets,
    "recipes": _recipes,
    "metrics": _metrics,
    "networks": _networks,
}

_YOLO_FILES = {
    "FILE.pt": "any detection model of ultralytics",
    "FILE.safetensors": "from `detbench train yolov8`",
}
_PATHS = {
    "[coco:]PATH[#SPLIT]": "COCO's JSON and pictures, as tools export them",
    "[yolo:]PATH[#SPLIT]": "data.yaml and label files",
    "[voc:]PATH[#SPLIT]": "Annotations/*.xml, pixels from 1; voc0: from 0",
    "[video:]PATH": "a video file with boxes in its .txt (MOT), a MOT sequence, a folder of frames",
    "[pairs:]PATH": "GoPro, REDS, HIDE, RealBlur, DVD, BSD; also blur:, blur_gamma:",
    "kohler:PATH": "Köhler et al.'s 48 shakes, by their protocol",
    "levin:PATH": "Levin et al.'s 32 shakes, by their protocol",
}
"""Formats of datasets that people have."""


def _listed(entry: "Entry") -> Listed:
    name = f"{entry.name}:{entry.argument}" if entry.argument else entry.name
    state, mend, weights = _state(entry)
    facts = {"source": entry.source, "licence": _licence(entry), "weights": weights, "reused": _reuse(entry)}
    return Listed(name, entry.summary, state, mend, facts)


def _state(entry: "Entry") -> tuple[Literal["ready", "missing", "damaged"], str, str]:
    """Whether an entry is ready, else what to do about it; and its weights with their checksum."""
    from detbench.core.fetchable import located, registry
    from detbench.core.fingerprints import file_sha256
    from detbench.core.paths import CARD_NAME, shipped

    file = shipped("models") / entry.weights / "weights.safetensors" if entry.weights else None
    if entry.weights is not None and entry.weights in registry():
        file = located(registry()[entry.weights])
        if file is None:
            return "missing", f"fetched on first use: detbench fetch {entry.weights}", ""
    if file is not None and not file.is_file():
        return "missing", f"no weights: detbench train {entry.network}", ""
    sha256 = "" if file is None else file_sha256(file)
    weights = f"{entry.weights}, SHA-256 {sha256}" if sha256 else "yours" if entry.argument else ""
    if file is not None and _toml(file.with_name(CARD_NAME)).get("sha256", sha256) != sha256:
        return "damaged", f"{file.name} does not match its card", weights
    if lacking := _lacking(entry):
        return "missing", lacking, weights
    return "ready", "", weights


def _lacking(entry: "Entry") -> str:
    """The packages that an entry lacks and the command that brings them; empty where it lacks none."""
    missing = entry.missing()
    return f"lacks {', '.join(missing)}: {entry.install}" if missing else ""


def _reuse(entry: "Entry") -> str:
    """Which runs may use finished work again: all that it depends on must be known and unchanged."""
    from detbench.core.native_readers import unseen_reads

    if entry.name == "command":
        return f"{IN_ITS_RUN}; always with depends=PATH"
    if entry.argument:
        return WHILE_UNCHANGED if entry.name in ("python", "torchvision") else ALWAYS
    if not entry.is_foreign:
        return ALWAYS
    try:
        unseen = unseen_reads(entry.target.partition(":")[0])
    except ImportError:
        return ""
    return WHILE_UNCHANGED if unseen is None else f"{IN_ITS_RUN}, for {unseen}; always with depends=PATH"


def _licence(entry: "Entry") -> str:
    """The licence on the card of weights that ship, else that of the entry."""
    from detbench.core.paths import CARD_NAME, shipped

    card = _toml(shipped("models") / entry.weights / CARD_NAME) if entry.weights else {}
    return str(card.get("licence", entry.licence)).partition(",")[0]


def _embedded(name: str, folder: "Path") -> Listed:
    pinned = _toml(folder / "dataset.toml")
    what = f"embedded: {pinned.get('images', '?')} pictures, {pinned.get('annotations', '?')} boxes"
    return Listed(name, what, facts={"source": "detbench", "licence": str(pinned.get("licence", "MIT"))})


def _installed_dataset(entry: "Entry") -> Listed:
    """An installed dataset by its name, an installed format with the path that it takes."""
    from dataclasses import replace

    from detbench.datasets.installed_formats import installed_format
    from detbench.errors import BackendError

    listed = _listed(entry)
    listed = replace(listed, facts={key: listed.facts[key] for key in ("source", "licence")})
    try:
        return replace(listed, name=f"[{entry.name}:]PATH[#SPLIT]") if installed_format(entry) else listed
    except BackendError as error:
        return replace(listed, state="damaged", mend=str(error))


def _toml(file: "Path") -> dict[str, object]:
    import tomllib

    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

"""`detbench list`: every name, its source, and whether it is ready."""

from typing import TYPE_CHECKING

from detbench.cli.console import print_table

if TYPE_CHECKING:
    from pathlib import Path

    from detbench.plugins.registry import Entry

COLUMNS = ["state", "what it is", "source", "licence", "weights, SHA-256", "work is reused"]

ALWAYS, WHILE_UNCHANGED, IN_ITS_RUN = "always", "while its files are unchanged", "in its own run"


def list_backends() -> None:
    """Show every deblurrer, detector, dataset and recipe: source, licence, weights and their checksum, and whether it
    is ready to run, or what is missing; and every metric.

    Example:
        detbench list
    """
    from detbench.blur.recipes import RECIPES
    from detbench.datasets.opening import embedded_datasets
    from detbench.metrics.image_metrics import metric_specs, source_of
    from detbench.plugins.builtin import DATASETS, DEBLURRER_KINDS, DEBLURRERS, DETECTOR_KINDS, DETECTORS

    ours = ["ultralytics", "AGPL-3.0", "yours", ALWAYS]
    checkpoint = ["FILE.pt", "ready", "any detection model of ultralytics", *ours]
    trained = ["FILE.safetensors", "ready", "from `detbench train yolov8`", *ours]
    embedded = [[name, "ready", *_about_dataset(folder)] for name, folder in embedded_datasets().items()]
    print_table(["deblurrer", *COLUMNS], [_row(entry) for entry in (*DEBLURRERS.entries(), *DEBLURRER_KINDS)])
    print_table(
        ["detector", *COLUMNS], [*map(_row, DETECTORS.entries()), checkpoint, trained, *map(_row, DETECTOR_KINDS)]
    )
    print_table(["dataset", *COLUMNS[:-2]], [*embedded, *map(_dataset_row, DATASETS.entries()), *_PATHS])
    print_table(["blur recipe", "settings"], [[name, _settings(recipe)] for name, recipe in RECIPES.items()])
    specs = metric_specs().values()
    print_table(
        ["metric", "title", "unit", "better", "what it is", "source"],
        [[spec.key, spec.title, spec.unit, spec.better, spec.definition, source_of(spec.key)] for spec in specs],
    )


def _row(entry: "Entry") -> list[str]:
    name = f"{entry.name}:{entry.argument}" if entry.argument else entry.name
    state, weights = _state(entry)
    return [name, state, entry.summary, entry.source, _licence(entry), weights, _reuse(entry)]


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
        return "–"
    return WHILE_UNCHANGED if unseen is None else f"{IN_ITS_RUN}, for {unseen}; always with depends=PATH"


def _dataset_row(entry: "Entry") -> list[str]:
    """An installed dataset by its name, an installed format with the path that it takes."""
    from detbench.datasets.installed_formats import installed_format
    from detbench.errors import BackendError

    name, state, *rest, _, _ = _row(entry)
    try:
        return [f"[{name}:]PATH[#SPLIT]" if installed_format(entry) else name, state, *rest]
    except BackendError as error:
        return [name, str(error), *rest]


def _state(entry: "Entry") -> tuple[str, str]:
    """Whether an entry is ready, or what is missing; and its weights with their checksum."""
    from detbench.core.fingerprints import file_sha256
    from detbench.core.paths import CARD_NAME, shipped

    missing = entry.missing()
    state = f"lacks {', '.join(missing)}: {entry.install}" if missing else "ready"
    if entry.weights is None:
        return state, "yours" if entry.argument else "–"
    file = shipped("models") / entry.weights / "weights.safetensors"
    if not file.is_file():
        return f"no weights: detbench train {entry.network}", "–"
    sha256 = file_sha256(file)
    on_card = _toml(file.with_name(CARD_NAME)).get("sha256", sha256)
    damaged = "" if on_card == sha256 else f"damaged: {file.name} does not match its card"
    return damaged or state, f"{entry.weights} {sha256[:12]}…"


def _licence(entry: "Entry") -> str:
    """The licence on the card of weights that ship, else that of the entry."""
    from detbench.core.paths import CARD_NAME, shipped

    card = _toml(shipped("models") / entry.weights / CARD_NAME) if entry.weights else {}
    return str(card.get("licence", entry.licence)).partition(",")[0]


def _about_dataset(folder: "Path") -> list[str]:
    pinned = _toml(folder / "dataset.toml")
    what = f"embedded: {pinned.get('images', '?')} pictures, {pinned.get('annotations', '?')} boxes"
    return [what, "detbench", str(pinned.get("licence", "MIT"))]


def _toml(file: "Path") -> dict[str, object]:
    import tomllib

    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _settings(recipe: type) -> str:
    from dataclasses import fields

    return ", ".join(f"{field.name}={'drawn' if field.default is None else field.default}" for field in fields(recipe))


_PATHS = [
    ["[coco:]PATH[#SPLIT]", "ready", "COCO's JSON and pictures, as tools export them", "yours", "yours"],
    ["[yolo:]PATH[#SPLIT]", "ready", "data.yaml and label files", "yours", "yours"],
    ["[voc:]PATH[#SPLIT]", "ready", "Annotations/*.xml, pixels from 1; voc0: from 0", "yours", "yours"],
    [
        "[pairs:]PATH",
        "ready",
        "pairs of GoPro, REDS, HIDE, RealBlur, DVD, BSD; blur: and blur_gamma:",
        "yours",
        "yours",
    ],
]
"""Formats of datasets that people have."""

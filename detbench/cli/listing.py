"""`detbench list`: what can be named, and whether it is ready."""

from detbench.cli.console import print_table
from detbench.registry import Entry, Registry


def list_backends() -> None:
    """Show every deblurrer, detector, dataset, recipe, and whether it is ready to run."""
    from detbench.assets import shipped
    from detbench.blur.recipes import RECIPES
    from detbench.catalog import DATASETS, DEBLURRERS, DETECTORS
    from detbench.datasets.coco import ANNOTATIONS

    for registry in (DEBLURRERS, DETECTORS):
        print_table(f"{registry.kind}s", ["name", "state", "what"], _rows(registry))
    folders = sorted(path.parent.name for path in shipped("datasets").glob(f"*/{ANNOTATIONS}"))
    embedded = [[name, "ready", "embedded"] for name in folders]
    anywhere = [["FOLDER", "ready", f"any folder with {ANNOTATIONS} (COCO) and images/"]]
    print_table("datasets", ["name", "state", "what"], [*embedded, *_rows(DATASETS), *anywhere])
    print_table("blur recipes", ["name", "settings"], [[name, _settings(recipe)] for name, recipe in RECIPES.items()])


def _rows(registry: Registry) -> list[list[str]]:
    return [[entry.name, _state(entry), entry.summary] for entry in registry.entries()]


def _state(entry: Entry) -> str:
    from detbench.assets import shipped

    if entry.weights is None or (shipped("models") / entry.weights / "weights.safetensors").is_file():
        return "ready"
    return "no weights yet"


def _settings(recipe: type) -> str:
    from dataclasses import fields

    return ", ".join(f"{field.name}={'drawn' if field.default is None else field.default}" for field in fields(recipe))

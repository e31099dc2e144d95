"""`detbench list`: what can be named, and whether it is ready."""

from typing import TYPE_CHECKING

from detbench.cli.console import print_table

if TYPE_CHECKING:
    from detbench.registry import Entry, Registry


def list_backends() -> None:
    """Show every deblurrer, detector, dataset, recipe, and whether it is ready to run."""
    from detbench.blur.recipes import RECIPES
    from detbench.catalog import DATASETS, DEBLURRERS, DETECTORS
    from detbench.datasets.coco import ANNOTATIONS
    from detbench.datasets.opening import embedded_datasets

    datasets = [*([name, "ready", "embedded"] for name in embedded_datasets()), *_rows(DATASETS)]
    anywhere = ["FOLDER", "ready", f"any folder with {ANNOTATIONS} (COCO) and images/"]
    print_table(["deblurrer", "state", "what it is"], _rows(DEBLURRERS))
    files = [["FILE.pt", "ready", "any YOLO checkpoint"], ["FILE.safetensors", "ready", "from `detbench train yolov8`"]]
    print_table(["detector", "state", "what it is"], [*_rows(DETECTORS), *files])
    print_table(["dataset", "state", "what it is"], [*datasets, anywhere])
    print_table(["blur recipe", "settings"], [[name, _settings(recipe)] for name, recipe in RECIPES.items()])


def _rows(registry: "Registry") -> list[list[str]]:
    return [[entry.name, _state(entry), entry.summary] for entry in registry.entries()]


def _state(entry: "Entry") -> str:
    from detbench.assets import shipped

    if entry.weights is None or (shipped("models") / entry.weights / "weights.safetensors").is_file():
        return "ready"
    return "no weights yet"


def _settings(recipe: type) -> str:
    from dataclasses import fields

    return ", ".join(f"{field.name}={'drawn' if field.default is None else field.default}" for field in fields(recipe))

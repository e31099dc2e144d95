"""The layers of the package, held by its imports: a module imports lower ranks and its own package, nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import detbench

PACKAGE = Path(detbench.__file__).parent
RANKS = {
    "__init__": 0,
    "errors": 0,
    "types": 0,
    "fingerprints": 0,
    "allocation": 0,
    "assets": 1,
    "boxes": 1,
    "devices": 1,
    "images": 1,
    "kernel_pictures": 1,
    "onnx_sessions": 1,
    "pages": 2,
    "photos": 2,
    "reading": 1,
    "registry": 1,
    "catalog": 2,
    "deconvolution": 2,
    "blur": 3,
    "datasets": 3,
    "nets": 3,
    "references": 3,
    "deblurrers": 4,
    "detectors": 4,
    "backends": 5,
    "metrics": 5,
    "results": 6,
    "blurring": 7,
    "deblurring": 8,
    "runner": 7,
    "training": 7,
    "report": 8,
    "gate": 9,
    "cli": 10,
    "__main__": 11,
}
HEAVY = {"torch", "torchvision", "ultralytics", "onnxruntime"}
MAY_IMPORT_HEAVY = {"deconvolution", "nets", "onnx_sessions", "deblurrers", "detectors", "training"}


def modules() -> Iterator[tuple[str, Path, ast.Module]]:
    """Every module as (layer, path in the package, tree)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        yield inside.parts[0].removesuffix(".py"), inside, ast.parse(path.read_bytes())


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Full names of what the import statements among `nodes` bring in; `from a import b` gives a.b."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `node` that Python runs when it imports the module: no function bodies, no TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        is_typing = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        if not is_typing and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from run_at_import(child)


def layer_of(name: str) -> str:
    """The layer of an imported name: detbench.blur.kernels is in `blur`, detbench.__version__ in `__init__`."""
    part = name.split(".")[1]
    return part if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file() else "__init__"


def test_every_module_has_a_rank() -> None:
    """A new module at the top of the package takes its place in RANKS first."""
    unranked = {layer for layer, _, _ in modules()} - RANKS.keys()
    assert not unranked, f"give these a rank in {Path(__file__).name}: {sorted(unranked)}"


def test_modules_import_lower_ranks_only() -> None:
    """No module imports a higher rank or a sibling of its own, in functions and under TYPE_CHECKING neither."""
    wrong = [
        f"{path} ({layer}, rank {RANKS[layer]}) imports {name} (rank {RANKS[layer_of(name)]})"
        for layer, path, tree in modules()
        for name in imported(ast.walk(tree))
        if name.startswith("detbench.") and layer_of(name) != layer and RANKS[layer_of(name)] >= RANKS[layer]
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_are_absolute() -> None:
    """Imports name the whole path, so that the layer they reach into can be read from them."""
    assert [
        f"{path}: {name}" for _, path, tree in modules() for name in imported(ast.walk(tree)) if name[0] == "."
    ] == []


def test_torch_is_not_imported_with_the_package() -> None:
    """Only networks and what runs them import torch at their top: `--help`, `report` and `gate` never wait for it."""
    wrong = [
        f"{path} imports {name} at its top"
        for layer, path, tree in modules()
        for name in imported(run_at_import(tree))
        if name.split(".")[0] in HEAVY and layer not in MAY_IMPORT_HEAVY
    ]
    assert not wrong, "\n".join(wrong)


def test_only_detectors_import_ultralytics() -> None:
    """Ultralytics is met in the detectors' adapters, nowhere else."""
    wrong = [
        f"{path} imports {name}"
        for layer, path, tree in modules()
        for name in imported(ast.walk(tree))
        if name.split(".")[0] == "ultralytics" and layer != "detectors"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "at_import"),
    [
        ("import torch", True),
        ("try:\n    from torch import nn\nexcept ImportError: pass", True),
        ("class A:\n    import torch", True),
        ("def f():\n    import torch", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch", False),
    ],
)
def test_what_counts_as_imported_at_the_top(source: str, at_import: bool) -> None:
    """Bodies of functions and TYPE_CHECKING run no import; everything else at a module's top does."""
    tops = {name.split(".")[0] for name in imported(run_at_import(ast.parse(source)))}
    assert ("torch" in tops) is at_import

"""The rooms of the package, each a folder, and who may enter which: held by every import statement there is."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

import detbench

PACKAGE = Path(detbench.__file__).parent
CONTRACT = ""
"""The package's own folder: `types`, `errors` and the version."""

MAY_IMPORT = {
    CONTRACT: "",
    "core": "",
    "pages": "core",
    "plugins": "core",
    "metrics": "core plugins",
    "deconvolution": "",
    "nets": "core deconvolution",
    "blur": "core",
    "datasets": "core plugins blur",
    "deblurrers": "core blur deconvolution nets",
    "detectors": "core datasets nets",
    "results": "core metrics",
    "evaluation/measure": "core plugins blur detectors metrics results",
    "evaluation/score": "core metrics results evaluation/measure",
    "evaluation": "core plugins blur datasets detectors metrics results evaluation/measure evaluation/score",
    "report": "core metrics pages results",
    "gate": "core metrics pages results",
    "training/data": "core blur datasets",
    "training/losses": "core deconvolution nets detectors training/data",
    "training": "core plugins blur datasets detectors metrics nets pages results training/data training/losses",
    "api": "core datasets results evaluation report",
    "cli": "core plugins blur datasets detectors metrics pages results evaluation report gate training",
}
"""Rooms from the ground up: each with those that it may import besides itself and the contract."""

MOST_ROOMS, MOST_ARROWS = 22, 102
HEAVY = {"torch", "torchvision", "ultralytics", "onnxruntime", "numba"}
HEAVY_AT_THE_TOP = re.compile(
    r"core/(onnx_sessions|torch_device)\.py|metrics/(compiled|greedy_matching|precision_curves|radix_order)\.py|(deconvolution|nets|deblurrers|detectors|training)/"
)


TESTS = Path(__file__).parent
TESTED_IN_OTHER_FILES = {
    "evaluation/on_ray": "a cluster of one machine, in tests/cli/test_many_machines.py",
    "evaluation/run": "whole runs, in tests/cli/test_run.py",
}
"""Modules without a test file of their own, and where their tests are."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module as (path in the package, tree); the documentation's hooks are no part of it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent != PACKAGE / "docs":
            yield path.relative_to(PACKAGE), ast.parse(path.read_bytes())


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


def named_in_strings(tree: ast.Module) -> Iterator[str]:
    """Modules of the package that a string names, as lazy tables do: "detbench.deblurrers.blind:Blind"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = re.fullmatch(r"(?!detbench\.toml$)(detbench(?:\.\w+)+)(?::\w+)?", node.value)
            if found:
                yield found[1]


def room_of(path: Path) -> str:
    """The room of a module, its folder in the package."""
    return "" if path.parent == Path() else path.parent.as_posix()


def room_of_name(name: str) -> str:
    """The room of an imported name: `detbench.blur.kernels.Kernel` is in `blur`, `detbench.__version__` in none."""
    inner = Path(*name.split(".")[1:])
    return next(folder for folder in map(str, inner.parents) if folder == "." or (PACKAGE / folder).is_dir()).strip(".")


ENTRANCES = {"__init__.py", "__main__.py"}
"""What people import and start: it names what is above it, and nothing in the package imports from it."""


@cache
def arrows() -> dict[tuple[str, str], list[str]]:
    """Which room imports which, and the modules that do; the entrances aside."""
    found: dict[tuple[str, str], list[str]] = {}
    for path, tree in modules():
        for name in imported(ast.walk(tree)):
            if (
                name.startswith("detbench.")
                and path.as_posix() not in ENTRANCES
                and room_of_name(name) != room_of(path)
            ):
                found.setdefault((room_of(path), room_of_name(name)), []).append(f"{path}: {name}")
    return found


def test_every_room_is_on_the_list() -> None:
    """A new folder takes its place in MAY_IMPORT first, and one that is gone leaves it."""
    assert {room_of(path) for path, _ in modules()} == MAY_IMPORT.keys()


def test_rooms_import_what_they_may() -> None:
    """Nothing that is not on the list, neither in functions nor under TYPE_CHECKING."""
    wrong = [each for (room, other), where in arrows().items() if other not in allowed(room) for each in where]
    assert not wrong, "\n".join(wrong)


def test_the_list_allows_nothing_that_no_module_needs() -> None:
    """So that it says how things are."""
    unused = {(room, other) for room in MAY_IMPORT for other in MAY_IMPORT[room].split()} - arrows().keys()
    assert not unused


def test_no_room_is_above_itself() -> None:
    """The list names only rooms that stand before: there is no circle in it."""
    rooms = list(MAY_IMPORT)
    for place, room in enumerate(rooms):
        assert allowed(room) <= set(rooms[:place]) | {CONTRACT}


def test_the_house_stays_small() -> None:
    """So many rooms and arrows between them, and no more."""
    assert len(MAY_IMPORT) <= MOST_ROOMS
    assert len(arrows()) <= MOST_ARROWS


def allowed(room: str) -> set[str]:
    """The rooms that a room may import."""
    return {CONTRACT, *MAY_IMPORT[room].split()}


def test_modules_that_strings_name_exist() -> None:
    """A module that was renamed is renamed in the lazy tables too."""
    named = [(path, name) for path, tree in modules() for name in named_in_strings(tree)]
    assert len(named) > 20, "the lazy tables are no longer recognised"
    assert [f"{path}: {name}" for path, name in named if find_spec(name) is None] == []


def test_names_are_given_once() -> None:
    """No two modules have the same file name, the commands aside, so that a name says which is meant."""
    stems = Counter(path.stem for path, _ in modules() if room_of(path) != "cli" and path.stem != "__init__")
    assert [stem for stem, count in stems.items() if count > 1] == []


def test_each_module_has_its_test_file() -> None:
    """The tests of a/b.py are in tests/a/test_b.py: a reader finds them, and a module without any is noticed."""
    names = [path.with_suffix("").as_posix() for path, _ in modules() if not path.stem.startswith("__")]
    missing = [
        name
        for name in names
        if name not in TESTED_IN_OTHER_FILES
        and not (TESTS / Path(name).parent / f"test_{Path(name).name}.py").is_file()
    ]
    assert missing == []


def test_imports_are_absolute() -> None:
    """Imports name the whole path, so that the room they reach into can be read from them."""
    assert [f"{path}: {name}" for path, tree in modules() for name in imported(ast.walk(tree)) if name[0] == "."] == []


def test_torch_is_not_imported_with_the_package() -> None:
    """Only networks and what runs them import torch at their top: `--help`, `report` and `gate` never wait for it."""
    wrong = [
        f"{path} imports {name} at its top"
        for path, tree in modules()
        for name in imported(run_at_import(tree))
        if name.split(".")[0] in HEAVY and not HEAVY_AT_THE_TOP.match(path.as_posix())
    ]
    assert not wrong, "\n".join(wrong)


def test_only_detectors_import_ultralytics() -> None:
    """Ultralytics is met in the detectors' adapters, nowhere else."""
    wrong = [
        f"{path} imports {name}"
        for path, tree in modules()
        for name in imported(ast.walk(tree))
        if name.split(".")[0] == "ultralytics" and room_of(path) != "detectors"
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

"""Digests and versions of what a result depends on, found without importing any of it.

One rule for every step: its results are of its code and of the versions of the libraries that this code imports.
"""

import ast
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.machinery import all_suffixes
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

_OWN = "detbench"
_DISTRIBUTIONS = {"cv2": "opencv-python", "PIL": "pillow", "skimage": "scikit-image"}
"""The usual distributions of modules with another name; reading all installed ones' metadata takes .7 s."""

SAME = (
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    ("ultralytics", "ultralytics-opencv-headless"),
)
"""Names of distributions that hold the same modules, of which an installation has one; results name the first."""

_SOURCES = {".py", ".j2", ".css", ".js", ".toml"}
_INSTALLED = (".dist-info", ".egg-info")
"""Endings of the folders that name an installed distribution and its version."""

_ENDINGS = [stem + suffix for suffix in all_suffixes() for stem in ("/__init__", "")]
"""What stands behind the path of a module in the name of its file, sources first."""


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def installed_version(name: str) -> str | None:
    """The version of an installed package, under whichever name that holds its modules; None where it is not there."""
    found = installed_distribution(name)
    return found.version if found else None


def installed_distribution(name: str) -> Distribution | None:
    """An installed package, or the one that holds the same modules under another name; None where neither is there."""
    same = next((names for names in SAME if name in names), ())
    for each in (name, *same):
        try:
            return distribution(each)
        except PackageNotFoundError:
            continue
    return None


def code_identity(code: ModuleType | Callable[..., Any] | str) -> dict[str, Any]:
    """What the results of a module depend on, JSON-able: `code_sha256`, and `versions` by distribution.

    `code` is the module, a function or a class of it, or its full name where it must not be imported. The digest is of
    the bytes of its file and of those that it imports, in turn: modules of its own top-level package, of detbench, and
    of no installed distribution. Every other import outside the standard library counts by its distribution's version.
    Raises ModuleNotFoundError where there is no file of that module.
    """
    files, versions = followed(_name(code))
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name} {file_sha256(file)}\n".encode())
    return {"code_sha256": digest.hexdigest(), "versions": dict(sorted(versions.items()))}


@cache
def package_identity() -> dict[str, Any]:
    """What the results of anything in detbench depend on, JSON-able: every file of the package, every installed
    distribution, and Python. More than `code_identity` says, and known sooner: nothing is parsed.
    """
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for file in sorted(file for file in package.rglob("*") if file.suffix in _SOURCES):
        digest.update(f"{file.relative_to(package)} {file_sha256(file)}\n".encode())
    folders = (Path(each) for each in sys.path if Path(each).is_dir())
    installed = {item.name for each in folders for item in each.iterdir() if item.name.endswith(_INSTALLED)}
    return {"package_sha256": digest.hexdigest(), "python": sys.version, "installed": sorted(installed)}


def _name(code: ModuleType | Callable[..., Any] | str) -> str:
    if isinstance(code, str):
        return code
    return code.__name__ if isinstance(code, ModuleType) else code.__module__


def followed(module: str) -> tuple[dict[str, Path], dict[str, str | None]]:
    """The files of a module and of all that it is made of, by name, and the versions of the libraries they import.

    Raises ModuleNotFoundError where there is no file of that module.
    """
    own = {module.partition(".")[0], _OWN}
    files: dict[str, Path] = {}
    versions: dict[str, str | None] = {}
    waiting = [module]
    for name in waiting:  # it grows meanwhile
        top = name.partition(".")[0]
        distributions = () if top in own else _distributions(top)
        versions |= {each: installed_version(each) for each in distributions}
        file = None if distributions else _file(name)
        if file is not None:
            files[name] = file
            waiting += sorted(set(_imports(name, file)) - set(waiting))
    if module not in files:
        raise ModuleNotFoundError(f"no file of a module named {module!r} is found", name=module)
    return files, versions


@cache
def _distributions(top: str) -> tuple[str, ...]:
    """The installed distributions of a top-level module; none where it is a file of no package."""
    usual = _DISTRIBUTIONS.get(top, top)
    if installed_version(usual) is not None:
        return (usual,)
    return tuple(sorted(set(_all_distributions().get(top, ())))) if _roots(top) else ()


@cache
def _all_distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _file(module: str) -> Path | None:
    """The file of a module, compiled ones too; None where the name is none's, or that of an attribute."""
    top, *inner = module.split(".")
    for path in (root.joinpath(*inner) for root in _roots(top)):
        if path.parent.is_dir():
            files = (path.parent / f"{path.name}{ending}" for ending in _ENDINGS)
            if (found := next(filter(Path.is_file, files), None)) is not None:
                return found
    return None


def _roots(top: str) -> list[Path]:
    """Where a top-level module is: its folders, or its file less the suffix. Finding it runs none of its code."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(folder) for folder in spec.submodule_search_locations]
    return [Path(spec.origin).with_name(top)] if spec.has_location and spec.origin else []


def _imports(module: str, file: Path) -> Iterator[str]:
    """The modules that a module imports anywhere in it, `from` names tried as modules too, none of Python's own."""
    is_package = file.name.partition(".")[0] == "__init__"
    package = module if is_package else module.rpartition(".")[0]
    for node in _import_statements(file.read_bytes()) if file.suffix == ".py" else ():
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else str(node.module)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.partition(".")[0] not in sys.stdlib_module_names)


@cache
def _import_statements(source: bytes) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Every import statement in a source; a run reads a dozen times the modules that its steps have in common.

    None in a source that is no Python: the import says so, with the line.
    """
    try:
        nodes = _statements(ast.parse(source).body)
    except (SyntaxError, ValueError):
        return ()
    return tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All statements, inner ones too; walking their expressions, which import nothing, takes ten times as long."""
    for node in body:
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(node, block, ()))

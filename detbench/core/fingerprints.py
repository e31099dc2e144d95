"""Digests and versions of what a result depends on, found without importing any of it."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def installed_version(distribution: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def code_sha256(module: str) -> str:
    """Digest of a module's source and of every module of its own top-level package that it imports, in turn.

    Editing a backend, or a file it is made of, changes its digest; editing anything else does not. A module whose
    source cannot be found counts by its name alone.
    """
    root = _package_root(module.partition(".")[0])
    digest, waiting, seen = hashlib.sha256(module.encode()), [module], {module}
    while root is not None and waiting:
        path = _source(root, waiting.pop(0))
        if path is None:
            continue
        source = path.read_bytes()
        digest.update(source)
        new = sorted({name for name in _own_imports(source, root, path) if name not in seen})
        waiting += new
        seen.update(new)
    return digest.hexdigest()


def _package_root(top: str) -> Path | None:
    """The folder or the single file of a top-level package; finding it runs none of its code."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None


def _source(root: Path, module: str) -> Path | None:
    if root.is_file():
        return root if root.suffix == ".py" else None
    path = root.joinpath(*module.split(".")[1:])
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _own_imports(source: bytes, root: Path, path: Path) -> Iterator[str]:
    """Modules of the same package that a source imports anywhere in it, `from` names tried as modules too."""
    top = root.name
    package = (top, *path.relative_to(root).parent.parts) if root.is_dir() else (top,)
    for node in _import_statements(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == top)
        else:
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split(".")) if node.level else ()
            module = ".".join(part for part in base if part) if node.level else str(node.module)
            if module.split(".")[0] == top:
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)


@cache
def _import_statements(source: bytes) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Every import statement in a source; a run asks a dozen times for modules that it has in common."""
    return tuple(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom))

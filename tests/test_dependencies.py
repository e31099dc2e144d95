"""What the package imports is what pyproject.toml declares: the wheel is tried with borrowed libraries, see noxfile."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_library_that_the_package_imports_is_declared() -> None:
    """No module comes in only because another library happens to bring it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [words for name, words in project["optional-dependencies"].items() if name != "dev"]
    declared = {normalised(word) for words in (project["dependencies"], *extras) for word in words}
    homes = importlib.metadata.packages_distributions()
    undeclared = {
        module: homes[module]
        for module in imported_modules(ROOT / "detbench")
        if module in homes and not declared & {normalised(home) for home in homes[module]}
    }
    assert undeclared == {}


def imported_modules(package: Path) -> set[str]:
    """Top-level names of all imports, those inside functions included, but the standard library's and our own."""
    found: set[str] = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {package.name}


def normalised(requirement: str) -> str:
    """A requirement's or distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]).lower()

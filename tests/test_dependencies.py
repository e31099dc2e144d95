"""What the package imports is what pyproject.toml declares: the wheel is tried with borrowed libraries, see noxfile."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

from detbench.core.fingerprints import SAME

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_library_that_the_package_imports_is_declared() -> None:
    """No module comes in only because another library happens to bring it."""
    extras = [words for name, words in PROJECT["optional-dependencies"].items() if name != "dev"]
    named = {normalised(word) for words in (PROJECT["dependencies"], *extras) for word in words}
    declared = named | {name for names in SAME for name in names if named & set(names)}
    homes = importlib.metadata.packages_distributions()
    undeclared = {
        module: homes[module]
        for module in imported_modules(ROOT / "detbench")
        if module in homes and not declared & {normalised(home) for home in homes[module]}
    }
    assert undeclared == {}


def test_ultralytics_is_an_extra() -> None:
    """Nothing that every installation has is under the AGPL; `yolo` brings ultralytics as developers have it, and no
    requirement names a second OpenCV, whose files would overwrite those of the first.
    """
    extras = PROJECT["optional-dependencies"]
    every = [*PROJECT["dependencies"], *(word for words in extras.values() for word in words)]
    assert not [word for word in PROJECT["dependencies"] if "ultralytics" in word]
    assert extras["yolo"] == [word for word in extras["dev"] if "ultralytics" in word]
    assert {normalised(word) for word in every if "opencv" in word} == {
        "opencv-python-headless",
        "ultralytics-opencv-headless",
    }


def test_the_licence_is_of_all_that_the_wheel_holds() -> None:
    """MIT, and AGPL-3.0 for the YOLO weights; both texts are there and go into the wheel."""
    assert PROJECT["license"] == "MIT AND AGPL-3.0-only"
    files = {name: (ROOT / name).read_text().split("\n", 1)[0].strip() for name in PROJECT["license-files"]}
    assert files == {
        "LICENSE": "MIT License",
        "models/LICENSE-AGPL-3.0": "GNU AFFERO GENERAL PUBLIC LICENSE",
    }


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

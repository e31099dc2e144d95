"""Which models and datasets go into a wheel and into a source archive: a build hook of hatchling.

A build from a checkout holds every model whose weights are here, so that an installation needs no network. With
DETBENCH_RELEASE=1 it holds only weights that the registry of `detbench fetch` does not name: the archives of a release
stay below the limits of a package index. Superseded weights are in neither. Cards and recipes always are.
"""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEIGHTS_NAME = "weights.safetensors"
SHIPPED = Path("detbench", "_shipped")
"""Where `detbench.core.paths.shipped` looks in an installed package."""


class WheelContents(BuildHookInterface):
    """Adds files to what hatchling packs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is `standard`, or `editable` for an installation that reads the checkout itself."""
        if version == "editable":
            return
        root, is_release = Path(self.root), os.environ.get("DETBENCH_RELEASE") == "1"
        added = weights(root, is_release)
        if self.target_name == "wheel":
            added = [*others(root), *added]
        target = SHIPPED if self.target_name == "wheel" else Path()
        build_data["force_include"] |= {str(root / path): str(target / path) for path in added}


def weights(root: Path, is_release: bool) -> Iterator[Path]:
    """The weights that are packed, relative to the checkout."""
    registered = {entry["name"]: entry for entry in _registry(root) if entry["kind"] == "weights"}
    for file in sorted(root.glob(f"models/*/{WEIGHTS_NAME}")):
        entry = registered.get(file.parent.name, {})
        if not (entry.get("superseded") or (entry and is_release)):
            yield file.relative_to(root)


def others(root: Path) -> Iterator[Path]:
    """What an installed package has besides weights: cards and recipes of models, their licence, and the datasets."""
    yield from (file.relative_to(root) for file in sorted(root.glob("models/*/*")) if file.name != WEIGHTS_NAME)
    yield from (Path("models", name) for name in ("README.md", "LICENSE-AGPL-3.0"))
    yield Path("datasets")


def _registry(root: Path) -> list[dict[str, Any]]:
    text = (root / "detbench" / "core" / "fetchable.toml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = tomllib.loads(text)["entry"]
    return entries

from pathlib import Path

import pytest

from detbench.core import paths as assets
from detbench.core.paths import cache_folder, shipped


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DETBENCH_CACHE is the cache where it is set; unset or empty, the user's cache folder is."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "user" / name)
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"
    monkeypatch.setenv("DETBENCH_CACHE", "")
    assert cache_folder() == tmp_path / "user" / "detbench"
    monkeypatch.delenv("DETBENCH_CACHE")
    assert cache_folder() == tmp_path / "user" / "detbench"


def test_a_wheel_carries_what_a_checkout_has_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models lie beside the package in a checkout; where the package carries its own, those are taken."""
    package = tmp_path / "detbench"
    monkeypatch.setattr(assets, "_PACKAGE", package)
    assert shipped("models") == tmp_path / "models"
    (package / "_shipped" / "models").mkdir(parents=True)
    assert shipped("models") == package / "_shipped" / "models"

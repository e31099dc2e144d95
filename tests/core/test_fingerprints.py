import importlib
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
import pytest

from detbench.core.fingerprints import code_sha256, file_sha256, installed_version

FILES = {
    "__init__.py": "",
    "backend.py": "import os\nfrom {top}.maths import add\nfrom . import relative\nimport {top}.plain\n",
    "maths.py": "from {top}.deep.inner import one\n",
    "relative.py": "def lazily():\n    from .deep import other\n",
    "plain.py": "",
    "deep/__init__.py": "",
    "deep/inner.py": "from ..above import zero\n",
    "deep/other.py": "",
    "above.py": "from {top} import backend\n",
    "unrelated.py": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package whose modules fail when they are imported."""
    top = f"fingerprinted_{tmp_path.name.replace('-', '_')}"
    for name, text in FILES.items():
        path = tmp_path / top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(top=top) + "raise RuntimeError('a digest imports nothing')\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return tmp_path / top


@pytest.fixture
def backend_sha256(package: Path) -> Callable[[], str]:
    """The digest of the package's module `backend`."""
    return lambda: code_sha256(f"{package.name}.backend")


def edit(path: Path) -> None:
    """Add a line to a file."""
    path.write_text(path.read_text() + "# edited\n")


@pytest.mark.parametrize(
    "name", ["backend", "maths", "relative", "plain", "deep/__init__", "deep/inner", "deep/other", "above", "__init__"]
)
def test_a_module_is_all_that_it_is_made_of(package: Path, backend_sha256: Callable[[], str], name: str) -> None:
    """Editing the module, or one of its own package that it imports however, anywhere and in turn, changes it."""
    before = backend_sha256()
    edit(package / f"{name}.py")
    assert backend_sha256() != before


@pytest.mark.parametrize("name", ["unrelated.py", "notes.txt", "deep/unrelated.py"])
def test_what_it_does_not_import_does_not_count(package: Path, backend_sha256: Callable[[], str], name: str) -> None:
    """Editing or adding another file leaves the digest, so that its finished work stays valid."""
    before = backend_sha256()
    (package / name).write_text("edited = True\n")
    assert backend_sha256() == before


def test_the_digest_is_the_same_again(backend_sha256: Callable[[], str]) -> None:
    """Two askings agree."""
    assert backend_sha256() == backend_sha256()
    assert len(backend_sha256()) == 64


def test_modules_have_digests_of_their_own(package: Path) -> None:
    """Two modules of equal source are told apart by name."""
    for name in ("one", "two"):
        (package / f"{name}.py").write_text("value = 1\n")
    assert code_sha256(f"{package.name}.one") != code_sha256(f"{package.name}.two")


def test_nothing_is_imported_for_it(package: Path, backend_sha256: Callable[[], str]) -> None:
    """The module and its package, which would raise, are only read."""
    backend_sha256()
    assert not [name for name in sys.modules if name.split(".")[0] == package.name]


def test_a_single_file_is_a_module_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in of one file changes with that file."""
    file = tmp_path / "plug_in_of_one_file.py"
    file.write_text("import numpy\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    before = code_sha256("plug_in_of_one_file")
    edit(file)
    assert code_sha256("plug_in_of_one_file") != before


def test_a_compiled_module_counts_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in without a Python source has a digest, though there is nothing to read."""
    (tmp_path / f"compiled_plug_in{EXTENSION_SUFFIXES[0]}").write_bytes(b"\x7fELF\x00\xff")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert code_sha256("compiled_plug_in") == code_sha256("compiled_plug_in")


@pytest.mark.parametrize("name", ["no_such_package.backend", "no_such_module", "sys", "__main__", "detbench.no_such"])
def test_an_unknown_module_counts_by_its_name(name: str) -> None:
    """Where no source is found the name alone makes the digest, without an error."""
    assert code_sha256(name) == code_sha256(name) != code_sha256(name + "x")


def test_detbenchs_own_modules_are_followed() -> None:
    """The detector `yolo` is more than `blobs`; both have a digest without being imported."""
    assert code_sha256("detbench.detectors.ultralytics_yolo") != code_sha256("detbench.detectors.blobs")


def test_a_file_is_its_bytes(tmp_path: Path) -> None:
    """The digest of a file is SHA-256 of what it holds."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")
    assert file_sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea")


def test_versions_of_what_is_installed() -> None:
    """An installed package has its version, any other None."""
    assert installed_version("numpy") == np.__version__
    assert installed_version("no-such-distribution-at-all") is None

import importlib
import re
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from detbench.core import fingerprints
from detbench.core.fingerprints import code_identity, file_sha256, installed_version, package_identity
from detbench.detectors import blobs

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


def code_sha256(module: str) -> str:
    """The digest of a module's code."""
    return str(code_identity(module)["code_sha256"])


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], Path]:
    """Writes the file of a module that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        importlib.invalidate_caches()
        return path

    return write


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


def test_modules_have_digests_of_their_own(package: Path) -> None:
    """Two modules of equal source are told apart by name."""
    for name in ("one", "two"):
        (package / f"{name}.py").write_text("value = 1\n")
    assert code_sha256(f"{package.name}.one") != code_sha256(f"{package.name}.two")


def test_nothing_is_imported_for_it(package: Path, backend_sha256: Callable[[], str]) -> None:
    """The module and its package, which would raise, are only read."""
    backend_sha256()
    assert not [name for name in sys.modules if name.split(".")[0] == package.name]


def test_a_single_file_is_a_module_too(put: Callable[[str, bytes], Path]) -> None:
    """A plug-in of one file changes with that file."""
    file = put("plug_in_of_one_file.py", b"import numpy\n")
    before = code_sha256("plug_in_of_one_file")
    edit(file)
    assert code_sha256("plug_in_of_one_file") != before


@pytest.mark.parametrize("place", ["compiled_{}{}", "compiled_{}/__init__{}"])
def test_a_compiled_module_counts_by_its_bytes(put: Callable[[str, bytes], Path], place: str) -> None:
    """A plug-in without a Python source changes when it is compiled anew."""
    name = "package" if "/" in place else "file"
    file = place.format(name, EXTENSION_SUFFIXES[0])
    put(file, b"\x7fELF\x00\xff")
    before = code_sha256(f"compiled_{name}")
    put(file, b"\x7fELF\x00\xfe")
    assert code_sha256(f"compiled_{name}") != before


def test_a_file_beside_a_plug_in_is_its_code_too(put: Callable[[str, bytes], Path]) -> None:
    """What it imports from no installed distribution has no version: its bytes count."""
    put("with_helper.py", b"import helper_in_the_folder\n")
    helper = put("helper_in_the_folder.py", b"value = 1\n")
    before = code_identity("with_helper")
    edit(helper)
    assert code_identity("with_helper")["code_sha256"] != before["code_sha256"]
    assert before["versions"] == {}


def test_a_source_that_is_no_python_counts_by_its_bytes(put: Callable[[str, bytes], Path]) -> None:
    """Its digest is no error; the import reports the line."""
    file = put("no_python.py", b"def\x00 (\n")
    before = code_sha256("no_python")
    edit(file)
    assert code_sha256("no_python") != before


@pytest.mark.parametrize(
    "name", ["no_such_package.backend", "no_such_module", "detbench.no_such", "detbench.errors.UsageError"]
)
def test_a_name_of_no_module_is_an_error(name: str) -> None:
    """A module that was renamed is missed at once: its old name never makes a key."""
    with pytest.raises(ModuleNotFoundError, match=f"no file of a module named '{re.escape(name)}'"):
        code_identity(name)


def test_a_module_and_what_is_defined_in_it_stand_for_its_name() -> None:
    """A caller that has the module, a function or a class of it passes that, and a rename cannot be missed."""
    named = code_identity("detbench.detectors.blobs")
    assert code_identity(blobs) == code_identity(blobs.Blobs) == named
    assert code_identity(installed_version) == code_identity(fingerprints) != named


def test_libraries_count_by_their_versions(put: Callable[[str, bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Distributions of all that a module and its parts import, by name, the standard library's left out; each once."""
    put("libraries/__init__.py", b"")
    put("libraries/one.py", b"import json, numpy.linalg\nfrom . import other\n")
    put("libraries/other.py", b"def late():\n    import cv2, numpy\n    from skimage import io, no_such\n")
    versions = {name: installed_version(name) for name in ("numpy", "opencv-python", "scikit-image")}
    assert code_identity("libraries.one")["versions"] == versions
    monkeypatch.setattr(fingerprints, "installed_version", lambda name: "99" if name == "numpy" else versions.get(name))
    assert code_identity("libraries.one")["versions"] == {**versions, "numpy": "99"}


def test_a_distribution_of_another_name_is_found(put: Callable[[str, bytes], Path]) -> None:
    """A module that is not called as its distribution is looked up in what is installed."""
    put("other_name.py", b"import _pytest, yaml\n")
    expected = {"pytest": pytest.__version__, "PyYAML": installed_version("PyYAML")}
    assert {name.lower() for name in code_identity("other_name")["versions"]} == {name.lower() for name in expected}


@pytest.mark.parametrize(
    ("module", "libraries"),
    [
        ("detbench.metrics.quality", {"numpy", "opencv-python"}),
        ("detbench.metrics.evidence", {"numba", "numpy", "scipy"}),
        ("detbench.blur.recipes", {"numpy", "opencv-python", "pillow", "scipy"}),
    ],
)
def test_steps_depend_on_their_libraries(module: str, libraries: set[str]) -> None:
    """Quality is of the version of OpenCV that computes it, as blur is."""
    assert code_identity(module)["versions"].keys() == libraries


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


def test_one_library_may_have_several_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV and ultralytics count as installed under any name that brings their modules, so that no result depends on
    which.
    """

    def only_headless(name: str) -> SimpleNamespace:
        if name.endswith("-headless"):
            return SimpleNamespace(version=f"1 of {name}")
        raise PackageNotFoundError(name)

    monkeypatch.setattr(fingerprints, "distribution", only_headless)
    found = {name: installed_version.__wrapped__(name) for name in ("opencv-python", "ultralytics", "numpy")}
    assert found == {
        "opencv-python": "1 of opencv-python-headless",
        "ultralytics": "1 of ultralytics-opencv-headless",
        "numpy": None,
    }


def test_the_package_counts_as_a_whole() -> None:
    """The identity of all of detbench has the digest of its files, and each installed distribution with its version."""
    identity = package_identity()
    assert re.fullmatch(r"[0-9a-f]{64}", identity["package_sha256"])
    assert f"numpy-{version('numpy')}.dist-info" in identity["installed"]
    assert identity["installed"] == sorted(identity["installed"])

import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import detbench
from detbench.results import provenance
from detbench.results.provenance import environment


def test_the_environment_is_json() -> None:
    """What is recorded goes through JSON unchanged."""
    found = environment("cpu")
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_versions_and_device_are_named() -> None:
    """detbench's, Python's and each library's version are there, and the device with its maker's name."""
    found = environment("cpu")
    assert (found["detbench"], found["python"]) == (detbench.__version__, platform.python_version())
    assert found["versions"]["numpy"] == np.__version__
    assert {"torch", "torchvision", "ultralytics", "pycocotools", "opencv-python"} <= set(found["versions"])
    assert found["device"] == "cpu"
    assert found["device_name"]


def test_a_library_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version is None, not an error."""
    monkeypatch.setattr(provenance, "_DISTRIBUTIONS", ("no-such-distribution-at-all",))
    assert environment("cpu")["versions"]["no-such-distribution-at-all"] is None


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with one commit, out of which detbench seems to run."""
    module = tmp_path / "detbench" / "results" / "provenance.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    monkeypatch.setattr(provenance, "__file__", str(module))
    for words in ("init --quiet", "add .", "-c user.name=T -c user.email=t@example.org commit --quiet -m first"):
        subprocess.run(["git", "-C", str(tmp_path), *words.split()], check=True)
    return module


def test_a_checkout_names_its_commit(checkout: Path) -> None:
    """In a checkout the commit is recorded, and whether anything differs from it."""
    clean = environment("cpu")
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    checkout.write_text("changed")
    assert environment("cpu")["dirty"] is True
    assert environment("cpu")["commit"] == clean["commit"]


def test_a_checkout_that_git_cannot_read_is_unknown(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git fails or is missing, neither commit nor cleanness is claimed."""
    (checkout.parents[2] / ".git" / "HEAD").write_text("damaged")
    assert (environment("cpu")["commit"], environment("cpu")["dirty"]) == (None, None)
    monkeypatch.setenv("PATH", str(checkout.parent))
    assert (environment("cpu")["commit"], environment("cpu")["dirty"]) == (None, None)


def test_an_installed_package_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a checkout there is no commit to name."""
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "site" / "detbench" / "results" / "provenance.py"))
    assert (environment("cpu")["commit"], environment("cpu")["dirty"]) == (None, None)


def test_torch_is_not_imported_for_its_version() -> None:
    """Recording the environment imports neither torch nor ultralytics."""
    code = (
        "import sys; from detbench.results.provenance import environment; environment('cpu'); "
        "sys.exit(bool({'torch', 'torchvision', 'ultralytics'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(detbench.__file__).parents[1]).returncode == 0

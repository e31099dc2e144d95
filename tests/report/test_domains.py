"""The script that makes the page of deblurrers on several kinds of blur."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from detbench.errors import UsageError

HERE = Path(__file__).resolve().parents[2] / "reports"


@pytest.fixture
def domains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script as a module, writing into a folder of its own."""
    spec = importlib.util.spec_from_file_location("domains", HERE / "domains.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "domains.md.j2").write_bytes((HERE / "domains.md.j2").read_bytes())
    monkeypatch.setattr(module, "HERE", tmp_path)
    return module


def test_a_page_has_a_row_for_each_ground(domains: ModuleType, write: Callable[..., Path], tmp_path: Path) -> None:
    """The matrix has the deblurrers as columns, and every run is named below it."""
    maps = {"sharp": 0.6, "blurred": 0.3, "wiener": 0.4, "richardson_lucy": 0.35}
    domains.main([write(name, maps=maps) for name in ("one", "two")])
    page = (tmp_path / "domains.md").read_text()
    head = next(line for line in page.splitlines() if line.startswith("| Dataset |"))
    assert "wiener" in head
    assert "richardson" in head
    assert "\n- one: " in page
    assert "\n- two: " in page


def test_one_run_is_no_matrix(domains: ModuleType, tmp_path: Path) -> None:
    """The message says what to call."""
    with pytest.raises(UsageError, match="two runs or more"):
        domains.main([tmp_path])

from pathlib import Path

import pytest

from detbench.core.native_readers import unseen_reads


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import numpy as np\nW = np.load('w.npy')", None),
        ("import torch\nW = torch.load('w.pt')", None),
        ("import torch\nnet = torch.jit.script(print)", None),
        ("import torch\nnet = torch.jit.load('net.pt')", "mine.py uses jit.load"),
        ("from torch import jit\nnet = jit.load('net.pt')", "mine.py uses jit.load"),
        ("import cv2\nedges = cv2.Canny", None),
        ("import cv2\nmask = cv2.imread('mask.png')", "mine.py uses imread"),
        ("def f():\n    import ctypes", "mine.py uses ctypes"),
        ("from safetensors.torch import load_file", "it uses safetensors, which reads files unseen"),
        ("import helper_of_mine", "helper_of_mine.py uses CDLL"),
    ],
)
def test_what_reads_behind_pythons_back_is_known_by_its_name(
    source: str, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers in C are found in a module's source, in those that it imports, and in the libraries that it uses."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helper_of_mine.py").write_text("from ctypes.util import find_library\nload = 'CDLL'\n")
    (tmp_path / "mine.py").write_text(source)
    found = unseen_reads("mine")
    assert found == why if why is None else found is not None and why in found


def test_a_library_is_searched_for_what_it_requires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that loads its weights by way of another one reads unseen too; its extras do not count."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, requires in {"zoo_one": "safetensors>=0.4", "zoo_two": "safetensors ; extra == 'fast'"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        )
    (tmp_path / "first.py").write_text("import zoo_one")
    (tmp_path / "second.py").write_text("import zoo_two")
    assert unseen_reads("first") == "it uses safetensors (through zoo_one), which reads files unseen"
    assert unseen_reads("second") is None

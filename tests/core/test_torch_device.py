from pathlib import Path

import pytest
import torch

from detbench.core import devices
from detbench.core.torch_device import check_usable, resolve_precision
from detbench.errors import UsageError


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("fpu sse2 avx512f avx512_bf16 fsrm", "bf16"),
        ("fpu avx512_bf16 amx_bf16 amx_tile", "bf16"),
        ("fpu avx2 avx512f avx512_bf16x", "fp32"),
    ],
)
def test_auto_is_what_the_processor_multiplies_in(
    flags: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its flags as Linux lists them; a word that names a precision is taken as it is."""
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n")
    monkeypatch.setattr(devices, "CPUINFO", tmp_path / "cpuinfo")
    assert resolve_precision("auto", "cpu") == precision
    assert [resolve_precision(word, "cpu") for word in ("fp32", "bf16")] == ["fp32", "bf16"]  # type: ignore[arg-type]


def test_unknown_hardware_is_single_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without such a list."""
    monkeypatch.setattr(devices, "CPUINFO", tmp_path / "none")
    assert resolve_precision("auto", "cpu") == "fp32"


def test_a_driver_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word that the user gave is named; a processor is always usable."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_usable("cpu", "auto")
    with pytest.raises(UsageError, match=r"device 'auto': torch .* cannot use CUDA here; use cpu"):
        check_usable("cuda", "auto")

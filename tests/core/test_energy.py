import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from detbench.core import energy
from detbench.core.energy import EnergyMeter


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages whose counters stand at 1,000,000 and 9,000,000 µJ and turn at 9,999,999, and a core within one."""
    for name, energy_uj in (("intel-rapl:0", 1_000_000), ("intel-rapl:1", 9_000_000), ("intel-rapl:0:0", 5)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "energy_uj").write_text(f"{energy_uj}\n")
        (folder / "max_energy_range_uj").write_text("9999999\n")
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    return tmp_path


def test_packages_are_added_and_their_cores_are_not(counters: Path) -> None:
    """Half a joule of one package and two of the other, whose counter begins anew in between, are 2.5 joules."""
    meter = EnergyMeter("cpu")
    (counters / "intel-rapl:0" / "energy_uj").write_text("1500000")
    (counters / "intel-rapl:1" / "energy_uj").write_text("1000000")
    (counters / "intel-rapl:0:0" / "energy_uj").write_text("9000000")
    assert meter.joules() == pytest.approx(2.5)


def test_counters_that_cannot_be_read_give_nothing(counters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused counter, and a machine without any, leave the energy undefined instead of 0."""
    (counters / "intel-rapl:1" / "energy_uj").unlink()
    (counters / "intel-rapl:1" / "energy_uj").mkdir()  # reading it fails, for root too
    assert EnergyMeter("cpu").joules() is None
    monkeypatch.setattr(energy, "POWERCAP", counters / "absent")
    assert EnergyMeter("cpu").joules() is None


class Nvml(SimpleNamespace):
    """What is used of nvidia-ml-py: a GPU by its UUID, which has taken so many millijoules."""

    NVMLError = RuntimeError
    taken = 7000

    def nvmlInit(self) -> None:  # noqa: N802
        """Nothing to do."""

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes) -> bytes:  # noqa: N802
        """The UUID itself."""
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: bytes) -> int:  # noqa: N802
        """In millijoules."""
        if handle != b"GPU-abc":
            raise RuntimeError("not found")
        return self.taken


@pytest.mark.parametrize(("uuid", "joules"), [("abc", 3.0), ("another", None)])
def test_a_gpu_counts_by_itself(
    monkeypatch: pytest.MonkeyPatch, counters: Path, uuid: str, joules: float | None
) -> None:
    """On CUDA the GPU's counter alone is read, by its UUID; where NVML has none, the energy is undefined."""
    nvml = Nvml()
    properties: Any = SimpleNamespace(uuid=uuid)
    torch = SimpleNamespace(cuda=SimpleNamespace(get_device_properties=lambda _device: properties))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    meter = EnergyMeter("cuda:0")
    nvml.taken += 3000
    assert meter.joules() == joules

"""Energy that counters of the machine itself have measured: of Intel's and AMD's processors, and of NVIDIA's GPUs."""

import sys
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the processors' counters (RAPL), often to root alone."""


class EnergyMeter:
    """Counts the energy of the processor's packages, or of a GPU where `device` is one, from when it is built."""

    def __init__(self, device: str) -> None:
        self._gpu = _gpu_handle(device)
        self._packages = [] if device.startswith("cuda") else _packages()
        self._begun = self._read()

    def joules(self) -> float | None:
        """The energy so far; None where no counter can be read."""
        now = self._read()
        if not self._begun or self._begun.keys() != now.keys():
            return None
        spent = ((now[name] - begun) % _turn(name) for name, begun in self._begun.items())
        return sum(spent) / 1e6

    def _read(self) -> dict[Path | None, int]:
        """Microjoules by counter; the GPU's is called None."""
        try:
            if self._gpu is not None:
                return {None: 1000 * self._gpu.read()}
            return {package: int((package / "energy_uj").read_text()) for package in self._packages}
        except (OSError, ValueError):
            return {}


def _packages() -> list[Path]:
    """The processor's packages, without the cores and memory that each counts again."""
    return sorted(path for path in POWERCAP.glob("intel-rapl:*") if path.name.count(":") == 1)


def _turn(package: Path | None) -> int:
    """Where a counter begins again at 0."""
    return 1 << 63 if package is None else int((package / "max_energy_range_uj").read_text()) + 1


class _Gpu:
    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    def read(self) -> int:
        """Millijoules since the driver was loaded."""
        return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))


def _gpu_handle(device: str) -> _Gpu | None:
    """The GPU that torch calls `device`, where nvidia-ml-py is installed and the GPU counts."""
    torch: Any = sys.modules.get("torch")
    if not device.startswith("cuda") or torch is None:
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        # CUDA_VISIBLE_DEVICES numbers GPUs anew, so the number is not NVML's.
        uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        gpu = _Gpu(pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid.encode()))
        gpu.read()
    except pynvml.NVMLError:
        return None
    return gpu

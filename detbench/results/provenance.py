"""Where a number came from: versions, device, commit."""

import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detbench import __version__
from detbench.core.devices import device_name
from detbench.core.fingerprints import installed_version
from detbench.metrics.image_metrics import image_metrics

_DISTRIBUTIONS = (
    "numpy", "opencv-python", "pillow", "pycocotools", "scikit-image", "scipy", "torch", "torchvision", "ultralytics",
)  # fmt: skip


def environment(device: str) -> dict[str, Any]:
    """Versions, platform, device and (in a checkout) the commit with its dirty flag, all JSON-able."""
    return {
        "detbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "device_name": device_name(device),
        "versions": {name: installed_version(name) for name in (*_DISTRIBUTIONS, *_of_metrics())},
        **_commit(),
    }


def _of_metrics() -> Iterator[str]:
    """The packages that metrics are of."""
    for metric in image_metrics().values():
        yield from metric.distributions


def _commit() -> dict[str, Any]:
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return {"commit": None, "dirty": None}
    commit, changes = _git(checkout, "rev-parse", "HEAD"), _git(checkout, "status", "--porcelain")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(checkout: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

"""`detbench doctor`: is this installation sound?"""

from collections.abc import Callable

import typer

from detbench.cli.console import print_table


def doctor() -> None:
    """Check libraries, device and cache; exit 1 where something is broken, with what to do about it.

    Example:
        detbench doctor
    """
    checks: dict[str, Callable[[], str]] = {
        "python": _python,
        "torch and torchvision": _torch,
        "ultralytics": _ultralytics,
        "device": _device,
        "cache": _cache,
        "models": _models,
        "datasets": _datasets,
    }
    rows, broken = [], False
    for name, check in checks.items():
        try:
            rows.append([name, "ok", check()])
        except Exception as error:  # each check meets another library, and whatever it raises is the finding
            broken = True
            rows.append([name, "BROKEN", f"{type(error).__name__}: {error}"])
    print_table(["check", "state", "what was found"], rows)
    raise typer.Exit(1 if broken else 0)


def _python() -> str:
    import platform

    return f"{platform.python_version()} on {platform.platform()}"


def _torch() -> str:
    import torch
    import torchvision

    # Builds that do not match import well and fail here: reinstall both together, unpinned.
    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    return f"torch {torch.__version__}, torchvision {torchvision.__version__}, {torch.get_num_threads()} threads"


def _ultralytics() -> str:
    from detbench.core.fingerprints import installed_version
    from detbench.detectors.ultralytics_yolo import Yolo

    return f"{installed_version('ultralytics')}, used by {Yolo.__name__}"


def _device() -> str:
    from detbench.core.devices import device_name, resolve_device

    device = resolve_device("auto")
    return f"{device}: {device_name(device)}"


def _cache() -> str:
    import shutil

    from detbench.core.images import write_atomically
    from detbench.core.paths import cache_folder

    folder = cache_folder()
    probe = folder / ".writable"
    write_atomically(probe, "")
    probe.unlink()
    return f"{folder} is writable, {shutil.disk_usage(folder).free / 1e9:.0f} GB free"


def _models() -> str:
    from detbench.core.paths import shipped

    ready = sorted(path.parent.name for path in shipped("models").glob("*/weights.safetensors"))
    return ", ".join(ready) if ready else "no trained weights shipped yet"


def _datasets() -> str:
    from detbench.datasets.coco import CocoFolder
    from detbench.datasets.opening import embedded_datasets

    counts = {name: len(CocoFolder(folder)) for name, folder in embedded_datasets().items()}
    return ", ".join(f"{name}: {count} pictures" for name, count in counts.items()) or "none embedded"

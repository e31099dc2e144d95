"""`detbench doctor`: is this installation sound?"""

from collections.abc import Callable, Sequence

import typer

from detbench.cli.console import out, print_table


def doctor() -> None:
    """Check libraries, device and cache, and say which licences are here; exit 1 where something is broken.

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
    _print_licences()
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

    if installed_version("ultralytics") is None:
        return "not installed; pip install 'detbench[yolo]' brings --detector yolov8, FILE.pt and train yolov8"
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


def _print_licences() -> None:
    """What is here by its licence, and what that means for a product."""
    import textwrap

    from detbench import __version__
    from detbench.core.licences import is_agpl, required_packages, stated_licence, weights_licences

    packages = {f"{package.name} {package.version}": stated_licence(package) for package in required_packages()}
    weights = {f"models/{name}": licence for name, licence in weights_licences().items()}
    found: dict[str, list[str]] = {}
    for what, licence in {f"detbench {__version__}": "MIT", **weights, **packages}.items():
        found.setdefault(licence, []).append(what)
    order = sorted(found, key=lambda licence: (not is_agpl(licence), licence != "MIT", licence))
    rows = [[textwrap.shorten(licence, 36, placeholder=" …"), ", ".join(found[licence])] for licence in order]
    print_table(["licence", "what is under it"], rows)
    out.print(_meaning([what for licence in filter(is_agpl, order) for what in found[licence]]))


def _meaning(agpl: Sequence[str]) -> str:
    """What a product must do that takes this installation along; `agpl` is what is here under AGPL-3.0."""
    if not agpl:
        return "For a product: MIT is all that detbench asks for."
    from detbench.core.paths import shipped

    *others, last = agpl
    named = f"{', '.join(others)} and {last}" if others else last
    return (
        f"For a product: {named} are under AGPL-3.0. What holds or serves them owes its users its whole source, or "
        "needs a licence from Ultralytics.\nLeave them out, and MIT is all that detbench asks for; every other "
        f"detector works. The models are in {shipped('models')}."
    )

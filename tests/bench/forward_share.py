"""Where a whole run's time goes, its networks' forward passes above all: part of `nox -s bench`.

The run is the main job, `detbench run --deblurrer deblurgan --detector yolov8`, from an empty cache, with its report;
what is not forward passes is what detbench could still save. Python's start and imports count.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BEGUN = time.perf_counter()


def main() -> None:
    """Measure in a process of its own, print, and write `reports/bench-share.json`."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, folder]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    Path("reports/bench-share.json").write_text(json.dumps(figures, indent=1) + "\n")
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def share(folder: Path) -> dict[str, float]:
    """Seconds of the run, and its shares within outermost calls of the networks and within other parts."""
    import torch

    from detbench.detectors import (
        ultralytics_yolo as yolo,  # before the hooks, so that no detector is made while it counts
    )
    from detbench.evaluation import run as running
    from detbench.evaluation.measure.steps import Stages
    from detbench.evaluation.request import RunSpec
    from detbench.nets.deblurgan import Generator
    from detbench.report.render import render_report
    from detbench.results.cache import Cache

    started_s = time.perf_counter() - BEGUN
    parts = {"start and imports": started_s}
    _timed(Stages, "image_quality", "metrics of single pictures", parts)
    _timed(Cache, "keep_picture", "restored pictures written", parts)
    _timed(running, "conclude", "scores and their files", parts)
    counted = (Generator, yolo.ultralytics.nn.tasks.DetectionModel)
    began: list[float] = []
    seconds: list[float] = []

    def before(net: torch.nn.Module, _: object) -> None:
        if isinstance(net, counted):
            began.append(time.perf_counter())

    def after(net: torch.nn.Module, *_: object) -> None:
        if isinstance(net, counted):
            seconds.append(time.perf_counter() - began.pop())

    torch.nn.modules.module.register_module_forward_pre_hook(before)
    torch.nn.modules.module.register_module_forward_hook(after)
    spec = RunSpec("streets", ("deblurgan",), "yolov8", device="cpu")
    result = running.run(spec, folder / "run", Cache(folder / "cache"), lambda *_: None)
    drawing = time.perf_counter()
    render_report(folder / "run")
    parts["report"] = time.perf_counter() - drawing
    whole = time.perf_counter() - BEGUN
    parts["forward passes"] = sum(seconds)
    parts["the rest"] = whole - sum(parts.values())
    shares = {part: part_s / whole for part, part_s in parts.items()}
    return {"pictures": result.data.images, "run_s": whole, **shares}


def _timed(owner: Any, name: str, part: str, parts: dict[str, float]) -> None:
    """Have a function of a class or module count its time as that of a part."""
    function = getattr(owner, name)

    def timed(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            parts[part] = parts.get(part, 0.0) + time.perf_counter() - begun

    setattr(owner, name, timed)


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(json.dumps(share(Path(sys.argv[1]))) + "\n")
    else:
        main()

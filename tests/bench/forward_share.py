"""How much of a whole run's time its networks' forward passes take: part of `nox -s bench`.

The run is the main job, `detbench run --deblurrer deblurgan --detector yolov8`, from an empty cache, with its report;
what is not forward passes is what detbench could still save. Python's start and imports count.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    """Seconds of the run, seconds within outermost calls of the networks, and their ratio."""
    import torch

    from detbench.detectors import (
        ultralytics_yolo as yolo,  # before the hooks, so that no detector is made while it counts
    )
    from detbench.evaluation.request import RunSpec
    from detbench.evaluation.run import run
    from detbench.nets.deblurgan import Generator
    from detbench.report.render import render_report
    from detbench.results.cache import Cache

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
    result = run(spec, folder / "run", Cache(folder / "cache"), lambda *_: None)
    render_report(folder / "run")
    whole = time.perf_counter() - BEGUN
    return {"pictures": result.data.images, "run_s": whole, "forward_s": sum(seconds), "share": sum(seconds) / whole}


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(json.dumps(share(Path(sys.argv[1]))) + "\n")
    else:
        main()

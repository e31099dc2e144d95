"""What a run costs by step, and what two workers gain: `python tests/bench/sharing.py`, minutes on two cores.

The run is the embedded streets with the shipped detector and `identity`; a deblurrer's own time comes on top, twice per
picture, and is in every run's `restore_ms_p50`. Everything starts from an empty cache, one thread per worker.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from detbench.datasets.opening import open_dataset
from detbench.results.cache import Cache
from detbench.results.folder import RunFolder
from detbench.runner.loop import conclude, measure, resolve
from detbench.runner.measured import Measured
from detbench.runner.shards import pack, unpack
from detbench.runner.spec import WHOLE, RunSpec
from detbench.runner.stages import Stages

IMAGES = 48
COPIES = (5, 20)
"""How often the pictures are repeated, under new ids, to see how the cost of scoring grows."""


def main() -> None:
    """Measure, print, and write `reports/bench-sharing.json`."""
    with tempfile.TemporaryDirectory() as folder:
        figures = {**step_costs(Path(folder)), **two_workers(Path(folder))}
    Path("reports/bench-sharing.json").write_text(json.dumps(figures, indent=1) + "\n")
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def step_costs(folder: Path) -> dict[str, float]:
    """Milliseconds of one core per picture: to hash, to measure, to hand over, and to score."""
    spec = RunSpec("streets", ("identity",), "yolov8", limit=IMAGES, device="cpu")
    begun = time.process_time()
    images = len(list(open_dataset("streets")))
    costs = {"hash_ms": (time.process_time() - begun) / images * 1000}
    plan, stages = resolve(spec), Stages(Cache(folder / "steps"))
    measure(replace(plan, spec=replace(spec, limit=1)), stages, _silently)  # builds the detector
    begun = time.process_time()
    measured = measure(plan, stages, _silently)
    costs["measure_ms"] = (time.process_time() - begun) / (IMAGES - 1) * 1000
    begun = time.process_time()
    files = pack(measured, WHOLE)
    costs["pack_ms"] = (time.process_time() - begun) / IMAGES * 1000
    costs["line_kb"] = len(files["pictures.jsonl"]) / IMAGES / 1000
    for copies in COPIES:
        many = repeated(measured, copies)
        lines = pack(many, WHOLE)
        begun = time.process_time()
        unpack(lines.__getitem__, "bench")
        costs[f"unpack_ms_of_{copies * IMAGES}"] = (time.process_time() - begun) / (copies * IMAGES) * 1000
        begun = time.process_time()
        conclude(many, RunFolder(folder / f"of-{copies}"), Cache(folder / f"scores-{copies}"), _silently)
        costs[f"score_ms_of_{copies * IMAGES}"] = (time.process_time() - begun) / (copies * IMAGES) * 1000
    return costs


def repeated(measured: Measured, copies: int) -> Measured:
    """The pictures over and over, each time with other ids for pictures and boxes."""
    samples, rows = [], {arm: [] for arm in measured.rows}
    for copy in range(copies):
        for index, sample in enumerate(measured.samples):
            truth = replace(sample.truth, ids=sample.truth.ids + copy * 10**6)
            again = replace(sample, id=sample.id + copy * 10**6, truth=truth)
            samples.append(again)
            for arm, pictures in measured.rows.items():
                rows[arm].append(replace(pictures[index], sample=again))
    return Measured(replace(measured.basis, images=len(samples)), samples, rows)


def two_workers(folder: Path) -> dict[str, float]:
    """Seconds by the clock of an undivided run, and of two shards at once with the merge after them."""
    begun = time.perf_counter()
    _wait([_run(folder, "whole")])
    whole_s = time.perf_counter() - begun
    begun = time.perf_counter()
    _wait([_run(folder, "job", "--shard", f"{index}/2") for index in (1, 2)])
    shards_s = time.perf_counter() - begun
    _wait([_detbench(folder, "merge", folder / "job-1-of-2", folder / "job-2-of-2", "--out", folder / "merged")])
    both_s = time.perf_counter() - begun
    same = (folder / "merged/truth.json").read_bytes() == (folder / "whole/truth.json").read_bytes()
    if not same:
        raise RuntimeError("the merged run is not the undivided one")
    return {"one_worker_s": whole_s, "two_workers_s": shards_s, "two_workers_and_merge_s": both_s}


def _run(folder: Path, name: str, *words: str) -> subprocess.Popen[bytes]:
    asked = ("--deblurrer", "identity", "--limit", str(IMAGES), "--device", "cpu", "--out", folder, "--name", name)
    return _detbench(folder, "run", *asked, *words)


def _detbench(folder: Path, *words: object) -> subprocess.Popen[bytes]:
    cache = folder / f"cache-{'-'.join(str(word) for word in words[-2:]).replace('/', '-')}"
    environment = os.environ | {"DETBENCH_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "detbench", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.wait() != 0:
            raise RuntimeError("a worker failed")


def _silently(what: str, done: int, count: int) -> None:
    """No progress: only the clock counts."""


if __name__ == "__main__":
    main()

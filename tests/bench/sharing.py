"""What a run costs by step, and what two workers gain: the last part of `nox -s bench`, minutes on two cores.

The run is the embedded streets with the shipped detector and `identity`; a deblurrer's own time comes on top, twice per
picture, and is in every run's `restore_ms_p50`. Everything starts from an empty cache, one thread per worker.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

from detbench.datasets.opening import open_dataset
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.request import WHOLE, RunSpec
from detbench.evaluation.run import conclude, measure
from detbench.evaluation.run_plan import resolve
from detbench.evaluation.shards import pack, unpack
from detbench.results.cache import Cache
from detbench.results.folder import RunFolder

IMAGES = 24
ROUNDS = 3
COPIES = (10, 40)
"""How often the pictures are repeated, under new ids, to see how the cost of scoring grows."""


def main() -> None:
    """Measure, print, and write `reports/bench-sharing.json`."""
    with tempfile.TemporaryDirectory() as folder:
        figures = {**step_costs(Path(folder)), **two_workers(Path(folder))}
    Path("reports/bench-sharing.json").write_text(json.dumps(figures, indent=1) + "\n")
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def step_costs(folder: Path) -> dict[str, float]:
    """Milliseconds of one core, medians or means per picture, of everything but a deblurrer's own work."""
    samples = list(islice(open_dataset("streets"), IMAGES))
    plan = resolve(RunSpec("streets", ("identity",), "yolov8", limit=IMAGES, device="cpu"))
    stages = Stages(Cache(folder / "stages"))
    stages.detect(plan.detector, samples[-1].blurred)  # builds the detector
    pictures = [sample.blurred for sample in samples[:-1]]
    pairs = [(sample.blurred, sample.sharp) for sample in samples if sample.sharp]
    images = [picture.load() for picture in pictures]
    costs = {
        "hash_ms": _ms(lambda: len(list(open_dataset("streets")))),
        "detect_ms": _ms(lambda: len([stages.detect(plan.detector, picture) for picture in pictures])),
        "judge_ms": _ms(lambda: len([stages.image_quality(*pair) for pair in pairs])),
        "keep_ms": _ms(lambda: len([stages.cache.keep_picture(255 - image) for image in images])),
    }
    measured = measure(plan, stages, _silently)
    files = pack(measured, WHOLE)
    costs |= {"pack_ms": _ms(lambda: IMAGES * bool(pack(measured, WHOLE)))}
    costs["line_kb"] = len(files["pictures.jsonl"]) / IMAGES / 1000
    for copies in COPIES:
        costs |= scoring_costs(repeated(measured, copies), folder / f"of-{copies}")
    return costs


def scoring_costs(measured: Measurements, folder: Path) -> dict[str, float]:
    """The same for what one machine does in the end with all pictures: reading the shards, and scoring."""
    count, files = len(measured.samples), pack(measured, WHOLE)
    run_folder, cache = RunFolder(folder / "run"), Cache(folder / "cache")
    return {
        f"read_ms_of_{count}": _ms(lambda: len(unpack(files.__getitem__, "bench").measured.samples)),
        f"score_ms_of_{count}": _ms(lambda: conclude(measured, run_folder, cache, _silently).data.images),
    }


def _ms(work: Callable[[], int]) -> float:
    """Milliseconds of one core that some work takes per picture; it returns how many pictures it did."""
    begun = time.process_time()
    count = work()
    return (time.process_time() - begun) / count * 1000


def repeated(measured: Measurements, copies: int) -> Measurements:
    """The pictures over and over, each time with other ids for pictures and boxes."""
    samples, rows = [], {arm: [] for arm in measured.rows}
    for copy in range(copies):
        for index, sample in enumerate(measured.samples):
            truth = replace(sample.truth, ids=sample.truth.ids + copy * 10**6)
            again = replace(sample, id=sample.id + copy * 10**6, truth=truth)
            samples.append(again)
            for arm, pictures in measured.rows.items():
                rows[arm].append(replace(pictures[index], sample=again))
    return Measurements(replace(measured.basis, images=len(samples)), samples, rows)


def two_workers(folder: Path) -> dict[str, float]:
    """Seconds by the clock, medians of rounds: one worker with every picture, two with half of them each, the merge."""
    seconds: dict[str, list[float]] = {"one_worker_s": [], "two_workers_s": [], "merge_s": []}
    for number in range(ROUNDS):
        place = folder / f"round-{number}"
        one = [_shard(place, "1/1")]
        seconds["one_worker_s"].append(_wait(one))
        seconds["two_workers_s"].append(_wait([_shard(place, "1/2"), _shard(place, "2/2")]))
        seconds["merge_s"].append(_wait([_merge(place, "two", "job-1-of-2", "job-2-of-2")]))
        _wait([_merge(place, "one", "job-1-of-1")])
        if (place / "one/truth.json").read_bytes() != (place / "two/truth.json").read_bytes():
            raise RuntimeError("two workers gave another run than one")
    medians = {name: median(values) for name, values in seconds.items()}
    ratios = [one / two for one, two in zip(seconds["one_worker_s"], seconds["two_workers_s"], strict=True)]
    return {**medians, "gain": median(ratios), "gain_low": min(ratios), "gain_high": max(ratios)}


def _shard(place: Path, share: str) -> subprocess.Popen[bytes]:
    asked = ("--deblurrer", "identity", "--limit", IMAGES, "--device", "cpu", "--out", place, "--name", "job")
    return _detbench(place / f"cache-{share.replace('/', '-of-')}", "run", *asked, "--shard", share)


def _merge(place: Path, out: str, *shards: str) -> subprocess.Popen[bytes]:
    return _detbench(place / f"cache-{out}", "merge", *(place / shard for shard in shards), "--out", place / out)


def _detbench(cache: Path, *words: object) -> subprocess.Popen[bytes]:
    environment = os.environ | {"DETBENCH_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "detbench", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    """Seconds until all have ended; raises RuntimeError where one failed."""
    begun = time.perf_counter()
    for process in processes:
        if process.wait() != 0:
            raise RuntimeError("a worker failed")
    return time.perf_counter() - begun


def _silently(what: str, done: int, count: int, now: str = "", /) -> None:
    """No progress: only the clock counts."""


if __name__ == "__main__":
    main()

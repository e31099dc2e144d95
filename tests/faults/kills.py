"""Kills `detbench run` at named points and at random moments, repeats the command, and holds what it left behind.

`python tests/faults/kills.py --moments 200` says how many were tried; it exits 1 at the first run folder that differs
from an undisturbed run's in any byte of any file, and where more than the picture under way was done again.
"""

import argparse
import hashlib
import itertools
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import detbench.cli.main
import detbench.evaluation.run  # all that a run needs is imported once, and then forked
import detbench.evaluation.score.analysis
import detbench.report.render
from detbench.core.fingerprints import code_identity
from detbench.detectors.blobs import Blobs

WORDS = "run --deblurrer sharpen=python:sharpener:sharpen --deblurrer identity --detector blobs --blur trajectory"
WORDS += " --limit 2 --name job"
SHARPENER = """
import cv2

def sharpen(blurred):
    with open("restored", "ab") as log:
        log.write(b".")
    return cv2.addWeighted(blurred, 1.8, cv2.GaussianBlur(blurred, (0, 0), 2), -0.8, 0)
"""
OPERATIONS = ("create", "write", "rename")
WHENS = ("before", "after")
RECORDS = ("blur", "classes", "restore", "detect", "quality", "resampled", "p_values", "analysis", "pictures")
FILES = ("analysis.json", "flips.csv", "truth.json", "sharpen.json", "images.csv", "metrics.json", "result.json")
FILES += ("report.html", "summary.md")
ALL = list(itertools.product(WHENS, OPERATIONS, (*RECORDS, *FILES)))
FEW = list(itertools.product(WHENS, OPERATIONS[1:], ("restore", "metrics.json")))


class Point(NamedTuple):
    """A named fault point: before or after an operation on the first file of a kind, a cache's stage or a name."""

    when: str
    operation: str
    kind: str


Disturb = Callable[[], None]


def points(asked: Sequence[tuple[str, str, str]]) -> list[Point]:
    """The points that are asked for, and the removal of an earlier run's result."""
    return [
        *(Point(*each) for each in asked),
        *(Point(when, "remove", "result.json") for when in WHENS),
    ]


class Trial:
    """One folder with a cache of its own; every command in it is a forked process."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        self.folder = folder
        self._words = words
        folder.mkdir()
        (folder / "sharpener.py").write_text(SHARPENER)

    def another(self, name: str) -> "Trial":
        """A fresh trial of the same command in a folder beside this one."""
        return Trial(self.folder.with_name(name), self._words)

    def start(self, disturb: Disturb = lambda: None) -> int:
        """Begin the command; returns the number of its process."""
        process = os.fork()
        if process == 0:
            os._exit(self._command(disturb))
        return process

    def run(self, disturb: Disturb = lambda: None) -> int:
        """Do the command; returns its exit code, negative where a signal ended it."""
        return finished(self.start(disturb))

    def files(self) -> dict[str, bytes]:
        """Everything in the run folder, hidden files too."""
        job = self.folder / "reports" / "job"
        return {path.relative_to(job).as_posix(): path.read_bytes() for path in job.rglob("*") if path.is_file()}

    def calls(self, kind: str) -> int:
        """How often the deblurrer or the detector worked, in all commands of this trial."""
        log = self.folder / kind
        return log.stat().st_size if log.is_file() else 0

    def said(self) -> str:
        """What the last command printed."""
        return (self.folder / "said").read_text()

    def _command(self, disturb: Disturb) -> int:
        os.chdir(self.folder)
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.environ["DETBENCH_CACHE"] = str(self.folder / "cache")
        sys.argv = ["detbench", *self._words]
        _work_in_the_open()
        disturb()
        try:
            detbench.cli.main.main()
        except SystemExit as stopped:
            return int(stopped.code or 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            return 70
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return 0


def finished(process: int) -> int:
    """Wait for a process; its exit code, negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _work_in_the_open() -> None:
    """Count each call of deblurrer and detector in a file, let every restoration take no time, which is the one thing
    that two runs measure differently, and leave out the commit, which somebody may make meanwhile.
    """
    find = Blobs.__call__

    def counted(self: Blobs, image: Any, /) -> Any:
        _count("detected")
        return find(self, image)

    Blobs.__call__ = counted  # type: ignore[method-assign]
    detbench.evaluation.measure.steps.time = SimpleNamespace(perf_counter=lambda: 0.0)  # type: ignore[assignment]
    detbench.evaluation.measure.steps.peak_of = lambda use: (use(), None)  # type: ignore[assignment]
    # A process does not time the detector's first picture, and a killed run had two of them.
    detbench.evaluation.measure.steps.Stages.detect_ms = lambda *_: None  # type: ignore[method-assign]
    detbench.results.provenance._commit = dict


def _count(kind: str) -> None:
    log = os.open(kind, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, b".")
    os.close(log)


def at(point: Point, fault: Callable[[], None]) -> Disturb:
    """Makes a fault happen the first time that a command comes to a point."""

    def disturb() -> None:
        watched = {"create": (tempfile, "mkstemp"), "write": (os, "fdopen"), "rename": (os, "replace")}
        place, name = {**watched, "remove": (os, "unlink")}[point.operation]
        real = getattr(place, name)
        current: list[str] = []

        def is_meant(path: str) -> bool:
            parts = Path(path).parts
            name = Path(path).name
            return point.kind in parts or name == point.kind or name.startswith(f".{point.kind}.")

        def watch(*arguments: Any, **options: Any) -> Any:
            if point.operation == "create":
                path = str(Path(options["dir"]) / options["prefix"])
            else:
                path = str(
                    Path(f"/proc/self/fd/{arguments[0]}").readlink() if point.operation == "write" else arguments[0]
                )
            if current or not is_meant(path):
                return real(*arguments, **options)
            current.append(path)
            if point.when == "before":
                fault()
            done = real(*arguments, **options)
            if point.operation == "write":
                done.write(b"{")  # half of what is to come
                done.flush()
            if point.when == "after":
                fault()
            return done

        setattr(place, name, watch)

    return disturb


def die() -> None:
    """SIGKILL, which nothing can catch."""
    os.kill(os.getpid(), signal.SIGKILL)


def same(trial: Trial, whole: Trial, commands: int, what: str) -> None:
    """Exit with a message unless a trial's files are the whole run's, and it did one picture again at most."""
    ours, theirs = trial.files(), whole.files()
    different = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if different:
        sys.exit(f"{what}: {', '.join(different)} differ from an undisturbed run's")
    again = {kind: trial.calls(kind) - whole.calls(kind) for kind in ("restored", "detected")}
    again["restored"] -= commands - 1  # each process warms its deblurrer up
    if max(again.values()) > commands - 1:
        sys.exit(f"{what}: {again} pictures were done again by {commands} commands")


def named_trials(whole: Trial, asked: Sequence[tuple[str, str, str]]) -> Iterator[Point]:
    """Kill at every named point, repeat, compare."""
    for number, point in enumerate(points(asked)):
        trial = whole.another(f"point-{number}")
        if point.operation == "remove":
            trial.run()
        killed = trial.run(at(point, die))
        if killed != -signal.SIGKILL:
            sys.exit(f"{point}: was not come to, the command ended with {killed}:\n{trial.said()}")
        if trial.run() != 0:
            sys.exit(f"{point}: the repeated command failed:\n{trial.said()}")
        same(trial, whole, 3 if point.operation == "remove" else 2, str(point))
        shutil.rmtree(trial.folder)
        yield point


def random_trials(whole: Trial, count: int, seconds: float) -> Iterator[int]:
    """Kill at random moments of a run of some seconds, every third time twice, repeat, compare; gives exit codes."""
    rng = random.Random(0)
    for number in range(count):
        trial, kills = whole.another(f"moment-{number}"), 2 if number % 3 == 2 else 1
        for _ in range(kills):
            process = trial.start()
            time.sleep(rng.uniform(0, seconds))
            os.kill(process, signal.SIGKILL)
            yield finished(process)
        if trial.run() != 0:
            sys.exit(f"moment {number}: the repeated command failed:\n{trial.said()}")
        same(trial, whole, kills + 1, f"moment {number}")
        shutil.rmtree(trial.folder)


def full_disk_trials(whole: Trial) -> Iterator[Point]:
    """Let the disk be full at a write, of cache and of run folder: one message, exit code 2, nothing lost."""

    def full() -> None:
        raise OSError(28, "No space left on device")

    for number, kind in enumerate(("restore", "report.html")):
        point = Point("after", "write", kind)
        trial = whole.another(f"full-{number}")
        code, said = trial.run(at(point, full)), trial.said()
        if code != 2 or said.count("detbench: ") != 1 or "No space left" not in said or "Traceback" in said:
            sys.exit(f"disk full at {kind}: exit code {code}:\n{said}")
        if trial.run() != 0:
            sys.exit(f"disk full at {kind}: the repeated command failed:\n{trial.said()}")
        same(trial, whole, 2, f"disk full at {kind}")
        yield point


def main() -> None:
    """Try everything that was asked for, and say how much that was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=200, help="How many random moments to kill at.")
    parser.add_argument("--few", action="store_true", help="A tenth of the points.")
    asked = parser.parse_args()
    draw = runpy.run_path(str(Path(__file__).parents[1] / "drawn.py"))["draw"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        words = f"{WORDS} --resamples {0 if asked.few else 5} --dataset {draw(folder / 'drawn')}".split()
        whole = Trial(folder / "whole", words)
        code_identity(detbench.evaluation.run)  # read once, and then forked
        begun = time.monotonic()
        if whole.run() != 0:
            sys.exit(whole.said())
        seconds = time.monotonic() - begun
        named = list(named_trials(whole, FEW if asked.few else ALL))
        full = list(full_disk_trials(whole))
        codes = list(random_trials(whole, asked.moments, seconds))
        digest = hashlib.sha256(whole.files()["metrics.json"]).hexdigest()[:12]
    killed = codes.count(-signal.SIGKILL)
    sys.stdout.write(
        f"{len(named)} named points, {len(full)} full disks, {len(codes)} random moments ({killed} in the middle): "
        f"metrics.json {digest} every time\n"
    )


if __name__ == "__main__":
    main()

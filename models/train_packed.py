"""Train a network on a bare machine from what `pack.py` packed: `python PACK/train_packed.py NET --out OUT`.

The machine has Python 3.12, torch, and the packages that come with a usual installation of it. It needs no network, and
nothing is installed: what else the pack's code imports is unzipped from the pack's wheels into a temporary folder.

OUT gets what the training has written, in files that are small enough to be carried: `pack.py join` puts them together.
It is written anew every minute and at the end, so a machine that is taken away takes little along. SIGTERM and Ctrl-C
end the training early; it saves first.

This file needs the standard library alone: it runs before anything else is known to be there.
"""

import argparse
import hashlib
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PACK = Path(__file__).resolve().parent
MANIFEST = "manifest.json"
DATA = ("photos", "pairs/images", "pairs")
"""The pack's pictures: photos and sharp streets are blurred on the fly, pairs are taken as they are."""

PIECE_BYTES = 15 * 2**20
MOST_PIECES = 4
"""Of what comes back; with the manifest it is below 64 MiB."""

RESULT, BESIDES, CHECKPOINT = range(3)
"""Ranks of a training's files: the result with its record, the weights from before the critic joined, the checkpoint,
which is copied at the end alone, since a running training replaces its files.
"""

COPY_SECONDS = 60
SHM_BYTES, OPEN_FILES = 4 * 2**30, 65536
"""What loading processes share batches by: a hundred batches of 16 crops are about 2 GB, in five files each."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Each loading process has a core of its own."""


def main(options: argparse.Namespace) -> int:
    """Train, and return the training's exit status."""
    check_files(PACK, json.loads((PACK / MANIFEST).read_text()))
    if options.workers:
        raise_limits()
    with tempfile.TemporaryDirectory() as unzipped:
        environment = environment_with(PACK / "wheels", Path(unzipped))
        check_imports(environment)
        work = (options.work or Path(unzipped) / "training").resolve()
        return train(command_of(options, work), environment, work, options.out)


def command_of(options: argparse.Namespace, work: Path) -> list[str]:
    """The training's command line; it goes on where `work` holds a checkpoint."""
    recipe = PACK / "recipes" / f"{options.net}.toml"
    if not recipe.is_file():
        packed = ", ".join(sorted(path.stem for path in recipe.parent.glob("*.toml")))
        sys.exit(f"the pack has no recipe for {options.net!r}; it has {packed}")
    words = [sys.executable, "-m", "detbench", "train", options.net, "--recipe", str(recipe), "--out", str(work)]
    words += [word for name in DATA for word in ("--data", str(PACK / name))]
    words += ["--mix", options.mix, "--device", options.device, "--workers", str(options.workers)]
    for option in ("vgg", "start"):
        file = PACK / f"{option}.safetensors"
        words += [f"--{option}", str(file)] if file.is_file() else []
    words += ["--minutes", str(options.minutes)] if options.minutes else []
    return [*words, "--resume"] if (work / "training" / "checkpoint.json").is_file() else words


def raise_limits() -> None:
    """Raise what loading processes need, as far as the machine lets us."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    if shutil.disk_usage("/dev/shm").total < SHM_BYTES:
        words = ["mount", "-o", f"remount,size={SHM_BYTES}", "/dev/shm"]
        if not shutil.which("mount") or subprocess.run(words, capture_output=True).returncode:
            say("/dev/shm is small and cannot be raised; where a loading process dies, take fewer --workers")


def environment_with(wheels: Path, unzipped: Path) -> dict[str, str]:
    """An environment whose Python imports from the pack and from its wheels, which are unzipped for it."""
    for wheel in wheels.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(unzipped)
    paths = [str(PACK), str(unzipped), os.environ.get("PYTHONPATH", "")]
    return os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}


def check_imports(environment: Mapping[str, str]) -> None:
    """Import all that a training imports; ends with one line where something is not there."""
    begun = time.monotonic()
    code = "import sys, torch, detbench.training.train, detbench.cli.main, tomli_w; print(torch.__version__)"
    words = [sys.executable, "-c", code]
    tried = subprocess.run(words, env=environment, cwd=PACK, capture_output=True, text=True)
    if tried.returncode:
        sys.exit(f"not all that the training imports is here: {tried.stderr.strip().splitlines()[-1]}")
    say(f"torch {tried.stdout.strip()}, imported in {time.monotonic() - begun:.1f} s")


def train(words: Sequence[str], environment: Mapping[str, str], work: Path, out: Path) -> int:
    """Run a training to its end, with its output in `work`/log.txt too, and what it writes in `out`."""
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    copied_at = time.monotonic()
    with (work / "log.txt").open("a", encoding="utf-8") as log, begun(words, environment) as training:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: training.send_signal(signal.SIGTERM))
        for line in training.stdout or ():
            log.write(line)
            log.flush()
            say(line.rstrip())
            if time.monotonic() - copied_at > COPY_SECONDS:
                cut(work, out, BESIDES)
                copied_at = time.monotonic()
    cut(work, out, CHECKPOINT)
    return training.returncode


def begun(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """A process that writes all it says to its standard output.

    It has a session of its own: a signal to all processes would reach it twice, and the second one ends it unsaved.
    It works in the pack: Python imports first from where it works, and another detbench may lie elsewhere.
    """
    return subprocess.Popen(
        words,
        env=environment,
        cwd=PACK,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def cut(work: Path, out: Path, lowest: int) -> None:
    """Write a training's files as one ZIP file, in pieces, and then the manifest that names them.

    Those of ranks below `lowest`, and those that do not fit, the lowest first, are left out and named.
    """
    files = [path for path in sorted(work.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    ranks = {path: rank_of(path) for path in files if "tensorboard" not in path.parts}
    fitting = next(rank for rank in range(lowest, -1, -1) if rank == RESULT or fits(ranks, rank))
    names = {path: path.relative_to(work).as_posix() for path in ranks}
    data = zipped({names[path]: path for path, rank in ranks.items() if rank <= fitting})
    left_out = [names[path] for path, rank in ranks.items() if rank > fitting]
    pieces = {
        f"trained-{number}": data[first : first + PIECE_BYTES]
        for number, first in enumerate(range(0, len(data), PIECE_BYTES))
    }
    for name, piece in pieces.items():
        (out / name).write_bytes(piece)
    for path in out.glob("trained-*"):
        if path.name not in pieces:
            path.unlink()
    head = {"files": listed(out, pieces), "left_out": left_out}
    (out / MANIFEST).write_text(json.dumps(head, indent=1))


def join(returned: Path, out: Path) -> list[str]:
    """Put the pieces that `cut` wrote together, and unpack them; returns the names of the files left out there.

    Ends with one line where a piece is missing or damaged.
    """
    head = json.loads((returned / MANIFEST).read_text())
    check_files(returned, head["files"])
    data = b"".join((returned / name).read_bytes() for name in head["files"])
    zipfile.ZipFile(io.BytesIO(data)).extractall(out)
    return list(head["left_out"])


def rank_of(path: Path) -> int:
    """Of a training's file."""
    if path.name == "checkpoint.json" or path.name.startswith("state-"):
        return CHECKPOINT
    return BESIDES if path.name == "weights-content.safetensors" else RESULT


def fits(ranks: Mapping[Path, int], lowest: int) -> bool:
    """Whether the files down to a rank can come back, with what a ZIP file says of each."""
    return sum(path.stat().st_size + 512 for path, rank in ranks.items() if rank <= lowest) < PIECE_BYTES * MOST_PIECES


def zipped(files: Mapping[str, Path]) -> bytes:
    """A ZIP file, nothing in it compressed: weights would not shrink."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, path in files.items():
            archive.write(path, name)
    return stream.getvalue()


def listed(folder: Path, names: Iterable[str]) -> dict[str, dict[str, object]]:
    """Size in bytes and SHA-256 of files, as a manifest has them."""
    each = ((name, (folder / name).read_bytes()) for name in names)
    return {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in each}


def check_files(folder: Path, files: Mapping[str, Mapping[str, object]]) -> None:
    """End with one line where a file is not as the manifest has it."""
    for name, entry in files.items():
        if not (folder / name).is_file() or listed(folder, [name])[name] != entry:
            sys.exit(f"{folder / name}: missing, or not the file that {MANIFEST} names; copy it again")


def say(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", help="which network; the pack has its recipe")
    parser.add_argument("--out", type=Path, required=True, help="what comes back: at most five files of 15 MiB")
    parser.add_argument(
        "--minutes", type=float, help="of the training alone; start and end take half a minute more. Else its recipe's"
    )
    parser.add_argument("--mix", default="2:1:2", help="how often photos, sharp streets and pairs are drawn")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=max(0, len(os.sched_getaffinity(0)) - 2))
    parser.add_argument("--work", type=Path, help="where to train, and to go on exactly if it holds a training already")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parsed()))

"""Spoils files led by coverage: `python tests/fuzz/guided.py [SECONDS]`, so long for each kind parsed in Python.

Exits 1 at the first file that detbench does not read or refuse in one message within 5 s and 2 GiB; atheris prints it.
"""

import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

KINDS = (
    "coco annotations", "coco results", "dataset.toml", "yolo yaml", "yolo label", "yolo list", "yolo ids", "voc xml",
    "manifest", "kernels", "signed baseline", "rules", "recipe", "gate of result.json", "report of images.csv",
    "safetensors",
)  # fmt: skip
SECONDS = "40"


def fuzz(kind: str, seconds: str) -> None:
    """Fuzz one kind of file; atheris ends the process."""
    import atheris

    with atheris.instrument_imports(include=["detbench"]):
        targets = runpy.run_path(str(Path(__file__).with_name("targets.py")))
    from detbench.errors import DetbenchError

    folder = Path(tempfile.mkdtemp())
    draw = runpy.run_path(str(Path(__file__).parents[1] / "drawn.py"))["draw"]
    target = targets["make_targets"](folder / "targets", draw(folder / "drawn"))[kind]
    (folder / "corpus").mkdir()
    (folder / "corpus" / "sound").write_bytes(target.seed)
    words = "".join('"' + "".join(f"\\x{byte:02x}" for byte in token[:60]) + '"\n' for token in targets["TOKENS"])
    (folder / "words").write_text(words)
    warnings.simplefilter("ignore")

    def one(content: bytes) -> None:
        try:
            target.read(content)
        except DetbenchError:
            return

    options = [f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=2048", f"-dict={folder / 'words'}"]
    options += ["-max_len=20000", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one)
    atheris.Fuzz()


def main() -> None:
    """Each kind in a process of its own."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else SECONDS
    if len(sys.argv) > 2:
        fuzz(sys.argv[2], seconds)
    total = 0
    for kind in KINDS:
        done = subprocess.run(
            [sys.executable, __file__, seconds, kind], capture_output=True, text=True, env={**os.environ}, check=False
        )
        runs = [line.split()[-1] for line in done.stderr.splitlines() if line.startswith("stat::number_of_executed")]
        if done.returncode or not runs:
            sys.exit(f"{kind}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        sys.stdout.write(f"{kind}: {runs[0]} files\n")
        total += int(runs[0])
    sys.stdout.write(f"{total} files read or refused\n")


if __name__ == "__main__":
    main()

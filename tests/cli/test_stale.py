"""Nothing stale: change any one file that a backend reads, and its result is another, or the command refuses."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_plugins import environment_with, said

DRIVER = """
import sys
from pathlib import Path
import numpy as np
from detbench.core.images import picture_from_image
from detbench.evaluation.measure.steps import Stages
from detbench.plugins.backend import resolve_deblurrer
from detbench.results.cache import Cache

backend = resolve_deblurrer(sys.argv[1], "cpu", "fp32")
image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
stages = Stages(Cache(Path("cache")), scope=sys.argv[2])
print(stages.restore(backend, picture_from_image(image), None).picture.load()[0, 0])
"""

LOGGED = "open('calls.txt', 'a').write('x')\n"
"""A line of a deblurrer that counts its calls; what it writes itself is no dependency."""


@dataclass(frozen=True)
class Kind:
    """A backend: the word that names it, its files, and for each file that it reads what another state of it holds.
    `is_known` says that an unchanged one is not run again by another run folder.
    """

    word: str
    files: Mapping[str, str]
    changes: Mapping[str, str]
    is_known: bool = True
    folders: tuple[str, ...] = field(default=())


def python(body: str, files: Mapping[str, str], changes: Mapping[str, str], *, is_known: bool = True) -> Kind:
    """A `python:` deblurrer that gives one grey; `body` computes `grey`."""
    lines = "".join(f"    {line}\n" for line in (LOGGED + body).splitlines())
    source = f"import numpy as np\n\ndef deblur(blurred):\n{lines}    return np.full_like(blurred, int(grey))\n"
    return Kind("python:mine:deblur", {"mine.py": source, **files}, changes, is_known)


TOOL = """
import sys
from PIL import Image
import net
open("calls.txt", "a").write("x")
grey = int(open([w for w in sys.argv if w.startswith("--w=")][0][4:]).read()) + net.MORE
Image.new("RGB", Image.open(sys.argv[1]).size, (grey,) * 3).save(sys.argv[2])
"""
TOOL_FILES = {"tool.py": TOOL, "net.py": "MORE = 1\n", "best.txt": "10", "hidden.txt": "10"}
TOOL_WORDS = f"{sys.executable} tool.py {{input}} {{output}} --w=best.txt"

KINDS = {
    "a file at each call": python("grey = open('w.txt').read()", {"w.txt": "10"}, {"w.txt": "20"}),
    "numpy's file": python("grey = np.loadtxt('w.txt')", {"w.txt": "10"}, {"w.txt": "20"}),
    "a module": python("import net\ngrey = net.GREY", {"net.py": "GREY = 10\n"}, {"net.py": "GREY = 20\n"}),
    "a module by name": python(
        "import importlib\ngrey = importlib.import_module('n' + 'et').GREY",
        {"net.py": "GREY = 10\n"},
        {"net.py": "GREY = 20\n"},
    ),
    "a file of a module": python(
        "import net\ngrey = net.GREY",
        {
            "net.py": "from pathlib import Path\nGREY = int(Path(__file__).with_name('w.txt').read_text())\n",
            "w.txt": "10",
        },
        {"w.txt": "20"},
    ),
    "a folder's names": python(
        "import glob\ngrey = 10 + len(glob.glob('parts/*'))", {"parts/1.txt": ""}, {"parts/2.txt": ""}
    ),
    "a file that may be missing": python(
        "try:\n    grey = open('w.txt').read()\nexcept FileNotFoundError:\n    grey = 10", {}, {"w.txt": "20"}
    ),
    "another program": python(
        "import subprocess\ngrey = subprocess.run(['cat', 'w.txt'], capture_output=True, text=True).stdout",
        {"w.txt": "10"},
        {"w.txt": "20"},
        is_known=False,
    ),
    "a reader in C": python(
        "import ctypes, ctypes.util\n"
        "c = ctypes.CDLL(None)\nc.fopen.restype = ctypes.c_void_p\nc.fgetc.argtypes = [ctypes.c_void_p]\n"
        "grey = c.fgetc(c.fopen(b'w.txt', b'r'))",
        {"w.txt": "A"},
        {"w.txt": "B"},
        is_known=False,
    ),
    "a command": Kind(
        f"tool=command:{TOOL_WORDS}",
        TOOL_FILES,
        {"tool.py": TOOL.replace("+ net", "- net"), "net.py": "MORE = 2\n", "best.txt": "20"},
        False,
    ),
    "a command that reads more": Kind(
        f"tool=command:{TOOL_WORDS}",
        {**TOOL_FILES, "net.py": "MORE = int(open('hidden.txt').read())\n"},
        {"hidden.txt": "20"},
        is_known=False,
    ),
    "a command that is declared": Kind(
        f"tool=command:depends=hidden.txt {TOOL_WORDS}",
        {**TOOL_FILES, "net.py": "MORE = int(open('hidden.txt').read())\n"},
        {"hidden.txt": "20", "best.txt": "20", "net.py": "MORE = 7\n"},
    ),
}


def restored(kind: Kind, folder: Path, scope: str) -> str:
    """The first pixel of a small picture restored, by a process of its own, in a run folder called `scope`."""
    command = [sys.executable, "-c", DRIVER, kind.word, scope]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", KINDS)
def test_a_changed_file_changes_the_result(name: str, tmp_path: Path) -> None:
    """Whatever way a backend reads a file, its result is that of the file as it is; unchanged, it is not run again,
    unless it may have read what nobody sees.
    """
    kind = KINDS[name]
    for file, content in kind.files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content)
    before = restored(kind, tmp_path, "first")
    calls = len((tmp_path / "calls.txt").read_text())
    assert restored(kind, tmp_path, "second") == before
    assert (len((tmp_path / "calls.txt").read_text()) == calls) == kind.is_known
    for place, (file, content) in enumerate(kind.changes.items()):
        (tmp_path / file).write_text(content)
        assert restored(kind, tmp_path, f"changed {place}") != before, file
        if file in kind.files:
            (tmp_path / file).write_text(kind.files[file])


PACKAGE = """
from importlib.resources import files
import numpy as np

def restore(blurred):
    return blurred - np.frombuffer(files(__name__).joinpath("weights.bin").read_bytes(), np.uint8)[0]
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The folder of an installed package with a deblurrer that takes its weight off every value."""
    folder = tmp_path / "packages" / "restorer"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "weights.bin").write_bytes(bytes([0]))
    info = folder.parent / "restorer-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: restorer\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[detbench.deblurrers]\nmine = restorer:restore\n")
    return folder


def test_a_gate_with_a_kept_cache_sees_new_weights(package: Path, tmp_path: Path, drawn_dataset: Path) -> None:
    """A package whose weights get worse under the same version fails the gate, though the cache is an old one."""
    environment = environment_with(package.parent, tmp_path / "cache")
    words = ["--deblurrer", "mine", "--detector", "blobs", "--dataset", str(drawn_dataset), "--resamples", "50"]
    assert said(environment, tmp_path, "run", *words, "--name", "good").returncode == 0
    assert said(environment, tmp_path, "baseline", "reports/good", "--out", "baseline.json").returncode == 0
    (package / "weights.bin").write_bytes(bytes([90]))
    assert said(environment, tmp_path, "run", *words, "--name", "bad").returncode == 0
    gated = said(environment, tmp_path, "gate", "reports/bad", "--baseline", "baseline.json")
    assert gated.returncode == 1, gated.stdout + gated.stderr
    metrics = [json.loads((tmp_path / "reports" / name / "metrics.json").read_text()) for name in ("good", "bad")]
    assert metrics[0]["mine.map"] > metrics[1]["mine.map"]


STOPPING = """
import os, signal, sys
from PIL import Image
open("calls.txt", "a").write("x")
if os.path.exists("stop") and len(open("calls.txt").read()) == 4:
    os.kill(os.getppid(), signal.SIGKILL)
Image.open(sys.argv[1]).save(sys.argv[2])
"""


def test_an_interrupted_run_of_a_command_goes_on_and_the_gate_refuses_it(tmp_path: Path, drawn_dataset: Path) -> None:
    """What may have changed unseen is used again by its own run alone, which says so; the gate wants it done anew, and
    a finished run's work is not used by the next, in the same folder either.
    """
    (tmp_path / "tool.py").write_text(STOPPING)
    (tmp_path / "stop").touch()
    environment = environment_with(tmp_path, tmp_path / "cache")
    tool = f"tool=command:{sys.executable} tool.py {{input}} {{output}}"
    words = ["run", "--deblurrer", tool, "--detector", "blobs", "--dataset", str(drawn_dataset), "--limit", "5"]
    words += ["--resamples", "0", "--name", "job"]
    assert said(environment, tmp_path, *words).returncode == -9
    (tmp_path / "stop").unlink()

    def run(*more: str) -> tuple[int, int]:
        """How often the tool was called, and how many of its steps were an earlier command's."""
        (tmp_path / "calls.txt").write_text("")
        done = said(environment, tmp_path, *words, *more)
        assert done.returncode == 0, done.stderr
        assert "tool: a program may read more files than its words name" in done.stderr
        result = json.loads((tmp_path / "reports" / "job" / "result.json").read_text())
        return len((tmp_path / "calls.txt").read_text()), result["partly_known"]["tool"]["reused_steps"]

    whole = 5 + 1  # the first picture once more, to warm up
    calls, reused = run()
    assert 0 < calls < whole
    assert calls + reused >= whole - 1
    gated = said(environment, tmp_path, "gate", "reports/job", "--baseline", "reports/job")
    assert gated.returncode == 3
    assert "steps of tool from an interrupted run" in gated.stderr
    assert run() == (whole, 0)
    gate = ["gate", "reports/job", "--baseline", "reports/job", "--min-pictures", "5"]
    assert said(environment, tmp_path, *gate).returncode == 0
    assert run("--fresh") == (whole, 0)


def test_weights_that_change_in_the_middle_are_refused(tmp_path: Path, drawn_dataset: Path) -> None:
    """A weights file that is replaced while the run goes on makes numbers of two states: the run says so and stops."""
    np.save(tmp_path / "w.npy", 1.0)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n\ndef deblur(blurred):\n    w = np.load('w.npy')\n    np.save('next.npy', w / 2)\n"
        "    import os\n    os.replace('next.npy', 'w.npy')\n    return (blurred * w).astype(np.uint8)\n"
    )
    words = ["--deblurrer", "python:mine:deblur", "--detector", "blobs", "--dataset", str(drawn_dataset)]
    done = said(environment_with(tmp_path, tmp_path / "cache"), tmp_path, "run", *words, "--limit", "3")
    assert done.returncode == 4
    assert "w.npy changed while this run read it" in done.stderr

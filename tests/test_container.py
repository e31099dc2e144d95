"""Dockerfile: built where there is an engine; else its steps are held against the checkout."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "Dockerfile").read_text()
STEPS = [line.partition(" ")[::2] for line in TEXT.replace("\\\n", " ").splitlines() if line and line[0] != "#"]
"""Each instruction with its words."""


def of(instruction: str) -> list[str]:
    """The words of every step of a kind."""
    return [words for name, words in STEPS if name == instruction]


def ignored(path: str) -> bool:
    """Whether `.dockerignore` leaves a path of the top level out: the last pattern that fits decides."""
    answer = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and line[0] != "#" and fnmatch.fnmatch(path, pattern):
            answer = not line.startswith("!")
    return answer


def test_it_copies_what_is_there() -> None:
    """Every source of a COPY is in the checkout and is sent to the engine; nothing else of the top level is."""
    copied = [shlex.split(words)[:-1] for words in of("COPY") if not words.startswith("--from")]
    sources = {source for words in copied for source in words}
    assert sources == {"pyproject.toml", "README.md", "LICENSE", "detbench", "models", "datasets"}
    assert {path.name for path in ROOT.iterdir() if not ignored(path.name)} == sources
    assert "detbench/docs" in (ROOT / ".dockerignore").read_text().splitlines()


def test_it_installs_as_the_readme_says() -> None:
    """The checkout with the extra of YOLO, and no extra that README does not name for users."""
    installed = [shlex.split(words)[-1] for words in of("RUN") if words.startswith("pip install")]
    assert installed == ["$TORCH_INDEX", ".[yolo]"]
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"pip install '(?:\.|detbench)\[(\w+)\]", readme)) - {"dev"}
    assert named <= {"yolo"}


def test_what_it_copies_is_enough_to_build(tmp_path: Path) -> None:
    """The package builds from the copied files alone; weights and pictures, only packed, are left out here."""
    large = shutil.ignore_patterns("*.safetensors", "*.webp", "*.png", "*.jpg", "docs", "__pycache__")
    for words in (shlex.split(words)[:-1] for words in of("COPY") if not words.startswith("--from")):
        for source in (ROOT / word for word in words):
            if source.is_dir():
                shutil.copytree(source, tmp_path / source.name, ignore=large)
            else:
                shutil.copy(source, tmp_path)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert "detbench/cli/main.py" in names
    assert any(name.startswith("detbench/_shipped/datasets/streets/") for name in names)


def test_it_runs_as_a_user_with_a_cache() -> None:
    """No process is root's, finished work lies in a volume, and the words behind the image are those of detbench."""
    last = [name for name, _ in STEPS][::-1]
    assert of("USER") == ["detbench"]
    assert last.index("USER") < last.index("FROM")
    assert of("VOLUME") == ["/cache"]
    assert "DETBENCH_CACHE=/cache" in of("ENV")[-1]
    assert [json.loads(words) for words in of("ENTRYPOINT")] == [["detbench"]]


def test_one_file_serves_processors_and_cuda() -> None:
    """By default torch's builds for processors; another index is an argument, and both stages have one Python."""
    assert "TORCH_INDEX=https://download.pytorch.org/whl/cpu" in of("ARG")
    assert "PYTHON_IMAGE=python:3.11-slim" in of("ARG")
    assert of("FROM") == ["$PYTHON_IMAGE AS build", "$PYTHON_IMAGE"]


def test_it_builds() -> None:
    """An engine makes the image, and the image answers with detbench's version."""
    engines = [name for name in ("docker", "podman", "buildah") if shutil.which(name)]
    running = [name for name in engines if subprocess.run([name, "info"], capture_output=True).returncode == 0]
    if not running:
        pytest.skip(f"needs a running engine: {', '.join(engines) or 'docker, podman or buildah'} is not one here")
    build = [running[0], "build", "--quiet", "--tag", "detbench-test", str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    if done.returncode and re.search("dial tcp|no such host|TLS handshake|i/o timeout|name resolution", done.stderr):
        pytest.skip(f"the engine reaches no registry: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    if running[0] != "buildah":
        said = subprocess.run([running[0], "run", "--rm", "detbench-test", "--version"], capture_output=True, text=True)
        assert "0.1" in said.stdout

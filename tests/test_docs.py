"""The documentation: every command in it runs, or at least parses, as a reader would type it.

In `detbench/docs/pages`, a fence of `sh` is run, page by page in a folder of its own, where `drawn/` lies; what comes
before it as `<!-- parsed: why -->` is only parsed. What has `<!-- fails: CODE -->` ends with that exit code and the
message that the next fence holds, where `…` stands for any words. A fence with a `title` is a file that the page tells
its reader to write.
"""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

import detbench
from detbench.cli.main import app

CHECKOUT = Path(detbench.__file__).parents[1]
PAGES = CHECKOUT / "detbench" / "docs" / "pages"
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>parsed|fails): (?P<why>[^\n]+) -->\n)?"
    r'```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.M | re.S,
)
OTHERS = {"cd", "docker", "git", "pip", "python3.11", "ray", "source"}
"""Programs that only parsed commands may call, besides detbench itself and torchrun."""


class Fence(NamedTuple):
    """A block of a page: shell commands to run or to parse, or a file to write."""

    is_run: bool
    exit_code: int
    kind: str
    title: str | None
    text: str


def fences(text: str) -> Iterator[Fence]:
    """The blocks of a page's text, in their order."""
    for found in FENCE.finditer(text):
        exit_code = int(found["why"]) if found["mark"] == "fails" else 0
        yield Fence(not found["mark"], exit_code, found["kind"], found["title"], found["text"])


def read(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def pages() -> list[Path]:
    """The pages that hold commands."""
    return [page for page in sorted(PAGES.rglob("*.md")) if any(fence.kind == "sh" for fence in fences(read(page)))]


def parsed(words: Sequence[str]) -> None:
    """Parse a command of detbench without running it; fails where detbench would refuse its words."""
    command, rest = typer.main.get_command(app), list(words)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context("detbench", rest)


def words_for_detbench(line: str) -> list[str] | None:
    """What a shell line hands to detbench; None where it calls one of the other programs that a page may name."""
    words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    if "detbench" in words and words[0] in ("detbench", "torchrun"):
        return words[words.index("detbench") + 1 :]
    assert words[0] in OTHERS, f"{line!r} calls {words[0]}"
    return None


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all pages, so that what two of them do is done once."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_command_of_a_page_runs(page: Path, tmp_path: Path, drawn_dataset: Path, cache: Path) -> None:
    """A reader who types a page's commands, and writes its files, meets no error; slow or special ones parse."""
    script = []
    for fence in fences(read(page)):
        if fence.title:
            (tmp_path / fence.title).write_text(fence.text)
        elif fence.kind == "sh" and fence.is_run:
            script.append(fence.text)
        elif fence.kind == "sh":
            parse_all(fence)
    shutil.copytree(drawn_dataset, tmp_path / "drawn")
    run_script(script, tmp_path, {"PYTHONPATH": str(CHECKOUT), "DETBENCH_CACHE": str(cache)})


def parse_all(fence: Fence) -> None:
    """Parse each command of a block of `sh` that is not run."""
    for line in re.split(r"\n|&&", fence.text.strip()):
        words = words_for_detbench(line)
        if words is not None:
            parsed(words)


def failing() -> Iterator[tuple[Fence, str]]:
    """Every block of commands that fails, with the message that its page shows."""
    for page in pages():
        blocks = list(fences(read(page)))
        yield from ((block, after.text) for block, after in itertools.pairwise(blocks) if block.exit_code)


@pytest.mark.parametrize(("block", "message"), list(failing()))
def test_an_error_on_a_page_is_what_its_commands_say(
    block: Fence, message: str, tmp_path: Path, drawn_dataset: Path, cache: Path
) -> None:
    """The last of the commands ends with the exit code and the very words that the page shows."""
    shutil.copytree(drawn_dataset, tmp_path / "drawn")
    variables = {"PYTHONPATH": str(CHECKOUT), "DETBENCH_CACHE": str(cache)}
    done = run_lines([block.text], tmp_path, variables)
    assert done.returncode == block.exit_code, done.stderr
    words = map(re.escape, " ".join(message.split()).split("…"))
    assert re.search(".*".join(words), " ".join(done.stderr.split())), done.stderr


def run_script(commands: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
    """Run commands in a folder as a reader would type them there; fails where one of them does."""
    done = run_lines(commands, folder, variables)
    assert done.returncode == 0, done.stderr


def run_lines(commands: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run commands in a folder up to the first that fails."""
    script = ["set -euo pipefail", f'detbench() {{ {shlex.quote(sys.executable)} -m detbench "$@"; }}']
    script += [f'python() {{ {shlex.quote(sys.executable)} "$@"; }}', *commands]
    environment = os.environ | variables | {"PATH": binaries()}
    command = ["bash", "-c", "\n".join(script)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def binaries() -> str:
    """The search path, with this environment's programs first, as where it was activated."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))


def test_commands_of_the_readme_parse() -> None:
    """README names no command or option that detbench has not."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8").replace(".venv/bin/", "")
    lines = [line for found in re.findall(r"^```sh\n(.*?)^```$", readme, re.M | re.S) for line in found.splitlines()]
    commands = [part.partition(" #")[0].strip() for line in lines for part in line.split("&&")]
    found = [shlex.split(command)[1:] for command in commands if command.startswith("detbench ")]
    assert len(found) >= 5
    for words in found:
        parsed(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run --no-such", "No such option"),
        ("run", "[Mm]issing"),
        ("run --deblurrer a --limit b", "valid int"),
        ("no-such", "no-such"),
        ("train unknown", "unknown"),
    ],
)
def test_parsing_refuses_what_detbench_would(words: str, message: str) -> None:
    """The check itself can fail: unknown commands, unknown options, missing ones and wrong values are refused."""
    with pytest.raises(Exception, match=message):
        parsed(words.split())


@pytest.mark.parametrize("file", sorted(PAGES.rglob("*.ipynb")), ids=lambda file: file.stem)
def test_every_notebook_runs(file: Path, tmp_path: Path, cache: Path) -> None:
    """Every cell of a notebook runs, in a kernel of its own as Jupyter starts it, and shows what it is said to."""
    script = (
        "import nbformat, sys\n"
        "from nbclient import NotebookClient\n"
        "book = nbformat.read(sys.argv[1], as_version=4)\n"
        "NotebookClient(book, timeout=600, resources={'metadata': {'path': '.'}}).execute()\n"
        "nbformat.write(book, 'done.ipynb')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "DETBENCH_CACHE": str(cache), "PATH": binaries()}
    command = [sys.executable, "-c", script, str(file)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = (tmp_path / "done.ipynb").read_text(encoding="utf-8")
    assert "wiener (told the kernel) recovers" in shown
    assert "<table>" in shown
    assert (tmp_path / "report.html").is_file()


def test_every_page_is_in_the_navigation() -> None:
    """A page that nobody can find is not documentation: each stands in mkdocs.yml, and no other."""
    navigation = (CHECKOUT / "detbench" / "docs" / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"\S+\.md$", navigation, re.M))
    there = {page.relative_to(PAGES).as_posix() for page in PAGES.rglob("*.md")}
    assert named == there

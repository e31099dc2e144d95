import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detbench.deblurrers.command import CommandDeblurrer
from detbench.errors import BackendError
from detbench.types import Image

INVERT = """
import sys
import numpy as np
from PIL import Image
Image.fromarray(255 - np.asarray(Image.open(sys.argv[1]).convert("RGB"))).save(sys.argv[2])
"""

Program = Callable[..., CommandDeblurrer]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a deblurrer of a Python script."""

    def make(source: str, seconds: int = 60, places: tuple[str, ...] = ("{input}", "{output}")) -> CommandDeblurrer:
        script = tmp_path / "a tool.py"
        script.write_text(source)
        return CommandDeblurrer([sys.executable, str(script), *places], seconds)

    return make


def picture() -> Image:
    """Noise that is not square."""
    return np.random.default_rng(5).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_the_program_gets_and_gives_every_pixel(program: Program) -> None:
    """The picture goes out and comes back without loss, and the argument is left alone."""
    blurred = picture()
    np.testing.assert_array_equal(program(INVERT)(blurred), 255 - blurred)
    np.testing.assert_array_equal(blurred, picture())


def test_no_shell_reads_the_words(program: Program, tmp_path: Path) -> None:
    """Words with semicolons, dollars and stars reach the program as they are."""
    places = ("{input}", "{output}", f"; touch {tmp_path / 'proof'}", "$(id)", "*")
    said = INVERT + f"assert sys.argv[3:] == {list(places[2:])!r}\n"
    program(said, places=places)(picture())
    assert not (tmp_path / "proof").exists()


def test_paths_stand_within_words(program: Program) -> None:
    """`--in={input}` is a word with the path in it."""
    source = INVERT.replace("sys.argv[1]", "sys.argv[1].removeprefix('--in=')")
    np.testing.assert_array_equal(program(source, places=("--in={input}", "{output}"))(picture()), 255 - picture())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import sys; sys.exit('no weights at model.pth')", "failed with exit code 1: no weights at model.pth"),
        ("import sys; sys.exit(3)", "failed with exit code 3: it printed nothing"),
        ("import os; os.kill(os.getpid(), 9)", "failed with exit code -9"),
        ("", r"exited with 0 but wrote nothing to \{output\}"),
        ("import sys; open(sys.argv[2], 'w').write('text')", r"wrote no picture to \{output\}: .*not a picture"),
    ],
)
def test_a_failing_program_is_told(program: Program, source: str, words: str) -> None:
    """Exit code with the program's last words, no output, and output that is no picture each end in one message."""
    with pytest.raises(BackendError, match=words):
        program(source)(picture())


def test_another_size_is_refused(program: Program) -> None:
    """What the program made must be as large as what it was given."""
    source = INVERT.replace('.convert("RGB")', '.convert("RGB").resize((14, 10))')
    with pytest.raises(BackendError, match="made 14x10 pixels of 7x5; a deblurrer keeps the size"):
        program(source)(picture())


def test_a_slow_program_is_stopped(program: Program) -> None:
    """After its seconds a program is stopped, and the message says how to give it more."""
    begun = time.monotonic()
    with pytest.raises(BackendError, match=r"took longer than 1 s for a picture .*command:'timeout=2 "):
        program("import time; time.sleep(60)", seconds=1)(picture())
    assert time.monotonic() - begun < 20


def test_a_program_that_is_gone() -> None:
    """A program that cannot be started says so."""
    with pytest.raises(BackendError, match="/no/such/tool cannot be run: No such file"):
        CommandDeblurrer(["/no/such/tool", "{input}", "{output}"], 5)(picture())

"""`detbench deblur` as its user meets it."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from rich.console import Console

from detbench.cli import console
from detbench.core.images import read_image

Run = Callable[..., Any]

DEBLURRERS = """
import numpy as np
from detbench.types import BlurEstimate, Restoration

def invert(blurred):
    return 255 - blurred

calls = []

def stopping(blurred):
    calls.append(1)
    if len(calls) == 3:
        raise KeyboardInterrupt
    return blurred

class Estimator:
    def __call__(self, blurred):
        return self.restore(blurred).image

    def restore(self, blurred):
        if blurred.shape[1] == 317:
            return Restoration(blurred, None)
        return Restoration(255 - blurred, BlurEstimate(np.full((1, 1, 3, 3), 1 / 9), "linear"))
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Deblurrers of the user's own, in a module where he stands."""
    (tmp_path / "own_deblurrers.py").write_text(DEBLURRERS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_deblurrers", None)


@pytest.fixture
def photos(drawn_dataset: Path) -> Path:
    """Twelve pictures."""
    return drawn_dataset / "images"


@pytest.mark.usefixtures("mine")
def test_a_folder_is_deblurred(detbench: Run, photos: Path) -> None:
    """The folder is the one line on stdout; how many pictures, how long and where stands on stderr, with the pace."""
    said = detbench("deblur", photos, "--deblurrer", "python:own_deblurrers:invert", "--out", "restored")
    assert said.code == 0, said.err
    assert said.out == "restored\n"
    assert re.search(r"^12 of 12 pictures deblurred in [\d.]+ s, written to restored$", said.err, re.MULTILINE)
    assert re.search(r"^deblur: 12/12, [\d.]+ s a picture$", said.err, re.MULTILINE)
    for path in photos.iterdir():
        assert np.array_equal(read_image(Path("restored", path.name)), 255 - read_image(path))


def test_a_network_deblurs_a_photo(detbench: Run, photos: Path) -> None:
    """A shipped network gives another picture of the same size, in the file's own format, EXIF and all."""
    exif = PillowImage.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    with PillowImage.open(next(photos.iterdir())) as picture:
        picture.save("photo.jpg", exif=exif, icc_profile=bytes(16) + b"RGB ")
    said = detbench("deblur", "photo.jpg", "--deblurrer", "pix2pix", "--out", "a/b", "--device", "cpu")
    assert said.code == 0, said.err
    restored = read_image(Path("a/b/photo.jpg"))
    assert restored.shape == read_image(Path("photo.jpg")).shape
    assert np.abs(restored.astype(int) - read_image(Path("photo.jpg"))).mean() > 0.5
    with PillowImage.open("a/b/photo.jpg") as written:
        assert written.format == "JPEG"
        assert dict(written.getexif()) == {0x010F: "Maker", 0x0112: 1}
        assert written.info["icc_profile"][16:20] == b"RGB "


def test_failed_pictures_are_named(detbench: Run, photos: Path) -> None:
    """Each is an error on stderr with its reason, the others are done, and the exit code is 4."""
    folder = Path("mixed")
    folder.mkdir()
    for path in sorted(photos.iterdir())[:2]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.jpg").write_text("<html>")
    frames = [PillowImage.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "moving.webp", save_all=True, append_images=frames[1:])
    said = detbench("deblur", folder, "--deblurrer", "identity", "--out", "done")
    assert said.code == 4
    assert said.out == "done\n"
    assert "detbench: mixed/broken.jpg: not a picture" in said.err
    assert "detbench: mixed/moving.webp: holds 2 pictures" in said.err
    assert "2 of 4 pictures deblurred" in said.err
    assert sorted(path.name for path in Path("done").iterdir()) == ["drawn-01.png", "drawn-02.png"]


@pytest.mark.usefixtures("mine")
def test_kernels_are_written_on_request(detbench: Run, photos: Path) -> None:
    """Each picture with a kernel has one beside it; a note counts those that were left as they are."""
    words = ("deblur", photos, "--deblurrer", "python:own_deblurrers:Estimator")
    said = detbench(*words, "--out", "restored", "--kernels")
    assert said.code == 0, said.err
    assert "1 pictures were left as they are: no blur kernel explains them" in said.err
    assert len(list(Path("restored").glob("*.kernel.png"))) == 11
    said = detbench(*words, "--out", "plain")
    assert "1 pictures were left as they are" in said.err
    assert len(list(Path("plain").iterdir())) == 12


@pytest.mark.usefixtures("mine")
def test_an_interrupted_command_keeps_what_is_finished(detbench: Run, photos: Path) -> None:
    """Ctrl-C ends it with 130; the two pictures that were done are there."""
    said = detbench("deblur", photos, "--deblurrer", "python:own_deblurrers:stopping", "--out", "restored")
    assert said.code == 130
    assert said.out == ""
    assert "Interrupted; the 2 pictures that are finished stay in restored" in said.err
    assert len(list(Path("restored").iterdir())) == 2


def test_what_is_there_is_kept_unless_asked(detbench: Run, photos: Path) -> None:
    """A second run is refused before any work, and allowed by --overwrite."""
    words = ("deblur", photos, "--deblurrer", "identity", "--out", "restored")
    assert detbench(*words).code == 0
    said = detbench(*words)
    assert (said.code, said.out) == (2, "")
    assert "restored/drawn-01.png and 11 more files are there already" in said.err
    assert "deblur: " not in said.err
    assert detbench(*words, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["--deblurrer", "wiener"], 2, ["wiener", "blur kernel", "detbench list"]),
        (["--deblurrer", "recorded:photos"], 2, ["restored already", "command:"]),
        (["--deblurrer", "winer"], 2, ["'wiener'"]),
        (["--deblurrer", "identity", "--kernels"], 2, ["identity estimates no blur kernel", "--kernels"]),
        (["--deblurrer", "identity", "--device", "tpu"], 2, ["tpu"]),
        (["--deblurrer", "identity", "nowhere.jpg"], 2, ["nowhere.jpg", "no such file"]),
        (["--deblurrer", "identity", "--out", "photos"], 2, ["overlap"]),
        (["--deblurrer", "identity", "--out", "file"], 2, ["file", "written"]),
    ],
)
def test_what_cannot_be_done_is_one_message(
    detbench: Run, tmp_path: Path, words: list[str], code: int, parts: list[str]
) -> None:
    """Each is refused before any picture is touched, and no folder is made."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "file").write_text("")
    PillowImage.new("RGB", (8, 8)).save(tmp_path / "photos/a.png")
    said = detbench("deblur", "photos", *([] if "--out" in words else ["--out", "restored"]), *words)
    assert (said.code, said.out) == (code, "")
    assert said.err.count("detbench: ") == 1
    assert all(part in said.err for part in parts), said.err
    assert not Path("restored").exists()


def test_a_folder_without_pictures_is_nothing_to_do(detbench: Run) -> None:
    """The exit code is 3, and the message says what counts as a picture."""
    Path("empty").mkdir()
    said = detbench("deblur", "empty", "--deblurrer", "identity", "--out", "restored")
    assert said.code == 3
    assert "no picture in empty" in said.err


def test_the_pace_is_shown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Progress names the seconds a step from the first step on, and only with a word for what a step does."""
    for each in ("picture", None):
        with console.progress_steps(each) as steps:
            steps("work", 0, 2)
            steps("work", 2, 2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[::2] == ["work: 0/2", "work: 0/2"]
    assert re.fullmatch(r"work: 2/2, \d+\.\d\d s a picture", lines[1])
    assert re.fullmatch(r"work: 2/2, \d+\.\d/s", lines[3])


def test_a_terminal_shows_the_pace_beside_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the pace is a column of the bar."""
    terminal = Console(force_terminal=True, record=True, width=120, stderr=True)
    monkeypatch.setattr(console, "err", terminal)
    with console.progress_steps("picture") as steps:
        steps("work", 0, 2)
        steps("work", 2, 2)
    assert re.search(r"work .* 2/2 \d+\.\d\d s a picture", terminal.export_text())


def test_help_imports_nothing_heavy() -> None:
    """`detbench deblur --help` waits for neither torch nor numpy nor Pillow."""
    code = (
        "import sys; sys.argv = ['detbench', 'deblur', '--help']\n"
        "from detbench.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'torch', 'numpy', 'PIL', 'scipy', 'cv2'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"

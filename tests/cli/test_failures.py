"""A deblurrer or a detector that fails: its arm is told with its reason, the others finish, the exit code says so."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

DEBLURRERS = """
import time
import numpy as np

calls = []

def raising(blurred):
    calls.append(1)
    if len(calls) > 3:
        raise ZeroDivisionError("by nought")
    return 255 - blurred

def hanging(blurred):
    time.sleep(100)

def cropping(blurred):
    return blurred[:-1]

def undefined(blurred):
    return np.full(blurred.shape, np.nan)

def doubling(blurred):
    return blurred.astype(np.uint16)
"""

DETECTOR = """
from detbench.detectors.blobs import Blobs

class Fussy(Blobs):
    def __call__(self, image):
        if (image == PIXEL).all():
            raise RuntimeError("too dull")
        return super().__call__(image)
"""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Writes a module that can be imported for the length of a test."""
    names = []

    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        names.append(name)

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for name in names:
        sys.modules.pop(name, None)


def folder_of(said: Any) -> Path:
    """The run folder that a command printed last."""
    return Path(said.out.splitlines()[-1])


REASONS = {
    "raising": "drawn-02.png: raising failed: ZeroDivisionError: by nought",
    "hanging": "drawn-01.png: hanging took longer than 5 s",
    "cropping": "drawn-01.png: cropping returned uint8 (239, 320, 3)",
    "undefined": "drawn-01.png: undefined returned float64 (240, 320, 3)",
    "doubling": "drawn-01.png: doubling returned uint16 (240, 320, 3)",
}


def test_what_fails_is_told_and_the_others_finish(
    drawn_run: Run, detbench: Run, module: Callable[[str, str], None]
) -> None:
    """Deblurrers that raise, hang, or return another size, NaN or another type are failed arms in result, summary,
    page, table and messages, without a number; the others have a run's numbers, the exit code is 4, and the gate does
    not judge.
    """
    module("faulty", DEBLURRERS)
    words = ("--limit", "3", "--timeout", "5", "--resamples", "20")
    sound = detbench_metrics(drawn_run("--name", "sound", *words, deblurrers=("wiener",)))
    named = tuple(f"{name}=python:faulty:{name}" for name in REASONS)
    said = drawn_run("--name", "job", *words, deblurrers=("wiener", *named))
    assert said.code == 4, said.err
    folder = folder_of(said)
    result = json.loads((folder / "result.json").read_text())
    assert [arm["name"] for arm in result["arms"]] == ["sharp", "blurred", "wiener"]
    for name, reason in REASONS.items():
        assert reason in result["failed"][name]
        assert f"{name} failed and has no numbers. {reason}" in said.err
        assert any(line.split()[:2] == [name, "failed"] for line in said.out.splitlines())
        assert f"{name} failed and has no numbers" in (folder / "summary.md").read_text()
        assert f"{name} failed and has no numbers" in (folder / "report.html").read_text()
    assert detbench_metrics(said) == sound
    assert not any((folder / "detections" / f"{name}.json").exists() for name in REASONS)

    judged = detbench("gate", folder, "--baseline", folder, "--min-pictures", "3")
    assert judged.code in (0, 1)  # of arms that both have
    refused = detbench("baseline", folder, "--out", "baseline.json")
    assert (refused.code, "failed, so this is no baseline" in refused.err) == (3, True)


def detbench_metrics(said: Any) -> dict[str, float | None]:
    """The headline numbers of a run."""
    return json.loads((folder_of(said) / "metrics.json").read_text())


def test_an_arm_that_fails_now_is_not_judged(
    drawn_run: Run, detbench: Run, module: Callable[[str, str], None], tmp_path: Path
) -> None:
    """Where an arm of the baseline fails in the run, the gate exits 3 with the reason, and the page can be made."""
    module("moody", "def restore(blurred):\n    return 255 - blurred\n")
    words = ("--limit", "3", "--resamples", "20")
    before = drawn_run("--name", "before", *words, deblurrers=("moody=python:moody:restore",))
    assert before.code == 0, before.err
    del sys.modules["moody"]
    (tmp_path / "moody.py").write_text("def restore(blurred):\n    return None  # a slip\n")
    after = drawn_run("--name", "after", *words, deblurrers=("moody=python:moody:restore",))
    assert after.code == 4
    assert set(json.loads((folder_of(after) / "result.json").read_text())["failed"]) == {"moody"}
    judged = detbench("gate", folder_of(after), "--baseline", folder_of(before))
    assert judged.code == 3
    assert "arm 'moody' failed in the run. drawn-01.png: moody returned NoneType" in judged.err
    assert detbench("report", folder_of(after)).code == 0


def test_a_mended_arm_is_all_that_is_done_again(
    drawn_run: Run, module: Callable[[str, str], None], tmp_path: Path
) -> None:
    """Once it is mended, the same command exits 0 with numbers for every arm."""
    module("mended", "def restore(blurred):\n    raise OSError('no licence')\n")
    command = {"deblurrers": ("identity", "mine=python:mended:restore")}
    words = ("--name", "job", "--limit", "2", "--resamples", "0")
    assert drawn_run(*words, **command).code == 4
    del sys.modules["mended"]
    (tmp_path / "mended.py").write_text("def restore(blurred):\n    return 255 - blurred\n")
    said = drawn_run(*words, **command)
    assert said.code == 0, said.err
    assert json.loads((folder_of(said) / "result.json").read_text())["failed"] == {}
    assert "mine.map" in detbench_metrics(said)


def test_a_detector_that_fails_fails_the_arm_it_looked_at(drawn_run: Run, module: Callable[[str, str], None]) -> None:
    """A detector that raises on what one deblurrer made leaves the other arms as they are; one that raises on the
    blurred picture leaves nothing to compare with, and the run ends with one message.
    """
    module("grey", "import numpy as np\ndef restore(blurred):\n    return np.full_like(blurred, 77)\n")
    module("fussy", DETECTOR.replace("PIXEL", "77"))
    words = ("--limit", "2", "--resamples", "0", "--detector", "python:fussy:Fussy")
    said = drawn_run(*words, deblurrers=("identity", "grey=python:grey:restore"))
    assert said.code == 4, said.err
    failed = json.loads((folder_of(said) / "result.json").read_text())["failed"]
    assert failed == {"grey": "drawn-01.png: python-Fussy failed: RuntimeError: too dull"}
    assert "identity.map" in detbench_metrics(said)

    module("fussier", DETECTOR.replace("(image == PIXEL).all()", "image.std() < 1000"))
    words = (*words[:-1], "python:fussier:Fussy")
    said = drawn_run(*words, deblurrers=("identity",))
    assert said.code == 2
    assert "drawn-01.png: python-Fussy failed: RuntimeError: too dull. Without the blurred arm" in said.err
    assert "Traceback" not in said.err


def test_a_detector_that_fails_on_a_sharp_picture_leaves_no_ceiling(
    drawn_run: Run, detbench: Run, module: Callable[[str, str], None], drawn_dataset: Path
) -> None:
    """The sharp arm has failed; the others have their numbers but gap recovered and harm, and the page is made. Where
    truth is what the detector finds there, the run ends.
    """
    sharp = drawn_dataset / "images" / "drawn-02.png"
    source = "from detbench.core.images import read_image\nfrom pathlib import Path\n" + DETECTOR
    module("dazzled", source.replace("(image == PIXEL).all()", f"(image == read_image(Path({str(sharp)!r}))).all()"))
    words = ("--limit", "3", "--resamples", "20", "--detector", "python:dazzled:Fussy")
    said = drawn_run(*words, deblurrers=("wiener", "identity"))
    assert said.code == 4, said.err
    metrics = detbench_metrics(said)
    assert {key.partition(".")[0] for key in metrics} == {"blurred", "wiener", "identity"}
    assert metrics["wiener.map"] > metrics["blurred.map"]
    assert (metrics["wiener.gap_recovered"], metrics["wiener.harm"]) == (None, None)
    assert detbench("report", folder_of(said)).code == 0

    pseudo = drawn_run(*words, "--truth", "pseudo")
    assert pseudo.code == 2
    assert "drawn-02.png: python-Fussy failed: RuntimeError: too dull. Without its boxes" in pseudo.err


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("raise RuntimeError('no display')", "cannot be imported: RuntimeError: no display"),
        ("class restore:\n def __init__(self):\n  raise KeyError('token')\n", "cannot be built: KeyError: 'token'"),
    ],
)
def test_what_cannot_even_be_built_ends_the_run(
    drawn_run: Run, module: Callable[[str, str], None], source: str, part: str
) -> None:
    """A module that fails as it is imported, or a class as it is built, is a mistake in the request: one message, 2."""
    module("unbuilt", source)
    said = drawn_run("--limit", "2", deblurrers=("identity", "mine=python:unbuilt:restore"))
    assert said.code == 2, said.err
    assert part in said.err
    assert ("checking: " in said.err) == ("built" in part)  # an import fails before any progress
    assert "Traceback" not in said.err

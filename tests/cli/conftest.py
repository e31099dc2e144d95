"""The command line as a user meets it: arguments in; exit code, stdout and stderr out."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from detbench.cli.main import main
from detbench.core import observed_reads


class Said(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def detbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Runs `detbench WORDS…` in an empty folder with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "cache"))

    def command(*words: object) -> Said:
        observed_reads._observer.cache_clear()  # as in a process of its own
        monkeypatch.setattr("sys.argv", ["detbench", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return Said(int(stopped.value.code or 0), said.out, said.err)

    return command


@pytest.fixture
def drawn_run(detbench: Command, drawn_dataset: Path) -> Callable[..., Said]:
    """Runs `detbench run` on the drawn pictures with the detector that needs no weights; further words may be added."""

    def run(*words: object, deblurrers: tuple[str, ...] = ("identity",), blur: str = "trajectory") -> Said:
        named = [word for name in deblurrers for word in ("--deblurrer", name)]
        blurred = ["--blur", blur] if blur else []
        return detbench("run", *named, "--detector", "blobs", "--dataset", drawn_dataset, *blurred, *words)

    return run

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from detbench.core.observed_reads import are_current, observed, reads_so_far, unseen_so_far
from detbench.errors import BackendError

READERS: dict[str, Callable[[Path], object]] = {
    "open": lambda path: path.open().close(),
    "bytes": Path.read_bytes,
    "update": lambda path: path.open("r+b").close(),
    "descriptor": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "sqlite": lambda path: sqlite3.connect(path).close(),
}


@pytest.mark.parametrize("reader", READERS)
def test_whatever_opens_a_file_for_reading_is_seen(tmp_path: Path, reader: str) -> None:
    """Each way of Python to open a file notes it with its digest, which no longer holds once the file is another."""
    file = tmp_path / "weights.bin"
    file.write_bytes(b"")
    with observed("mine"):
        READERS[reader](file)
    reads = reads_so_far()
    assert reads.keys() == {f"file:{file}"}
    assert are_current(reads)
    file.write_bytes(b"2")
    assert not are_current(reads)


def test_nothing_is_noted_outside_the_body(tmp_path: Path) -> None:
    """What detbench reads itself is none of the observed code's."""
    (tmp_path / "a").write_text("1")
    (tmp_path / "a").read_text()
    with observed("mine"):
        pass
    assert reads_so_far() == {}


def test_a_missing_file_counts_as_missing(tmp_path: Path) -> None:
    """Code that finds no settings goes on without; once they are there, its work is no longer of use."""
    with observed("mine"), pytest.raises(FileNotFoundError):
        (tmp_path / "settings.json").read_text()
    reads = reads_so_far()
    assert reads == {f"file:{tmp_path / 'settings.json'}": None}
    (tmp_path / "settings.json").write_text("{}")
    assert not are_current(reads)


def test_a_listed_folder_counts_by_its_names(tmp_path: Path) -> None:
    """Code that takes every file of a folder depends on which there are."""
    (tmp_path / "1.npy").write_text("")
    with observed("mine"):
        list(tmp_path.glob("*.npy"))
    reads = reads_so_far()
    assert list(reads) == [f"folder:{tmp_path}"]
    (tmp_path / "2.npy").write_text("")
    assert not are_current(reads)


def test_what_the_code_writes_itself_is_no_dependency(tmp_path: Path) -> None:
    """A file that it made, or one in a folder that it made, says nothing that its inputs do not."""
    with observed("mine"):
        (tmp_path / "made.txt").write_text("1")
        (tmp_path / "made.txt").read_text()
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "part.txt").touch()
        (tmp_path / "own" / "part.txt").read_text()
    assert reads_so_far() == {}


def test_a_module_counts_by_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is imported from bytecode is noted as its source, and so are those that it imports by name."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "inner_of_mine.py").write_text("VALUE = 1\n")
    (tmp_path / "outer_of_mine.py").write_text("import importlib\nimportlib.import_module('inner_of_mine')\n")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(tmp_path)], check=True)
    with observed("outer_of_mine"):
        __import__("outer_of_mine")
    assert reads_so_far().keys() == {f"file:{tmp_path / name}" for name in ("inner_of_mine.py", "outer_of_mine.py")}


def test_a_library_that_is_imported_late_counts_by_its_version() -> None:
    """Files of an installed package are too many to compare; its version stands for them, found by no import line."""
    sys.modules.pop("yaml.cyaml", None)
    sys.modules.pop("yaml", None)
    with observed("mine"):
        __import__("yaml")
    assert reads_so_far().keys() == {"package:PyYAML"}
    assert are_current(reads_so_far())
    assert not are_current({"package:PyYAML": "0.1"})


def test_a_link_counts_by_what_it_leads_to(tmp_path: Path) -> None:
    """A link that is turned to another file changes what is read under its name."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    link = tmp_path / "best"
    link.symlink_to("one")
    with observed("mine"):
        link.read_text()
    reads = reads_so_far()
    link.unlink()
    link.symlink_to("two")
    assert not are_current(reads)


def test_programs_and_the_network_are_beyond_observation() -> None:
    """What another program or machine does is not seen here, and is said with its name."""
    with observed("mine"):
        subprocess.run([sys.executable, "-c", ""], check=True)
    unseen = unseen_so_far()
    assert unseen is not None
    assert "starts other programs" in unseen
    assert sys.executable in unseen


def test_the_network_is_beyond_observation() -> None:
    """A service may answer otherwise tomorrow."""
    with observed("mine"):
        sys.audit("socket.connect", None, ("192.0.2.1", 80))
    assert "uses the network" in str(unseen_so_far())


def test_a_file_that_changes_while_it_is_used_is_refused(tmp_path: Path) -> None:
    """Weights that are replaced in the middle of a run would make numbers of two states; touching them does not."""
    file = tmp_path / "weights.bin"
    file.write_bytes(b"1")
    with observed("mine"):
        file.read_bytes()
    os.utime(file, (1, 1))
    with observed("mine"):
        file.read_bytes()
    file.write_bytes(b"2")
    with (
        pytest.raises(BackendError, match=r"weights\.bin changed while this run read it. Run again with --fresh"),
        observed("mine"),
    ):
        file.read_bytes()

from pathlib import Path

import pytest

from detbench.errors import UsageError
from detbench.plugins import declared_files
from detbench.plugins.declared_files import declared, digest_of, named_in, split_depends


def test_depends_stand_behind_a_word() -> None:
    """Each `,depends=PATH` is taken off, in its order; the rest is what it was."""
    assert split_depends("mine:net,depends=a.npy,depends=b") == ("mine:net", ["a.npy", "b"])
    assert split_depends("mine:net") == ("mine:net", [])


def test_a_digest_follows_bytes_and_names(tmp_path: Path) -> None:
    """Of a folder every file counts with its name, at any depth; where the folder lies does not."""
    for root in ("one", "two"):
        (tmp_path / root / "deep").mkdir(parents=True)
        (tmp_path / root / "deep" / "a.npy").write_text("1")
    before = digest_of([tmp_path / "one"])
    assert digest_of([tmp_path / "two"]) == before
    (tmp_path / "two" / "deep" / "a.npy").rename(tmp_path / "two" / "deep" / "b.npy")
    (tmp_path / "one" / "deep" / "a.npy").write_text("2")
    assert len({before, digest_of([tmp_path / "one"]), digest_of([tmp_path / "two"])}) == 3


def test_what_is_not_there_cannot_be_declared(tmp_path: Path) -> None:
    """A mistyped path is an error, not a dependency that never changes."""
    with pytest.raises(UsageError, match=r"command: depends=.*weights is no file or folder"):
        declared("command", [str(tmp_path / "weights")])


def test_words_name_files_whole_behind_equals_signs_and_as_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of these are files that a command reads; beside a script lie those that it may import."""
    monkeypatch.chdir(tmp_path)
    for name in ("tool.py", "net.py", "best.npy", "cfg.toml", "package/main.py", "weights/1.npy"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    words = [
        "tool.py",
        "--weights=best.npy",
        "--set=config=cfg.toml",
        "-m",
        "package.main",
        "--dir=weights",
        "{input}",
        ".",
    ]
    named = {path.as_posix() for path in named_in(words)}
    assert named == {"tool.py", "net.py", "package/main.py", "best.npy", "cfg.toml", "weights"}


def test_a_folder_of_data_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with too many files is what a program works on; who declares it is asked for less."""
    monkeypatch.setattr(declared_files, "MOST_FILES", 2)
    for number in range(3):
        (tmp_path / f"{number}.png").touch()
    assert named_in([f"--data={tmp_path}"]) == []
    with pytest.raises(UsageError, match="more than 2 files: name those of them that are read"):
        digest_of([tmp_path])

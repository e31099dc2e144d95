"""Formats of installed packages, without installing them: the entry points name classes of this module."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from detbench.cli.listing import list_backends
from detbench.datasets import opening
from detbench.datasets.opening import looks_like, open_dataset
from detbench.errors import DataError, UsageError
from detbench.plugins.registry import Entry, Registry
from detbench.types import Sample

Install = Callable[..., None]


NAMED = {"lists": "Lists", "alone": "Alone", "gone": "Gone"}


class Lists:
    """Datasets in a file list.txt: no pictures, a name that tells what it was built with."""

    def __init__(self, path: Path, split: str | None) -> None:
        self.classes = {1: "car"}
        self.lines = (path / "list.txt").read_text().splitlines()
        self.name = f"{path.name} {split}"

    @staticmethod
    def recognises(path: Path) -> bool:
        return (path / "list.txt").is_file()

    @property
    def fingerprint(self) -> str:
        return self.lines[2]

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Sample]:
        raise RuntimeError("line 1 names no picture")


class Careless(Lists):
    """A format whose `recognises` fails."""

    @staticmethod
    def recognises(path: Path) -> bool:
        raise OSError("disk on fire")


class Alone:
    """A dataset that is known by its name."""

    name = "alone"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs entry points, name by target in this module."""

    def installed(**targets: str) -> None:
        entries = tuple(Entry(name, f"{__name__}:{target}", "a plug-in") for name, target in targets.items())
        monkeypatch.setattr(opening, "DATASETS", Registry("dataset", "detbench.no-such-group", entries))

    return installed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the format `Lists`."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "list.txt").write_text("a\nb\n")
    return tmp_path / "mine"


def test_a_path_goes_to_the_format_that_recognises_it(install: Install, folder: Path) -> None:
    """An installed format reads what it recognises, with or without its name in front, and gets the split."""
    install(lists="Lists", alone="Alone")
    assert looks_like(folder) == "lists"
    for word, name in ((folder, "mine None"), (f"lists:{folder}", "mine None"), (f"{folder}#val", "mine val")):
        dataset = open_dataset(str(word))
        assert (dataset.name, len(dataset), dict(dataset.classes)) == (name, 2, {1: "car"})
    assert open_dataset("alone").name == "alone"


def test_installed_formats_leave_the_built_in_ones_alone(install: Install, drawn_dataset: Path) -> None:
    """A folder that no installed format recognises is read as it was before, and `coco` stays detbench's own."""
    install(lists="Lists", coco="Careless")
    assert looks_like(drawn_dataset) == "coco"
    assert len(open_dataset(str(drawn_dataset))) == len(open_dataset(f"coco:{drawn_dataset}")) == 12


def test_two_formats_that_recognise_one_folder_are_named(install: Install, folder: Path) -> None:
    """Nothing is guessed where two formats fit, be both installed or one built in; a prefix decides."""
    install(lists="Lists", other="Lists")
    words = rf"recognised by 2 formats, lists, other; say in front which is meant: lists:{folder} or other:{folder}"
    with pytest.raises(DataError, match=words):
        open_dataset(str(folder))
    assert len(open_dataset(f"other:{folder}")) == 2
    install(lists="Lists")
    (folder / "data.yaml").write_text("names: [car]\n")
    with pytest.raises(DataError, match="recognised by 2 formats, yolo, lists"):
        open_dataset(str(folder))


def test_a_format_that_fails_is_named(install: Install, folder: Path) -> None:
    """Whatever a format's code raises, at once or while its samples are read, is one message: path, format, reason."""
    install(lists="Lists")
    dataset = open_dataset(str(folder))
    with pytest.raises(DataError, match=r"mine: the format lists \(.*:Lists\) fails on it: RuntimeError: line 1 names"):
        list(dataset)
    with pytest.raises(DataError, match=r"the format lists .* fails on it: IndexError"):
        _ = dataset.fingerprint
    (folder / "list.txt").unlink()
    with pytest.raises(DataError, match=r"the format lists .* fails on it: FileNotFoundError.*list\.txt"):
        open_dataset(f"lists:{folder}")
    install(careless="Careless")
    with pytest.raises(DataError, match=r"the format careless .* fails on it: OSError: disk on fire"):
        open_dataset(str(folder))


def test_a_format_is_no_dataset_and_a_dataset_no_format(install: Install, folder: Path) -> None:
    """A format named alone lacks a path, and a dataset that is known by name takes none."""
    install(lists="Lists", alone="Alone")
    with pytest.raises(UsageError, match="lists is a format, no dataset; say what to read: lists:PATH"):
        open_dataset("lists")
    with pytest.raises(UsageError, match="alone is a dataset, no format; name it without a path: alone"):
        open_dataset(f"alone:{folder}")


def test_formats_are_listed_where_none_fits(install: Install, tmp_path: Path) -> None:
    """The message on a folder that no format recognises names the installed ones too."""
    install(lists="Lists", alone="Alone")
    with pytest.raises(DataError, match=r"blur_gamma:PATH, .*, lists:PATH$"):
        open_dataset(str(tmp_path))


def test_the_list_says_which_entry_point_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """A format is listed with its path, a dataset by its name, and one that cannot be imported with the reason."""
    entries = tuple(Entry(name, f"{__name__}:{target}", "a plug-in") for name, target in NAMED.items())
    monkeypatch.setattr("detbench.plugins.builtin.DATASETS", Registry("dataset", "detbench.no-such-group", entries))
    list_backends()
    out = capsys.readouterr().out
    listed = {line.split("  ")[0]: line for line in out.splitlines()}
    assert listed["[lists:]PATH[#SPLIT]"].split()[1] == "ready"
    assert " ready " in listed["alone"]
    assert " damaged " in listed["gone"]
    assert "Gone) cannot be imported: " in " ".join(out.split())

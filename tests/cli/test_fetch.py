import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from detbench.cli.main import app
from detbench.core import fetchable
from detbench.core.fetchable import registry

Run = Callable[..., Any]


@pytest.fixture
def nothing_ships(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a small wheel, no weights of the registry are beside the package."""
    monkeypatch.setattr(fetchable, "shipped", lambda kind: tmp_path / "wheel" / kind)


def test_a_fetched_thing_is_printed_as_a_path(
    detbench: Run, register: Callable[..., Any], publisher: Any, tmp_path: Path
) -> None:
    """Its path is all of stdout; stderr says what came, from where and how large it is, and how to go on."""
    register("pairs", "weights", {"pairs.safetensors": b"12345" * 1_000_000}, then=("detbench run --dataset {folder}",))
    said = detbench("fetch", "pairs")
    place = tmp_path / "cache" / "weights" / "pairs" / "weights.safetensors"
    assert (said.code, said.out) == (0, f"{place}\n")
    address = publisher.address("/pairs.safetensors")
    assert f"Fetching pairs.safetensors from {address}, 5.0 MB.\nMB of pairs.safetensors: 0/5\n" in said.err
    assert f"Then: detbench run --dataset {place}\n" in said.err
    again = detbench("fetch", "pairs")
    assert (again.out, "Fetching" in again.err) == (said.out, False)


@pytest.mark.usefixtures("nothing_ships")
def test_all_means_all_weights(detbench: Run, register: Callable[..., Any], publisher: Any) -> None:
    """`--all` fetches every weights entry, no checkpoint and no dataset."""
    for entry in list(registry().values()):
        register(entry.name, entry.kind, {f"{entry.name}.bin": entry.name.encode()})
    said = detbench("fetch", "--all")
    assert said.code == 0
    assert [Path(line).parent.name for line in said.out.splitlines()] == [
        name for name, entry in registry().items() if entry.kind == "weights"
    ]
    assert len(publisher.asked) == 8


@pytest.mark.usefixtures("nothing_ships")
def test_the_list_says_size_licence_and_place(detbench: Run, tmp_path: Path) -> None:
    """A row for each entry: what is in the cache by its path, the rest as to be fetched or by hand."""
    (tmp_path / "cache" / "datasets" / "gopro").mkdir(parents=True)
    said = detbench("fetch", "--list")
    rows = {line.split()[0]: re.split(r" {2,}", line.rstrip()) for line in said.out.splitlines() if line}
    assert rows["nah"][:5] == ["nah", "weights", "23.5", "MIT", "to be fetched"]
    assert rows["coco-val2017"][2] == "1,068.5"
    assert rows["gopro"][2:5] == ["?", "CC BY 4.0", str(tmp_path / "cache" / "datasets" / "gopro")]
    assert rows["hide"][4] == "by hand"
    assert registry().keys() <= rows.keys()


@pytest.mark.parametrize(
    ("words", "message"),
    [((), "name what to fetch, or give --all"), (("nahh",), "Did you mean 'nah'"), (("realblur",), "by hand: open")],
)
def test_what_cannot_be_fetched_is_said(detbench: Run, words: tuple[str, ...], message: str) -> None:
    """No name, a wrong name, and a dataset without an address are one message and exit code 2."""
    said = detbench("fetch", *words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err


@pytest.mark.usefixtures("nothing_ships")
def test_offline_is_one_message(detbench: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It has address, size, checksum and place."""
    monkeypatch.setenv("DETBENCH_OFFLINE", "1")
    said = detbench("fetch", "nah")
    assert (said.code, said.out) == (2, "")
    place = tmp_path / "cache" / "weights" / "nah" / "weights.safetensors"
    assert re.fullmatch(
        rf"detbench: nah\.safetensors is not here and could not be fetched from https://\S+/nah\.safetensors "
        rf"\(23\.5 MB, SHA-256 00e23a41\w+\): DETBENCH_OFFLINE is set\. Download it on another machine and place it "
        rf"at {place}\n",
        said.err,
    )


def test_a_checkpoint_of_the_publisher_is_fetched_too(
    detbench: Run, publisher: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A name that ends in .pt and is not registered comes from its publisher, as for `--detector`."""
    monkeypatch.setattr("detbench.plugins.checkpoint_files.RELEASE", publisher.address("/"))
    publisher.files["/yolov8s.pt"] = b"published"
    assert detbench("fetch", "yolov8s.pt").out == f"{tmp_path / 'cache' / 'weights' / 'yolov8s.pt'}\n"


def test_commands_to_go_on_with_parse() -> None:
    """Every command that the registry prints is one that detbench takes."""
    commands = [command for entry in registry().values() for command in entry.then]
    assert len(commands) >= 5
    for command in commands:
        name, *rest = shlex.split(command.format(folder="F"))[1:]
        typer.main.get_command(app).commands[name].make_context("detbench", rest)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("nothing_ships")
def test_the_list_of_deblurrers_says_what_is_fetched(detbench: Run) -> None:
    """`detbench list` fetches nothing and names the command."""
    said = detbench("list", "deblurrers")
    assert re.search(r"^nah +missing +fetched on first use: detbench fetch nah$", said.out, re.M)
    assert re.search(r"^guided +ready", said.out, re.M)

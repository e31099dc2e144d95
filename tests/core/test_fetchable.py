import hashlib
import io
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from detbench.core.fetchable import (
    Fetchable,
    fetch,
    find_fetchable,
    kept_at,
    located,
    model_weights,
    registry,
    superseded_weights,
)
from detbench.core.paths import shipped
from detbench.datasets.opening import open_dataset
from detbench.errors import DataError, UsageError, WeightsError

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = list(registry().values())
WEIGHTS = [entry for entry in ENTRIES if entry.kind == "weights"]

Register = Callable[..., Fetchable]


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """A zip archive with these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("entry", WEIGHTS, ids=lambda entry: entry.name)
def test_weights_are_those_of_their_card(entry: Fetchable) -> None:
    """Checksum and licence are the card's, checksum and size those of the file where it is here, and the address is
    that of a release of this repository.
    """
    card = tomllib.loads((ROOT / "models" / entry.name / "card.toml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (file,) = entry.files
    assert (card["sha256"], card["licence"].partition(",")[0]) == (file.sha256, entry.licence)
    repository = project["urls"]["Repository"] if "urls" in project else "https://github.com/detbench/detbench"
    assert file.url == f"{repository}/releases/download/v0.1.0/{entry.name}.safetensors"
    here = ROOT / "models" / entry.name / "weights.safetensors"
    if here.is_file():
        content = here.read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.size_bytes)


def test_a_release_ships_what_cannot_be_fetched() -> None:
    """Four models ship; every other model's weights are registered."""
    models = {card.parent.name for card in (ROOT / "models").glob("*/card.toml")}
    assert models - {entry.name for entry in WEIGHTS} == {"blind", "deblurgan", "guided", "yolov8n-streets"}
    assert {entry.name for entry in WEIGHTS} < models
    assert [name for name in sorted(models) if superseded_weights(name)] == [
        "deblurgan-comb",
        "deblurgan-synth",
        "deblurgan-wild",
    ]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_says_how_it_comes(entry: Fetchable) -> None:
    """By addresses with SHA-256, or by hand; a dataset has commands to go on with."""
    assert bool(entry.files) != bool(entry.by_hand)
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in entry.files)
    assert bool(entry.then) == (entry.kind == "dataset")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """The message says what lists all."""
    with pytest.raises(UsageError, match=r"'nahh' can be fetched\. Did you mean 'nah'\? `detbench fetch --list`"):
        find_fetchable("nahh")


def test_what_ships_is_never_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The checkout goes first, then the cache."""
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path))
    ours = shipped("models") / "nah" / "weights.safetensors"
    assert fetch(registry()["nah"]) == located(registry()["nah"]) == model_weights(ours.parent) == ours
    assert list(tmp_path.iterdir()) == []


def test_weights_come_with_their_card(register: Register, publisher: Any, tmp_path: Path) -> None:
    """In the cache lie weights and the card that ships, brought up to date where a newer version ships another."""
    entry = register("mine", "weights", {"mine.safetensors": b"weights"})
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    assert located(entry) is None
    kept = model_weights(folder)
    assert kept == kept_at(entry) == located(entry)
    assert [path.name for path in kept.parent.iterdir()] == ["weights.safetensors"]
    for text in ("a = 1\n", "a = 2\n"):
        (folder / "card.toml").write_text(text)
        assert model_weights(folder).with_name("card.toml").read_text() == text
    assert len(publisher.asked) == 1


def test_a_model_that_is_not_registered_is_looked_for_where_it_ships(tmp_path: Path) -> None:
    """The missing file is returned, for whoever wants it to say how it is trained."""
    assert model_weights(tmp_path / "other") == tmp_path / "other" / "weights.safetensors"


def test_weights_that_cannot_be_fetched_say_all(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline: the name, the address, size, checksum, and the exact path for a copy by hand."""
    entry = register("mine", "weights", {"mine.safetensors": b"weights" * 100_000})
    monkeypatch.setenv("DETBENCH_OFFLINE", "1")
    with pytest.raises(WeightsError) as caught:
        fetch(entry)
    for word in (entry.files[0].url, "0.7 MB", entry.files[0].sha256, f"place it at {kept_at(entry)}"):
        assert word in str(caught.value)
    kept_at(entry).parent.mkdir(parents=True)
    kept_at(entry).write_bytes(b"weights" * 100_000)
    assert fetch(entry) == kept_at(entry)


def test_a_dataset_is_unpacked_as_detbench_reads_it(register: Register, drawn_dataset: Path, tmp_path: Path) -> None:
    """Of COCO's two archives those members that are wanted; the archives go, and the folder opens as `coco:`."""
    pictures = {f"val2017/{path.name}": path.read_bytes() for path in (drawn_dataset / "images").iterdir()}
    truth = (drawn_dataset / "annotations.json").read_bytes()
    entry = register(
        "coco-val2017",
        "dataset",
        {
            "val2017.zip": zipped(pictures),
            "annotations.zip": zipped({"annotations/instances_val2017.json": truth, "annotations/train.json": b"{}"}),
        },
        unpack=("val2017/", "annotations/instances_val2017.json"),
    )
    folder = fetch(entry)
    assert folder == tmp_path / "cache" / "datasets" / "coco-val2017"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["coco-val2017"]
    assert [path.name for path in (folder / "annotations").iterdir()] == ["instances_val2017.json"]
    assert len(open_dataset(f"coco:{folder}#val2017")) == 12
    assert fetch(entry) == folder


def test_no_member_leaves_the_folder_of_a_dataset(register: Register, tmp_path: Path) -> None:
    """A name that climbs up is put below the folder."""
    entry = register("pairs", "dataset", {"pairs.zip": zipped({"../../canary.png": b"", "gt/a.png": b""})})
    folder = fetch(entry)
    assert not list(tmp_path.glob("canary.png"))
    assert (folder / "gt" / "a.png").is_file()
    assert not (folder.parent / "canary.png").exists()


def test_half_of_a_dataset_is_none(register: Register, publisher: Any) -> None:
    """Where the second archive fails, there is no folder yet, and the first archive is not fetched again."""
    entry = register("two", "dataset", {"a.zip": zipped({"a": b"a"}), "b.zip": zipped({"b": b"b"})})
    kept = publisher.files.pop("/b.zip")
    with pytest.raises(DataError, match=r"^b\.zip is not here"):
        fetch(entry)
    assert located(entry) is None
    publisher.files["/b.zip"] = kept
    assert sorted(path.name for path in fetch(entry).iterdir()) == ["a", "b"]
    assert [path for path, _ in publisher.asked] == ["/a.zip", "/b.zip", "/b.zip"]


def test_a_dataset_without_an_address_is_fetched_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the page, the folder and the words that read it; a folder that is there is taken."""
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=rf"^hide is fetched by hand: .*HA_deblur.*{tmp_path}/datasets/hide.*pairs:"):
        fetch(registry()["hide"])
    (tmp_path / "datasets" / "hide").mkdir(parents=True)
    assert fetch(registry()["hide"]) == tmp_path / "datasets" / "hide"

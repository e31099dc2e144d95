"""Training on a bare machine, in miniature: packed, trained there, given back in pieces, and joined."""

import argparse
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import pytest
import safetensors.torch
import tomli_w
from PIL import Image as PillowImage

import detbench
from detbench.core.fingerprints import file_sha256
from detbench.core.images import read_image
from detbench.core.torch_device import resolve_precision
from detbench.detectors.blobs import Blobs
from detbench.metrics.quality import psnr_db
from detbench.training.architectures import ARCHITECTURES
from detbench.training.data.sources import find_source, split
from detbench.training.held_out_detection import detection_of
from detbench.training.job import TrainingJob
from detbench.training.recipe import read_recipe
from detbench.training.train import train_deblurrer

SCRIPTS = Path(detbench.__file__).parents[1] / "models"

RECIPE = """
detector_weight = 0
warm_up_share = 0.8
critic_steps = 1
epochs = 0
decay_epochs = 1
batch = 1
crop_px = 32
held_out_px = 32
held_out_crops = 2
log_steps = 1
ramp_steps = 0
average_decay = 0.9
"""

MISSING = """
import sys
for name in ("ultralytics", "torchvision", "msgspec", "platformdirs", "defusedxml"):
    sys.modules[name] = None
"""
"""What Python runs when it starts: packages that a bare machine lacks cannot be imported."""

WEIGHTS = ("weights.safetensors", "weights-content.safetensors")

MINUTES = 0.25
"""Of which a busy machine takes half to begin."""

MakePack = Callable[..., Path]
Bare = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def scripts() -> Iterator[ModuleType]:
    """`models/pack.py`, which imports `models/train_packed.py` from beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        yield importlib.import_module("pack")
        for name in ("pack", "train_packed"):
            sys.modules.pop(name)


@pytest.fixture(scope="module")
def given(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """photos/: the drawn pictures and a wide one; pairs/: the drawn ones as six streets of two; wheels/; a recipe."""
    folder = tmp_path_factory.mktemp("given")
    shutil.copytree(drawn_dataset / "images", folder / "photos")
    wide = cv2.resize(read_image(folder / "photos" / "drawn-01.png"), (960, 480))
    PillowImage.fromarray(wide).save(folder / "photos" / "wide.png")
    document = json.loads((drawn_dataset / "annotations.json").read_text())
    for kind in ("images", "blurred"):
        (folder / "pairs" / kind).mkdir(parents=True)
    for number, image in enumerate(document["images"]):
        sharp = read_image(drawn_dataset / "images" / image["file_name"])
        image["file_name"] = f"street-{number // 2:03d}-{number % 2}.png"
        PillowImage.fromarray(sharp).save(folder / "pairs" / "images" / image["file_name"])
        PillowImage.fromarray(cv2.blur(sharp, (9, 9))).save(folder / "pairs" / "blurred" / image["file_name"])
    (folder / "pairs" / "annotations.json").write_text(json.dumps(document))
    (folder / "nafnet").mkdir()
    (folder / "nafnet" / "recipe.toml").write_text(RECIPE)
    write_wheel(folder / "wheels")
    return folder


def write_wheel(folder: Path) -> None:
    """A wheel of tomli-w that says of every text that it was there."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "tomli_w-1-py3-none-any.whl", "w") as wheel:
        wheel.write(Path(tomli_w.__file__).with_name("_writer.py"), "tomli_w/_writer.py")
        lines = ["from tomli_w import _writer", "def dumps(*words, **named):"]
        lines += ["    return '# written by the wheel\\n' + _writer.dumps(*words, **named)"]
        wheel.writestr("tomli_w/__init__.py", "\n".join(lines))


@pytest.fixture(scope="module")
def make_pack(scripts: ModuleType, given: Path) -> MakePack:
    """Packs `given` into a folder; the number is that of bytes it may have."""

    def make(folder: Path, most: int = 40 * 2**20, **changes: object) -> Path:
        options = {"photos": given / "photos", "pairs": given / "pairs", "recipe": [given / "nafnet" / "recipe.toml"]}
        others = {"wheels": given / "wheels", "vgg": None, "start": None, "pairs_a_street": None}
        scripts.pack(argparse.Namespace(pack=folder, **(options | others | changes)), most)
        return folder

    return make


@pytest.fixture(scope="module")
def pack(make_pack: MakePack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is given, packed."""
    return make_pack(tmp_path_factory.mktemp("packs") / "pack")


def names(folder: Path) -> list[str]:
    """The names of all files below a folder, in order."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def bytes_of(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum((folder / name).stat().st_size for name in names(folder))


def test_a_training_finds_the_packed_pictures(pack: Path, given: Path) -> None:
    """Photos of at most 640 px; pairs at their own size with their twins, and boxes under the names they have now."""
    photos, pairs = find_source(pack / "photos"), find_source(pack / "pairs")
    assert len(photos.pictures) == 13
    assert read_image(pack / "photos" / "wide.webp").shape == (320, 640, 3)
    assert [pair.blurred.name for pair in pairs.pictures if pair.blurred] == names(pack / "pairs" / "images")
    original = read_image(given / "pairs" / "images" / "street-000-0.png")
    assert psnr_db(read_image(pack / "pairs" / "images" / "street-000-0.webp"), original) > 33  # type: ignore[operator]
    found = detection_of(split(pairs)[1], Blobs(), 24)
    assert found is not None
    assert found.map_of(found.sharp) > 0.8  # type: ignore[operator]


def test_photos_fill_what_is_left(pack: Path, make_pack: MakePack, tmp_path: Path) -> None:
    """In two thirds of the room for photos some of them fit, the same ones each time; the pack is below its limit."""
    most = bytes_of(pack) - (pack / "manifest.json").stat().st_size + 2**18 - bytes_of(pack / "photos") // 3
    first, second = make_pack(tmp_path / "first", most), make_pack(tmp_path / "second", most)
    assert 5 <= len(names(first / "photos")) < 13
    assert names(first) == names(second)
    assert bytes_of(first) <= most


def test_a_pack_that_is_too_large(make_pack: MakePack, tmp_path: Path) -> None:
    """The message has the size of each part."""
    with pytest.raises(
        SystemExit, match=r"MiB too large without a photo; leave something out of detbench \d\.\d, pairs"
    ):
        make_pack(tmp_path / "pack", 2**20)


def test_fewer_pairs_of_each_street_hold_the_same_streets_out(pack: Path, make_pack: MakePack, tmp_path: Path) -> None:
    """One of each of five streets, both of the sixth."""
    thin = make_pack(tmp_path / "pack", pairs_a_street=1)
    (trained, held_out), (_, before) = (split(find_source(folder / "pairs")) for folder in (thin, pack))
    assert [len(source.pictures) for source in (trained, held_out)] == [5, 2]
    assert [pair.sharp.name for pair in held_out.pictures] == [pair.sharp.name for pair in before.pictures]
    document = json.loads((thin / "pairs" / "annotations.json").read_text())
    assert len(document["images"]) == 7


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Begins `train_packed.py` of a pack, with a Python that lacks what a bare machine lacks."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "sitecustomize.py").write_text(MISSING)
    (folder / "detbench.py").write_text("raise ImportError('another detbench, where the command is given')")

    def begin(pack: Path, *words: object) -> subprocess.Popen[str]:
        command = [sys.executable, pack / "train_packed.py", "nafnet", "--device", "cpu", "--workers", "0", *words]
        environment = os.environ | {"PYTHONPATH": str(folder)}
        return subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, bufsize=1
        )

    return begin


@pytest.fixture(scope="module")
def trained(pack: Path, bare: Bare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """work/ and out/ of a training of 15 seconds that SIGTERM ended after two steps and the same command finished."""
    folder = tmp_path_factory.mktemp("trained")
    words = ("--out", folder / "out", "--work", folder / "work", "--minutes", MINUTES)
    with bare(pack, *words) as begun:
        assert begun.stderr is not None
        said = ""
        while "iteration 2 " not in said and (line := begun.stderr.readline()):
            said += line
        begun.send_signal(signal.SIGTERM)
        said += begun.stderr.read()
    assert begun.returncode == 130, said
    ended = checkpoint(folder / "work")
    assert 2 <= ended["step"] < ended["timetable"]["totals"][0][1]
    with bare(pack, *words) as begun:
        _, said = begun.communicate(timeout=120)
    assert begun.returncode == 0, said
    return folder


def checkpoint(work: Path) -> dict[str, Any]:
    """What the checkpoint of a training says of it."""
    head: dict[str, Any] = json.loads((work / "training" / "checkpoint.json").read_text())
    return head


def test_it_ends_decayed_and_comes_back_in_small_pieces(trained: Path, scripts: ModuleType, tmp_path: Path) -> None:
    """Content, then the critic, the rate falling; both weights arrive whole, the checkpoint is too large for it."""
    sizes = [(trained / "out" / name).stat().st_size for name in names(trained / "out")]
    assert len(sizes) == 3
    assert max(sizes) == 15 * 2**20
    left_out = scripts.join(trained / "out", tmp_path)
    assert left_out[0] == "training/checkpoint.json"
    card = tomllib.loads((tmp_path / "card.toml").read_text())
    assert (tmp_path / "card.toml").read_text().startswith("# written by the wheel")
    assert card["sha256"] == file_sha256(tmp_path / "weights.safetensors")
    final, content = (safetensors.torch.load_file(tmp_path / name) for name in WEIGHTS)
    assert final.keys() == content.keys()
    assert any(not tensor.equal(content[key]) for key, tensor in final.items())
    lines = (tmp_path / "training" / "history.jsonl").read_text().splitlines()
    last = [record for record in map(json.loads, lines) if "terms" in record][-1]
    assert last["step"] == card["training"]["steps"]
    assert last["learning_rate"] == pytest.approx(1e-3 / (last["step"] + 1))
    assert "G_GAN" in last["terms"]
    assert re.search(r"epoch 1/1 held out, pairs: .* dB", (tmp_path / "log.txt").read_text())


def test_it_takes_its_minutes(trained: Path) -> None:
    """Loosely, on a machine that has other work; test_minutes.py holds it to its time by another clock."""
    assert 0.3 * 60 * MINUTES < checkpoint(trained / "work")["timetable"]["spent_s"] < 3 * 60 * MINUTES


def test_ended_and_resumed_it_is_as_if_nothing_had_been(trained: Path, pack: Path, tmp_path: Path) -> None:
    """A training of as many steps in one piece has the same weights, to the last bit."""
    recipe = read_recipe(pack / "recipes" / "nafnet.toml", ARCHITECTURES["nafnet"].recipe)
    steps = checkpoint(trained / "work")["step"]
    folders = tuple(pack / name for name in ("photos", "pairs/images", "pairs"))
    precision = resolve_precision("auto", "cpu")
    job = TrainingJob("nafnet", replace(recipe, steps=steps), folders, tmp_path, "cpu", precision, mix=(2, 1, 2))
    train_deblurrer(job, lambda _line: None)
    for name in WEIGHTS:
        assert file_sha256(tmp_path / name) == file_sha256(trained / "work" / name)


def test_a_damaged_piece_is_named(trained: Path, scripts: ModuleType, tmp_path: Path) -> None:
    """Nothing is unpacked."""
    copy = Path(shutil.copytree(trained / "out", tmp_path / "copy"))
    data = (copy / "trained-1").read_bytes()
    (copy / "trained-1").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(SystemExit, match=r"trained-1: missing, or not the file that manifest\.json names"):
        scripts.join(copy, tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_a_pack_that_was_not_copied_whole(pack: Path, bare: Bare, tmp_path: Path) -> None:
    """One line, before anything is trained."""
    copy = Path(shutil.copytree(pack, tmp_path / "pack"))
    (copy / "pairs" / "annotations.json").unlink()
    with bare(copy, "--out", tmp_path / "out") as begun:
        _, said = begun.communicate(timeout=60)
    assert begun.returncode == 1
    assert said.endswith("annotations.json: missing, or not the file that manifest.json names; copy it again\n")
    assert said.count("\n") == 1

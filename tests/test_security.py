"""Hostile files: nothing in them is executed, nothing is written or removed outside a run's own folder, and a small one
does not take much memory or time. Pickles are held in tests/detectors/ and tests/deblurrers/.
"""

import base64
import io
import json
import os
import resource
import shutil
import socket
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from pytest_socket import SocketBlockedError
from torch import nn

from detbench.blur.recipes import parse_recipe
from detbench.core.images import picture_from_file, read_image
from detbench.datasets.blurred_writer import write_blurred_dataset
from detbench.datasets.opening import open_dataset
from detbench.errors import DataError, DetbenchError, NotEvaluableError, OutputError, WeightsError
from detbench.gate.baseline import read_baseline
from detbench.nets.weights import load_weights, weights_metadata
from detbench.results.cache import digest
from detbench.results.folder import RunFolder

OUTSIDE = ("../canary.png", "/tmp/canary.png", "a/../../canary.png", "C:\\canary.png", "..\\canary.png", "a\0.png", "")


@contextmanager
def little_memory() -> Iterator[None]:
    """Fail where the body takes more than 256 MiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 18


def test_no_program_is_run_for_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostScript that is called a JPEG is no picture: Ghostscript, which Pillow would start, is not."""
    canary, programs = tmp_path / "canary", tmp_path / "programs"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {canary}\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    picture = tmp_path / "a.jpg"
    PillowImage.new("RGB", (4, 4)).save(picture, format="EPS")
    for read in (picture_from_file, read_image):
        with pytest.raises(DataError, match=r"a\.jpg: not a picture"):
            read(picture)
    assert not canary.exists()


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_a_dataset(drawn_dataset: Path, tmp_path: Path, name: str) -> None:
    """A file name that leaves the folder, on any system, is refused by the reader and before anything is blurred."""
    place = Path(shutil.copytree(drawn_dataset, tmp_path / "inner" / "data"))
    document = json.loads((place / "annotations.json").read_text())
    document["images"][0]["file_name"] = name
    (place / "annotations.json").write_text(json.dumps(document))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match="file_name"):
        open_dataset(str(place))
    with pytest.raises(DataError):
        write_blurred_dataset(place, tmp_path / "out", parse_recipe("trajectory"), lambda *_: None)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def blurred(drawn_dataset: Path, tmp_path: Path) -> Path:
    """A blurred dataset of one picture, with manifest and kernel."""
    source = tmp_path / "source"
    (source / "images").mkdir(parents=True)
    document = json.loads((drawn_dataset / "annotations.json").read_text())
    document["images"] = document["images"][:1]
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] == 1]
    shutil.copy(drawn_dataset / "images" / document["images"][0]["file_name"], source / "images")
    (source / "annotations.json").write_text(json.dumps(document))
    write_blurred_dataset(source, tmp_path / "inner" / "data", parse_recipe("trajectory"), lambda *_: None)
    return tmp_path / "inner" / "data"


def with_kernels(folder: Path, content: bytes, kernel: str) -> None:
    """Replace a dataset's archive of kernels, and make its manifest agree."""
    import hashlib

    (folder / "kernels.npz").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["kernels_sha256"] = hashlib.sha256(content).hexdigest()
    manifest["pictures"][0]["kernel"] = kernel
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("member", ["../../canary", "/tmp/detbench-canary"])
def test_archives_are_not_unpacked(blurred: Path, tmp_path: Path, member: str) -> None:
    """A kernel whose name in the archive leads out of the folder is read, if at all, in memory: no file appears."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        kernel = io.BytesIO()
        np.save(kernel, np.ones((1, 1)))
        archive.writestr(f"{member}.npy", kernel.getvalue())
    with_kernels(blurred, stream.getvalue(), member)
    before = sorted(tmp_path.rglob("*"))
    assert len(list(open_dataset(str(blurred)))) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/tmp/detbench-canary.npy").exists()


def test_an_archive_of_zeros_is_refused(blurred: Path) -> None:
    """A kernel that a few kilobytes unpack to a gigabyte is refused before it is unpacked."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.npy", "w") as member:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (11585, 11585)})
        member.write(header.getvalue())
        for _ in range(40):
            member.write(bytes(1 << 20))
    with_kernels(blurred, stream.getvalue(), "1")
    with little_memory(), pytest.raises(DataError, match=r"kernel '1' cannot be used .it has .* bytes, more"):
        list(open_dataset(str(blurred)))


def test_a_baseline_of_zeros_is_refused(tmp_path: Path) -> None:
    """An array of a baseline that unpacks to more than it says, or says more than any run has, is refused."""
    bomb = base64.b64encode(zlib.compress(bytes(1 << 28), 9)).decode()
    for shape in ([7], [1 << 40], [-1]):
        array = {"dtype": "<u4", "shape": shape, "zlib": bomb}
        content = {
            "format": "detbench baseline 1", "ground": {}, "definitions": {}, "image_ids": [], "values": {},
            "evidence": {"blurred": {"picture": array}},
        }  # fmt: skip
        file = tmp_path / "baseline.json"
        file.write_text(json.dumps({**content, "sha256": digest(content)}))
        with little_memory(), pytest.raises(NotEvaluableError, match="no baseline, or a damaged one"):
            read_baseline(file)


def test_a_yaml_that_multiplies_is_refused(drawn_dataset: Path, tmp_path: Path) -> None:
    """References, by which a page of YAML stands for more than any memory holds, are refused, as lists and as keys."""
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    merged = "\n".join(f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 9)}]}}" for n in range(1, 30))
    for bomb in (f"a0: &a0 [x]\n{levels}\nnames: *a29\n", f"b0: &b0 {{x: 1}}\n{merged}\nnames: *b29\n"):
        (tmp_path / "data.yaml").write_text(f"{bomb}val: images\n")
        with little_memory(), pytest.raises(DataError, match="refers to another place"):
            open_dataset(f"yolo:{tmp_path}")
    (tmp_path / "data.yaml").write_text(f"names: [{'a, ' * 200_000}]\nval: images\n")
    with pytest.raises(DataError, match=r"characters; a data\.yaml has no more than"):
        open_dataset(f"yolo:{tmp_path}")


@pytest.mark.parametrize("claimed", [1 << 27, 1 << 40, (1 << 64) - 1])
def test_a_safetensors_header_is_capped(tmp_path: Path, claimed: int) -> None:
    """A file that claims a header of more than 100 MB, or more than it has, is refused at once."""
    file = tmp_path / "weights.safetensors"
    file.write_bytes(struct.pack("<Q", claimed) + b'{"a":' + b" " * 1000)
    with little_memory(), pytest.raises(WeightsError, match="damaged or no safetensors"):
        weights_metadata(file)
    with little_memory(), pytest.raises(WeightsError, match="damaged or no safetensors"):
        load_weights(nn.Conv2d(1, 1, 1), file, "conv")


@pytest.mark.parametrize("name", ["pictures", "detections"])
def test_a_run_writes_through_no_link(tmp_path: Path, name: str) -> None:
    """A run folder in which a folder leads elsewhere is refused: the files there are neither replaced nor removed."""
    elsewhere, job = tmp_path / "elsewhere", tmp_path / "job"
    elsewhere.mkdir()
    job.mkdir()
    (elsewhere / "mine.jpg").write_text("mine")
    (job / name).symlink_to(elsewhere)
    with pytest.raises(OutputError, match=rf"{name} leads elsewhere: remove the link"):
        RunFolder(job).check_writable()
    assert [path.read_text() for path in elsewhere.iterdir()] == ["mine"]


def test_a_file_that_leads_elsewhere_is_replaced(tmp_path: Path) -> None:
    """A result that is a link becomes a file of its own, and what it led to stays."""
    target, job = tmp_path / "target", tmp_path / "job"
    target.write_text("mine")
    job.mkdir()
    (job / "truth.json").symlink_to(target)
    RunFolder(job).write_json("truth.json", {})
    assert target.read_text() == "mine"
    assert not (job / "truth.json").is_symlink()


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_no_test_reaches_the_network() -> None:
    """Sockets to other machines are blocked for the whole suite: what passes here needs no network."""
    with pytest.raises(SocketBlockedError):
        socket.create_connection(("192.0.2.1", 9), timeout=1)


def test_the_message_of_a_hostile_name_can_be_printed(drawn_dataset: Path, tmp_path: Path) -> None:
    """A name of half a character, which no terminal takes, is refused in words that one does."""
    place = Path(shutil.copytree(drawn_dataset, tmp_path / "data"))
    document = json.loads((place / "annotations.json").read_text())
    document["categories"][0]["name"] = "car \ud800"
    (place / "annotations.json").write_text(json.dumps(document))
    with pytest.raises(DetbenchError, match="name is") as refused:
        open_dataset(str(place))
    str(refused.value).encode()

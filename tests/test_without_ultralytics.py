"""An installation without the extra `yolo`: every command works but those that are of YOLO, and these say why not.

The commands run in one process whose packages are those of this one, by links, but ultralytics: nothing of it can be
imported, and no metadata says that it is there.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torchvision import models

CHECKOUT = Path(__file__).parents[1]

RECIPE = """
vgg_weight = 0
l1_weight = 100
epochs = 1
decay_epochs = 0
epoch_steps = 1
batch = 1
critic_steps = 0
crop_px = 32
held_out_px = 32
held_out_crops = 1
held_out_pictures = 1
"""

DRIVER = """
import contextlib, io, json, sys
from detbench.cli.main import main

said = {}
for name, words in json.load(open("commands.json")).items():
    sys.argv = ["detbench", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code
    said[name] = {"code": int(code or 0), "out": out.getvalue(), "err": err.getvalue()}
import detbench
arms = detbench.evaluate("blurred", ["identity"], "blobs", limit=2).run.arms
said["evaluate"] = {arm.name: arm.metrics["map"].value for arm in arms}
said["imported"] = sorted(name for name in sys.modules if name.partition(".")[0] == "ultralytics")
json.dump(said, open("said.json", "w"))
"""

RUN = ("run", "--deblurrer", "identity", "--dataset", "blurred")
TRAIN = ("--data", "blurred", "--workers", "0", "--device", "cpu", "--recipe", "recipe.toml")
WORKING: Mapping[str, tuple[str, ...]] = {
    "blur": ("blur", "drawn", "--out", "blurred"),
    "run": (*RUN, "--detector", "blobs", "--name", "first"),
    "pseudo": (*RUN, "--detector", "blobs", "--name", "second", "--truth", "pseudo", "--limit", "2"),
    "torchvision": (
        *(*RUN, "--limit", "2", "--detector"),
        "torchvision:ssdlite320_mobilenet_v3_large,weights=ssd.pth,classes=names.txt",
    ),
    "report": ("report", "reports/first"),
    "gate": ("gate", "reports/first", "--baseline", "reports/first"),
    "baseline": ("baseline", "reports/first", "--out", "baseline.json"),
    "power": ("power", "reports/first"),
    "compare": (
        *("compare", "reports/first/truth.json", "reports/first/detections/sharp.json"),
        "reports/first/detections/blurred.json",
    ),
    "deblur": ("deblur", "drawn/images/drawn-01.png", "--deblurrer", "pix2pix", "--out", "restored"),
    "convert": ("convert", "drawn", "--to", "yolo", "--out", "converted"),
    "train": ("train", "deblurgan", *TRAIN, "--out", "trained"),
    "list": ("list",),
    "doctor": ("doctor",),
    "cache": ("cache", "info"),
    "help": ("--help",),
}
REFUSED: Mapping[str, tuple[str, ...]] = {
    "default": RUN,
    "checkpoint": (*RUN, "--detector", "yolov8n.pt"),
    "train yolov8": ("train", "yolov8", "--data", "drawn", "--out", "yolo"),
    "train nafnet": ("train", "nafnet", *TRAIN, "--out", "nafnet"),
}


@pytest.fixture(scope="module")
def said(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """Exit code, stdout and stderr of each command."""
    folder = tmp_path_factory.mktemp("without")
    lent = folder / "lent"
    lent.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith("ultralytics"):
            (lent / package.name).symlink_to(package)
    shutil.copytree(drawn_dataset, folder / "drawn")
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "names.txt").write_text("red disc\ngreen disc\nblue square\n")
    net = models.get_model("ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=4)
    torch.save(net.state_dict(), folder / "ssd.pth")
    (folder / "commands.json").write_text(json.dumps({**WORKING, **REFUSED}))
    environment = {
        **os.environ,
        "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{lent}",
        "DETBENCH_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    # -S: without the folders in which packages usually are.
    command = [sys.executable, "-S", "-c", DRIVER]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, object]] = json.loads((folder / "said.json").read_text())
    return found


@pytest.mark.parametrize("name", WORKING)
def test_it_works(said: dict[str, dict[str, object]], name: str) -> None:
    """Exit code 0."""
    assert said[name]["code"] == 0, said[name]["err"]


@pytest.mark.parametrize("name", REFUSED)
def test_it_says_what_is_missing(said: dict[str, dict[str, object]], name: str) -> None:
    """One message with exit code 2: what is missing, and the command that brings it."""
    assert said[name]["code"] == 2
    message = str(said[name]["err"])
    assert "needs ultralytics, which is not installed: pip install 'detbench[yolo]'" in message
    assert "AGPL-3.0" in message
    assert "Traceback" not in message


def test_the_default_detector_names_others(said: dict[str, dict[str, object]]) -> None:
    """A run without `--detector`, and one with a published checkpoint, say which detectors work."""
    for name in ("default", "checkpoint"):
        assert "These detectors do without: torchvision:MODEL, onnx:FILE, recorded:FOLDER" in str(said[name]["err"])


def test_a_training_says_how_it_does_without(said: dict[str, dict[str, object]]) -> None:
    """NAFNet's own recipe has a detector in its loss; DeblurGAN's has none, and leaves out the held-out mAP alone."""
    assert "a recipe with detector_weight = 0 does without" in str(said["train nafnet"]["err"])
    assert "no mAP of held-out pictures: YOLO needs ultralytics" in str(said["train"]["err"])


def test_list_and_doctor_say_so(said: dict[str, dict[str, object]]) -> None:
    """YOLO is listed as missing with what brings it, blobs as ready; doctor finds the weights alone under AGPL."""
    listed = [" ".join(line.split()) for line in str(said["list"]["out"]).splitlines()]
    for name in ("yolov8", "yolov8-blur", "FILE.pt", "FILE.safetensors"):
        assert f"{name} missing lacks ultralytics: pip install 'detbench[yolo]'" in listed
    assert any(line.startswith("blobs ready") for line in listed)
    doctor = [" ".join(line.split()) for line in str(said["doctor"]["out"]).splitlines()]
    assert any(line.startswith("ultralytics ok not installed; pip install 'detbench[yolo]'") for line in doctor)
    assert "AGPL-3.0 models/yolov8n-streets, models/yolov8n-streets-blur" in doctor


def test_python_works(said: dict[str, dict[str, object]]) -> None:
    """`detbench.evaluate` measures with another detector; nothing of ultralytics was imported on the way."""
    assert 0 < said["evaluate"]["blurred"] < said["evaluate"]["sharp"]  # type: ignore[operator]
    assert said["imported"] == []

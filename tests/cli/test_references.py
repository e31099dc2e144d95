"""Deblurrers and detectors that are named by what they are made of, on the command line."""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision import models

from detbench.core.paths import shipped
from detbench.detectors.ultralytics_safely import ultralytics
from detbench.nets.deblurgan import Generator
from detbench.nets.weights import load_weights

Run = Callable[..., Any]

SHARPEN = """
import sys
from PIL import Image, ImageFilter
Image.open(sys.argv[1]).filter(ImageFilter.UnsharpMask(2, 80, 0)).save(sys.argv[2])
"""
MODULE = """
from PIL import Image, ImageFilter
import numpy as np

def sharpen(blurred):
    return np.asarray(Image.fromarray(blurred).filter(ImageFilter.UnsharpMask(2, 80, 0)))
"""


def metrics_of(said: Any) -> dict[str, float | None]:
    """The headline numbers of a successful command."""
    assert said.code == 0, said.err
    return json.loads((Path(said.out.splitlines()[-1]) / "metrics.json").read_text())


def test_one_filter_as_a_program_and_as_python(drawn_run: Run, tmp_path: Path) -> None:
    """The same filter as a command and as an imported function gives the same numbers, not blur's."""
    (tmp_path / "tool.py").write_text(SHARPEN)
    (tmp_path / "their_filters.py").write_text(MODULE)
    command = f"tool=command:timeout=60 {sys.executable} {tmp_path / 'tool.py'} {{input}} {{output}}"
    path = sys.path.copy()
    try:
        metrics = metrics_of(drawn_run("--limit", "3", deblurrers=(command, "python:their_filters:sharpen")))
    finally:
        sys.path[:] = path
    for key in ("map", "psnr_db", "ssim", "harm"):
        assert metrics[f"tool.{key}"] == metrics[f"python-sharpen.{key}"]
    assert metrics["tool.map"] != metrics["blurred.map"]


def test_a_failing_program_names_its_arm(drawn_run: Run, tmp_path: Path) -> None:
    """What a program said last reaches the user, and the exit code is that of a failed arm."""
    (tmp_path / "tool.py").write_text("import sys; sys.exit('no weights at model.pth')")
    said = drawn_run(deblurrers=(f"command:{sys.executable} {tmp_path / 'tool.py'} {{input}} {{output}}",))
    assert said.code == 4
    assert "failed with exit code 1: no weights at model.pth" in said.err
    assert "Traceback" not in said.err


def test_deblurgan_as_onnx_gives_the_native_arms_numbers(drawn_run: Run, tmp_path: Path) -> None:
    """An export of the shipped DeblurGAN is judged as the built-in one is: mAP to .001, PSNR to .01 dB."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    net = Generator().eval()
    load_weights(net, shipped("models") / "deblurgan", "deblurgan")
    height, width = torch.export.Dim("height", min=2, max=2048), torch.export.Dim("width", min=2, max=2048)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapes = ({2: 4 * height, 3: 4 * width},)
        program = torch.export.export(net, (torch.rand(1, 3, 32, 24),), dynamic_shapes=shapes)
        torch.onnx.export(program, external_data=False, verbose=False).save(tmp_path / "mine.onnx")  # type: ignore[union-attr]
    words = ("deblurgan", f"onnx:{tmp_path / 'mine.onnx'},range=-1..1,multiple=4")
    metrics = metrics_of(drawn_run("--limit", "3", deblurrers=words))
    native, exported = (
        {key: metrics[f"{arm}.{key}"] for key in ("map", "harm", "psnr_db")} for arm in ("deblurgan", "onnx-mine")
    )
    assert exported["map"] == pytest.approx(native["map"], abs=0.001)
    assert exported["harm"] == pytest.approx(native["harm"], abs=0.001)
    assert exported["psnr_db"] == pytest.approx(native["psnr_db"], abs=0.01)
    assert native["map"] > 0.1  # type: ignore[operator]
    assert native["psnr_db"] != metrics["blurred.psnr_db"]


DRAWN_CLASSES = ("red disc", "green disc", "blue square")


def save_torchvision(folder: Path) -> str:
    """An untrained SSDlite that knows three of the drawn classes, as a word of the command line."""
    net = models.get_model("ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=4)
    torch.save(net.state_dict(), folder / "ssd.pth")
    (folder / "names.txt").write_text("\n".join(DRAWN_CLASSES))
    return f"torchvision:ssdlite320_mobilenet_v3_large,weights={folder / 'ssd.pth'},classes={folder / 'names.txt'}"


def save_rtdetr(folder: Path) -> str:
    """An untrained RT-DETR that knows three of the drawn classes, as a checkpoint of ultralytics."""
    model = ultralytics.RTDETR("rtdetr-l.yaml")
    model.model = ultralytics.nn.tasks.RTDETRDetectionModel("rtdetr-l.yaml", nc=3, verbose=False)
    model.model.names = dict(enumerate(DRAWN_CLASSES))
    model.save(folder / "rtdetr.pt")
    return str(folder / "rtdetr.pt")


@pytest.mark.parametrize("save", [save_torchvision, save_rtdetr])
def test_other_detectors_run_by_the_same_command(
    detbench: Run, drawn_dataset: Path, tmp_path: Path, save: Callable[[Path], str]
) -> None:
    """torchvision's detectors and RT-DETR are judged like any other; boxes stay in the picture, classes keep their
    names.
    """
    torch.manual_seed(5)
    words = ["--deblurrer", "identity", "--dataset", drawn_dataset, "--blur", "trajectory", "--limit", "1"]
    said = detbench("run", *words, "--detector", save(tmp_path))
    assert said.code == 0, said.err
    assert "always missed: yellow square" in said.err
    found = json.loads((Path(said.out.splitlines()[-1]) / "detections" / "sharp.json").read_text())
    assert 0 < len(found) <= 100
    assert {result["category_id"] for result in found} <= {1, 2, 3}
    assert all(x >= 0 and y >= 0 and x + w <= 320.001 and y + h <= 240.001 for x, y, w, h in (r["bbox"] for r in found))

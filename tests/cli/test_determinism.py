"""The same question has the same answer: byte for byte on one machine, closely whatever the number of threads."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from detbench.core.paths import shipped
from detbench.metrics.quality import psnr_db
from detbench.nets.deblurgan import Generator
from detbench.nets.weights import load_weights

Run = Callable[..., Any]


@pytest.fixture
def timeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes any time or memory: what two runs measure differently."""
    monkeypatch.setattr("detbench.evaluation.measure.steps.time", SimpleNamespace(perf_counter=lambda: 0.0))
    monkeypatch.setattr("detbench.evaluation.measure.steps.peak_of", lambda use: (use(), None))


def folder_of(said: Any) -> Path:
    """The run folder that a successful command printed last."""
    assert said.code == 0, said.err
    return Path(said.out.splitlines()[-1])


def metrics_of(said: Any) -> bytes:
    """The bytes of a run's metrics.json."""
    return (folder_of(said) / "metrics.json").read_bytes()


@pytest.mark.usefixtures("timeless")
def test_the_same_command_gives_the_same_bytes(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that share no finished work write the same files, byte for byte."""
    written = []
    for cache in ("one", "two"):
        monkeypatch.setenv("DETBENCH_CACHE", cache)
        folder = folder_of(drawn_run("--limit", "3", "--resamples", "50", "--name", "job", deblurrers=("wiener",)))
        written.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
        shutil.rmtree(folder)
    assert written[0] == written[1]


@pytest.mark.usefixtures("timeless")
def test_the_order_of_the_input_changes_nothing(drawn_run: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """Pictures, boxes and classes listed in another order, and deblurrers named in another, give the same numbers."""
    words = ("--resamples", "50")
    before = metrics_of(drawn_run(*words, deblurrers=("wiener", "identity")))
    shuffled = Path(shutil.copytree(drawn_dataset, tmp_path / "shuffled"))
    document = json.loads((shuffled / "annotations.json").read_text())
    for kind in ("images", "annotations", "categories"):
        random.Random(3).shuffle(document[kind])
    (shuffled / "annotations.json").write_text(json.dumps(document))
    assert metrics_of(drawn_run(*words, "--dataset", shuffled, deblurrers=("wiener", "identity"))) == before
    swapped = json.loads(metrics_of(drawn_run(*words, deblurrers=("identity", "wiener"))))
    assert swapped == json.loads(before)


@pytest.mark.usefixtures("timeless")
def test_threads_change_next_to_nothing(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """DeblurGAN on one thread and on two: mAP within .0001 and PSNR within .001 dB."""
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            monkeypatch.setenv("DETBENCH_CACHE", f"threads-{threads}")
            words = ("--limit", "2", "--resamples", "0", "--device", "cpu", "--precision", "fp32")
            words += ("--name", f"threads-{threads}")
            found.append(json.loads(metrics_of(drawn_run(*words, deblurrers=("deblurgan",)))))
    finally:
        torch.set_num_threads(before)
    assert found[0]["deblurgan.map"] == pytest.approx(found[1]["deblurgan.map"], abs=1e-4)
    assert found[0]["deblurgan.psnr_db"] == pytest.approx(found[1]["deblurgan.psnr_db"], abs=1e-3)
    assert found[0]["deblurgan.harm"] == pytest.approx(found[1]["deblurgan.harm"], abs=1e-4)


def test_a_batch_changes_next_to_nothing() -> None:
    """DeblurGAN gives sixteen pictures at once what it gives each alone: PSNR within .001 dB. A run goes one by one."""
    net = Generator().eval()
    load_weights(net, shipped("models") / "deblurgan", "deblurgan")
    rng = np.random.default_rng(5)
    sharp = rng.integers(0, 256, (16, 8, 10, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    blurred = np.stack([cv2.blur(picture, (5, 5)) for picture in sharp])
    pictures = torch.tensor(blurred).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        together, alone = net(pictures), torch.cat([net(picture[None]) for picture in pictures])
    levels = [
        ((restored + 1) * 127.5).round().clip(0, 255).byte().permute(0, 2, 3, 1).numpy()
        for restored in (together, alone)
    ]
    for number, original in enumerate(sharp):
        one, other = (psnr_db(restored[number], original) for restored in levels)
        assert one == pytest.approx(other, abs=1e-3)

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from detbench.datasets.coco import CocoFolder
from detbench.detectors.ultralytics_yolo import Yolo
from detbench.errors import TrainingError, UsageError
from detbench.training.yolo_training import YoloEpoch, YoloSchedule, finite_losses, train_yolo

SHORT = YoloSchedule(epochs=3, image_px=128, batch=4)


@pytest.fixture(scope="module")
def trained(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[YoloEpoch]]:
    """Three epochs on the drawn pictures: the folder, and what was logged."""
    out, logged = tmp_path_factory.mktemp("trained"), []
    train_yolo(CocoFolder(drawn_dataset), out, SHORT, "cpu", resume=False, watch=logged.append)
    return out, logged


def test_every_epoch_is_told(trained: tuple[Path, list[YoloEpoch]]) -> None:
    """Epochs come in order with their loss terms by name, which change from epoch to epoch."""
    logged = trained[1]
    assert [(epoch.number, epoch.of) for epoch in logged] == [(1, 3), (2, 3), (3, 3)]
    assert set(logged[0].losses) == {"box_loss", "cls_loss", "dfl_loss"}
    assert logged[0].losses != logged[1].losses != logged[2].losses


def test_the_weights_are_a_detector(trained: tuple[Path, list[YoloEpoch]], drawn_dataset: Path) -> None:
    """The safetensors file alone is a detector that knows the classes, and repeats what the kept checkpoint finds."""
    out = trained[0]
    detector, kept = Yolo(out / "weights.safetensors"), Yolo(out / "training" / "weights" / "best.pt")
    assert detector.classes == kept.classes == ("red disc", "green disc", "blue square", "yellow square")
    picture = next(iter(CocoFolder(drawn_dataset))).blurred.load()
    found, expected = detector(picture), kept(picture)
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-3)


def test_the_card_says_what_was_done(trained: tuple[Path, list[YoloEpoch]], drawn_dataset: Path) -> None:
    """Digest, data and schedule are those of this training."""
    out = trained[0]
    card = tomllib.loads((out / "card.toml").read_text())
    assert card["sha256"] == hashlib.sha256((out / "weights.safetensors").read_bytes()).hexdigest()
    assert card["training"]["data_fingerprint"] == CocoFolder(drawn_dataset).fingerprint
    assert (card["training"]["pictures"], card["held_out"]["pictures"]) == (11, 1)
    assert (card["training"]["epochs"], card["training"]["steps"]) == (3, 9)


def test_an_interrupted_training_goes_on(drawn_dataset: Path, tmp_path: Path) -> None:
    """Stopped after the first epoch, it resumes at the second; the finished one is neither overwritten nor resumed."""
    dataset, out = CocoFolder(drawn_dataset), tmp_path / "out"

    def stop(_epoch: YoloEpoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_yolo(dataset, out, SHORT, "cpu", resume=False, watch=stop)
    assert not (out / "weights.safetensors").exists()
    with pytest.raises(UsageError, match="holds a training already: go on with --resume"):
        train_yolo(dataset, out, SHORT, "cpu", resume=False, watch=stop)
    with pytest.raises(UsageError, match="was begun with epochs 3"):
        train_yolo(dataset, out, replace(SHORT, epochs=4), "cpu", resume=True, watch=stop)
    logged: list[YoloEpoch] = []
    train_yolo(dataset, out, SHORT, "cpu", resume=True, watch=logged.append)
    assert [epoch.number for epoch in logged] == [2, 3]
    with pytest.raises(UsageError, match="holds a finished training"):
        train_yolo(dataset, out, SHORT, "cpu", resume=True, watch=stop)


def test_nothing_to_resume_is_said(drawn_dataset: Path, tmp_path: Path) -> None:
    """`--resume` in an empty folder starts nothing."""
    with pytest.raises(UsageError, match="holds no training to resume"):
        train_yolo(CocoFolder(drawn_dataset), tmp_path, SHORT, "cpu", resume=True, watch=lambda _: None)


def test_it_goes_on_from_weights(trained: tuple[Path, list[YoloEpoch]], drawn_dataset: Path, tmp_path: Path) -> None:
    """With a learning rate of nothing, what comes out is what it was started from, but for running statistics."""
    start = trained[0] / "weights.safetensors"
    schedule = replace(SHORT, epochs=1, learning_rate=0.0, start=start)
    made = train_yolo(CocoFolder(drawn_dataset), tmp_path, schedule, "cpu", resume=False, watch=lambda _: None)
    before, after = safetensors.torch.load_file(start), safetensors.torch.load_file(made.weights)
    assert before.keys() == after.keys()
    assert all(torch.equal(after[key], before[key]) for key in before if key.endswith((".weight", ".bias")))


def test_half_precision_learns_the_same(
    trained: tuple[Path, list[YoloEpoch]], drawn_dataset: Path, tmp_path: Path
) -> None:
    """bfloat16 products change the first epoch's loss by less than two percent."""
    logged: list[YoloEpoch] = []
    schedule = replace(SHORT, precision="bf16")
    train_yolo(CocoFolder(drawn_dataset), tmp_path, schedule, "cpu", resume=False, watch=logged.append)
    first = trained[1][0].losses
    assert sum(logged[0].losses.values()) == pytest.approx(sum(first.values()), rel=0.02)
    assert logged[0].losses != first


def test_a_loss_that_is_not_finite_stops_it() -> None:
    """The term that went wrong is named, and when."""
    assert finite_losses({"box_loss": torch.tensor(2.0)}, 1) == {"box_loss": 2.0}
    with pytest.raises(TrainingError, match="epoch 4: dfl_loss is nan"):
        finite_losses({"box_loss": torch.tensor(2.0), "dfl_loss": torch.tensor(float("nan"))}, 4)

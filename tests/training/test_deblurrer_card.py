import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
import torch

from detbench.core.fingerprints import file_sha256
from detbench.training import deblurrer_card
from detbench.training.architectures import Architecture
from detbench.training.clock import Pace, Timetable
from detbench.training.data.sources import Source, TrainingPicture
from detbench.training.deblurrer_card import card_of
from detbench.training.held_out import HeldOutQuality
from detbench.training.job import TrainingJob
from detbench.training.losses.detector_features import SHIPPED
from detbench.training.recipe import Recipe
from detbench.training.state import State, new_state
from detbench.training.training_plan import TrainingPlan
from detbench.training.training_record import EpochRecord, History
from detbench.training.validation import Comparison

JOB = TrainingJob("small", Recipe(vgg_weight=0, l1_weight=1, held_out_px=64), (Path("photos"),), Path("out"), "cpu")
SOURCES = (Source("photos", "sharp", (TrainingPicture(Path("a.png"), None),) * 3, 2.0),)


@pytest.fixture
def state(make_plan: Callable[..., TrainingPlan], monkeypatch: pytest.MonkeyPatch) -> State:
    """That of a small network after six steps."""
    plan = make_plan()
    small = Architecture(type(plan.generator), None, "a paper's result")
    monkeypatch.setattr(deblurrer_card, "ARCHITECTURES", {"small": small})
    made = new_state(plan, torch.device("cpu"))
    made.step = 6
    return made


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Before the first step, and after six; the second source's mAP is known at the end alone."""
    made = History(tmp_path / "history", 0)
    for step, psnr_db, found in ((0, 20.0, None), (6, 21.123456, 0.33333)):
        blurred = HeldOutQuality(20.5, 0.6, None)
        photos = Comparison(HeldOutQuality(psnr_db, 0.7, 3.0), blurred)
        streets = Comparison(HeldOutQuality(psnr_db + 1, 0.8, 3.0, map=found), blurred, sharp_map=0.51239)
        made.add(EpochRecord(step // 2, step, {"photos": photos, "streets": streets}))
    return made


def test_a_card_has_the_last_epochs_quality(state: State, history: History) -> None:
    """Each source apart, to four digits, with its curve from before the first step; a curve with a gap is left out."""
    held_out = card_of(JOB, SOURCES, history, state, "c0ffee")["held_out"]
    photos, streets = held_out["photos"], held_out["streets"]
    assert photos["restored"] == {"psnr_db": 21.1235, "ssim": 0.7, "checkerboard_db": 3.0, "map": None}
    assert (photos["blurred"]["psnr_db"], photos["sharp"], photos["crop_px"]) == (20.5, None, 64)
    assert photos["by_epoch"] == {"step": [0, 6], "psnr_db": [20.0, 21.1235], "ssim": [0.7, 0.7], "map": None}
    assert (streets["restored"]["map"], streets["sharp"]) == (0.3333, {"map": 0.5124})
    assert streets["by_epoch"]["psnr_db"] == [21.0, 22.1235]
    assert streets["by_epoch"]["map"] is None


def test_a_card_says_what_was_trained_on_what(state: State, history: History) -> None:
    """Architecture, digest, size of the network, sources with their weights, steps and epochs."""
    card = card_of(JOB, SOURCES, history, state, "c0ffee")
    assert (card["architecture"], card["sha256"], card["paper"]) == ("small", "c0ffee", "a paper's result")
    assert card["cost"]["parameters"] == (3 * 9 + 1) * 8 + (8 * 9 + 1) * 3
    training = card["training"]
    assert training["data"] == [{"name": "photos", "kind": "sharp", "pictures": 3, "weight": 2.0}]
    assert (training["steps"], training["epochs_done"], training["fraction"]) == (6, 3, "1")
    assert (training["start"], training["laid_out"]) == (None, None)


def test_a_card_repeats_a_training_by_the_clock(state: State, history: History) -> None:
    """Its recipe has the steps that were laid out last, and lists as TOML has them; each layout stands beside it."""
    assert card_of(JOB, SOURCES, history, state, "c0ffee")["training"]["recipe"]["steps"] is None
    state.timetable = Timetable(((0, 900), (300, 700)), 10, Pace(((0.0, 1.0),), 1.0), 0.0)
    training = card_of(replace(JOB, minutes=10), SOURCES, history, state, "c0ffee")["training"]
    assert (training["recipe"]["steps"], training["minutes"]) == (700, 10)
    assert training["recipe"]["betas"] == [0.5, 0.999]
    assert training["laid_out"] == [{"step": 0, "steps": 900}, {"step": 300, "steps": 700}]


def test_a_card_names_the_networks_of_its_losses(state: State, history: History, tmp_path: Path) -> None:
    """Those of this training, then those of the one whose weights it began with, none of them twice."""
    shipped = {"name": SHIPPED.parent.name, "sha256": file_sha256(SHIPPED)}
    earlier = {"name": "cars", "sha256": hashlib.sha256(b"cars").hexdigest()}
    start = tmp_path / "weights.safetensors"
    start.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "card.toml").write_text(tomli_w.dumps({"sha256": digest, "trained_with": [earlier, shipped]}))
    with_detector = replace(JOB, recipe=replace(JOB.recipe, detector_weight=1))
    for job, expected in (
        (JOB, []),
        (with_detector, [shipped]),
        (replace(JOB, start=start), [earlier, shipped]),
        (replace(with_detector, start=start), [shipped, earlier]),
    ):
        assert card_of(job, SOURCES, history, state, "c0ffee")["trained_with"] == expected
    assert card_of(replace(JOB, start=start), SOURCES, history, state, "c0ffee")["training"]["start"] == digest

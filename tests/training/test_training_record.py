import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.training import training_record
from detbench.training.held_out import HeldOutQuality
from detbench.training.training_record import (
    EpochRecord,
    History,
    IntervalRecord,
    Record,
    Scalars,
    StepLog,
    write_pictures,
)
from detbench.training.validation import Comparison

BLURRED = HeldOutQuality(22.0, 0.61, 3.1, map=0.25)
STREETS = Comparison(HeldOutQuality(21.456, 0.6, 3.0, map=0.3), BLURRED, sharp_map=0.5)
UNKNOWN = Comparison(HeldOutQuality(None, None, None), HeldOutQuality(None, 0.5, None))


class Noted(Scalars):
    """Notes the numbers that go to TensorBoard."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, Mapping[str, float]]] = []

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Note a step's."""
        self.noted.append((step, values))


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Four epochs of two steps, the first before any step."""
    made = History(tmp_path, 0)
    for number in range(5):
        if number:
            made.add(IntervalRecord(number, 2 * number, 0.5, 1e-4, {"G_L1": 1 / number}))
        made.add(EpochRecord(number, 2 * number, {"photos": UNKNOWN, "streets": STREETS}))
    return made


def test_a_history_comes_back_as_it_was(history: History, tmp_path: Path) -> None:
    """From its file, numbers to the last bit, and what is undefined as None."""
    again = History(tmp_path, 8)
    assert again.intervals == history.intervals
    assert again.epochs == history.epochs
    assert again.intervals[2].terms == {"G_L1": 1 / 3}
    assert again.epochs[4].held_out == {"photos": UNKNOWN, "streets": STREETS}


def test_a_resumed_history_forgets_what_was_lost(history: History, tmp_path: Path) -> None:
    """Records after the checkpoint's step are dropped, in the file too; what is added follows what was kept."""
    resumed = History(tmp_path, 4)
    assert resumed.intervals == history.intervals[:2]
    assert resumed.epochs == history.epochs[:3]
    resumed.add(IntervalRecord(3, 6, 0.5, 1e-4, {"G_L1": 0.5}))
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 2, 2, 4, 4, 6]


def test_an_interval_is_the_mean_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four steps in 8 s, 2 s of which were no steps', took 1.5 s each; a term is the mean where it was. Then anew."""
    now = 108.0
    monkeypatch.setattr(training_record.time, "perf_counter", lambda: now)
    log = StepLog(begun=100.0)
    for terms in ({"G_L1": 1.0}, {"G_L1": 2.0}, {"G_L1": 3.0, "D_real": -1.0}, {"G_L1": 6.0, "D_real": -2.0}):
        log.add(terms)
    log.skip(2)
    assert log.interval(1, 4, 1e-4) == IntervalRecord(1, 4, 1.5, 1e-4, {"G_L1": 3.0, "D_real": -1.5})
    log.add({"G_L1": 7.0})
    now = 109.0
    assert log.interval(2, 5, 1e-4) == IntervalRecord(2, 5, 1.0, 1e-4, {"G_L1": 7.0})


def test_lines_and_scalars_have_the_numbers(tmp_path: Path) -> None:
    """Line by line as a user reads them; TensorBoard gets what is defined, blurred beside restored."""
    said: list[str] = []
    scalars = Noted()
    record = Record(History(tmp_path, 0), scalars, said.append)
    record.add_epoch(EpochRecord(0, 0, {"photos": UNKNOWN}), None)
    record.add_interval(IntervalRecord(2, 40, 0.25, 1e-4, {"G_L1": 0.123456, "D_real": -1.0}), 3)
    record.add_epoch(EpochRecord(2, 40, {"streets": STREETS}), 3)
    assert said == [
        "epoch 0 held out, photos: no PSNR SSIM –; blurred: no PSNR SSIM 0.5000",
        "epoch 2/3 iteration 40 0.250 s/iteration rate 0.0001: G_L1 0.1235 D_real -1",
        "epoch 2/3 held out, streets: 21.46 dB SSIM 0.6000 mAP 0.300; blurred: 22.00 dB SSIM 0.6100 mAP 0.250; "
        "sharp: mAP 0.500",
    ]
    assert scalars.noted[:3] == [
        (0, {}),
        (0, {"held out/photos ssim blurred": 0.5}),
        (40, {"loss/G_L1": 0.123456, "loss/D_real": -1.0, "rate": 1e-4, "seconds per iteration": 0.25}),
    ]
    assert scalars.noted[3][1]["held out/streets map restored"] == 0.3
    assert scalars.noted[4][1]["held out/streets psnr_db blurred"] == 22.0


def test_three_pictures_are_kept(tmp_path: Path) -> None:
    """The first three of four, numbered from 0, each a JPEG of its size and colour."""
    write_pictures(tmp_path, "real", [np.full((16, 24, 3), level, np.uint8) for level in (40, 80, 120, 160)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["real-0.jpg", "real-1.jpg", "real-2.jpg"]
    for number, level in enumerate((40, 80, 120)):
        with PillowImage.open(tmp_path / f"real-{number}.jpg") as picture:
            assert picture.size == (24, 16)
            assert np.abs(np.asarray(picture).astype(int) - level).max() <= 1

import json
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from detbench.nets.cost import Cost
from detbench.training import deblurrer_card
from detbench.training.architectures import Architecture
from detbench.training.data.sources import find_sources
from detbench.training.job import TrainingJob
from detbench.training.recipe import Recipe
from detbench.training.reporting import Reporter
from detbench.training.schedule import Schedule
from detbench.training.state import State, new_state
from detbench.training.training_plan import TrainingPlan

CPU = torch.device("cpu")
RECIPE = Recipe(
    vgg_weight=0, l1_weight=1, held_out_px=32, held_out_crops=2, log_steps=3, blurs=("trajectory:length_px=12",)
)
TWO_EPOCHS = Schedule(flat_steps=4, decay_steps=0, warm_up_steps=0, critic_steps=0, epochs=2)

MakeReporter = Callable[[int], tuple[Reporter, State]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of the training."""
    return tmp_path / "out"


@pytest.fixture
def make_reporter(
    photos: Path, out: Path, make_plan: Callable[..., TrainingPlan], monkeypatch: pytest.MonkeyPatch
) -> MakeReporter:
    """Makes the reporter of a small training on photos that has taken some steps, without TensorBoard."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    small = Architecture(type(make_plan().generator), None, "a paper's result")
    monkeypatch.setattr(deblurrer_card, "ARCHITECTURES", {"small": small})
    # Counting operations takes longer than all that is reported here.
    monkeypatch.setattr(deblurrer_card, "cost_of", lambda *_, **__: Cost(0, 0.0))

    def make(step: int) -> tuple[Reporter, State]:
        plan = make_plan()
        state = new_state(plan, CPU)
        state.step = step
        sources = find_sources([photos], None, Fraction(1))
        job = TrainingJob("small", RECIPE, (photos,), out, "cpu")
        return Reporter(job, sources, sources, plan, state, CPU, lambda _line: None), state

    return make


def records(out: Path) -> list[dict[str, Any]]:
    """Those of the history's file."""
    return [json.loads(line) for line in (out / "training" / "history.jsonl").read_text().splitlines()]


def steps(reporter: Reporter, state: State, last: int, joins_after: int | None = None) -> None:
    """Take steps up to the last, each with a loss of its number."""
    while state.step < last:
        state.step += 1
        reporter.report_step({"G_L1": float(state.step)}, TWO_EPOCHS, state.step == joins_after)


def test_steps_are_logged_and_epochs_validated(make_reporter: MakeReporter, out: Path) -> None:
    """Of four steps in two epochs: lines at the ends, 2 and 4, and at 3, as the recipe says, with the means between."""
    reporter, state = make_reporter(0)
    reporter.begin(2)
    steps(reporter, state, 4)
    lines = [(each["epoch"], each["step"], each["terms"]) for each in records(out) if "terms" in each]
    assert lines == [(1, 2, {"G_L1": 1.5}), (2, 3, {"G_L1": 3.0}), (2, 4, {"G_L1": 4.0})]
    assert [each["learning_rate"] for each in records(out) if "terms" in each] == [1e-3] * 3
    assert [(each["epoch"], each["step"]) for each in records(out) if "held_out" in each] == [(0, 0), (1, 2), (2, 4)]
    kept = {
        f"{name}-{crop}.jpg" for name in ("original", "real", *(f"epoch-000{n}" for n in range(3))) for crop in (0, 1)
    }
    assert {file.name for file in (out / "training" / "pictures").iterdir()} == kept


def test_the_critic_joins_in_the_middle_of_an_epoch(make_reporter: MakeReporter, out: Path) -> None:
    """Weights and card of that step are kept, and stay as they were when later ones are written."""
    reporter, state = make_reporter(0)
    steps(reporter, state, 1, joins_after=1)
    kept = {name: (out / name).read_bytes() for name in ("weights-content.safetensors", "card-content.toml")}
    assert kept["weights-content.safetensors"] == (out / "weights.safetensors").read_bytes()
    assert [(each["epoch"], each["step"]) for each in records(out) if "held_out" in each] == [(0, 1)]
    state.average.get_parameter("enter.weight").data.add_(1)
    steps(reporter, state, 2)
    assert kept["weights-content.safetensors"] != (out / "weights.safetensors").read_bytes()
    assert kept == {name: (out / name).read_bytes() for name in kept}


def test_the_average_is_what_is_written(make_reporter: MakeReporter, out: Path) -> None:
    """Not the generator, which is elsewhere; the held-out pictures are restored by the average too."""
    reporter, state = make_reporter(0)
    reporter.begin(2)
    for parameter in state.generator.parameters():
        parameter.data.add_(1)
    reporter.begin(2)
    written = safetensors.torch.load_file(out / "weights.safetensors")["enter.weight"]
    assert torch.equal(written, state.average.get_parameter("enter.weight").half())
    before, after = (each["held_out"] for each in records(out))
    assert before == after


def test_a_resumed_training_has_each_record_once(make_reporter: MakeReporter, out: Path) -> None:
    """Begun again before any step, the beginning is reported again; resumed at 2, what was written after it is gone."""
    reporter, state = make_reporter(0)
    reporter.begin(2)
    reporter, state = make_reporter(0)
    assert records(out) == []
    reporter.begin(2)
    steps(reporter, state, 3)
    make_reporter(2)
    assert [each["step"] for each in records(out)] == [0, 2, 2]


def test_timing_a_validation_writes_nothing(make_reporter: MakeReporter, out: Path) -> None:
    """It takes what the clock says, here 7 s, and leaves no record of it."""
    reporter, _ = make_reporter(0)
    moments = iter((100.0, 107.0))
    assert reporter.validation_s(lambda: next(moments)) == 7
    assert records(out) == []
    assert not (out / "weights.safetensors").exists()

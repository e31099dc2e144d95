import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from detbench.errors import TrainingError
from detbench.training.state import State, new_state
from detbench.training.training_checkpoints import load_checkpoint, save_checkpoint
from detbench.training.training_plan import TrainingPlan

CPU = torch.device("cpu")


def used_state(plan: TrainingPlan) -> State:
    """A state as after many steps: moments of the size of real ones, an average beside the generator."""
    state = new_state(plan, CPU)
    generator = torch.Generator().manual_seed(1)
    state.step = 1200
    for key, tensor in state.tensors().items():
        noise = torch.randn(tensor.shape, generator=generator)
        if key.startswith(("generator.", "critic.")):
            tensor.data.add_(1e-4 * noise)
        elif "exp_avg_sq" in key:
            tensor.copy_((1e-3 * noise).square())
        elif "exp_avg" in key:
            tensor.copy_(1e-3 * noise)
        elif key.endswith("_step"):
            tensor.fill_(1200)
    return state


@pytest.fixture
def make_state(make_plan: Callable[..., TrainingPlan]) -> Callable[[], State]:
    """Makes the state of a small training, used."""
    return lambda: used_state(make_plan())


def test_a_state_comes_back_exactly(
    make_state: Callable[[], State], make_plan: Callable[..., TrainingPlan], tmp_path: Path
) -> None:
    """Every tensor to the last bit, and the step."""
    state, fresh = make_state(), new_state(make_plan(), CPU)
    save_checkpoint(state, tmp_path)
    load_checkpoint(fresh, tmp_path)
    assert fresh.step == 1200
    assert all(torch.equal(fresh.tensors()[key], tensor) for key, tensor in state.tensors().items())


def test_a_checkpoint_in_several_files_comes_back(
    make_state: Callable[[], State], make_plan: Callable[..., TrainingPlan], tmp_path: Path
) -> None:
    """As earlier versions wrote it: the JSON names each file and says that none is packed."""
    state, fresh = make_state(), new_state(make_plan(), CPU)
    tensors = list(state.tensors().items())
    pieces = {}
    for number, part in enumerate((tensors[:5], tensors[5:])):
        data = safetensors.torch.save({key: tensor.detach().contiguous() for key, tensor in part})
        (tmp_path / f"state-{number}.safetensors").write_bytes(data)
        pieces[f"state-{number}.safetensors"] = hashlib.sha256(data).hexdigest()
    (tmp_path / "checkpoint.json").write_text(json.dumps({"step": 1200, "packed": False, "pieces": pieces}))
    load_checkpoint(fresh, tmp_path)
    assert fresh.step == 1200
    assert all(torch.equal(fresh.tensors()[key], tensor) for key, tensor in state.tensors().items())


def test_the_last_checkpoint_stays_whole(
    make_state: Callable[[], State],
    make_plan: Callable[..., TrainingPlan],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A save that breaks off leaves the one before; a save that succeeds leaves nothing else."""
    state, fresh = make_state(), new_state(make_plan(), CPU)
    save_checkpoint(state, tmp_path)
    state.step = 1300
    with monkeypatch.context() as patch:
        patch.setattr("detbench.training.training_checkpoints.json.dumps", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save_checkpoint(state, tmp_path)
    load_checkpoint(fresh, tmp_path)
    assert fresh.step == 1200
    save_checkpoint(state, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.json", "state-000001300-0.safetensors"]


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-7], lambda data: b"", lambda data: data[:-1] + bytes([data[-1] ^ 1])]
)
def test_damage_is_named(spoil: Callable[[bytes], bytes], make_state: Callable[[], State], tmp_path: Path) -> None:
    """A file that is cut, empty or changed is named, and nothing is loaded from it."""
    state = make_state()
    save_checkpoint(state, tmp_path)
    piece = next(tmp_path.glob("state-*"))
    piece.write_bytes(spoil(piece.read_bytes()))
    with pytest.raises(TrainingError, match=piece.name):
        load_checkpoint(state, tmp_path)


def test_no_checkpoint_and_another_network(
    make_state: Callable[[], State], make_plan: Callable[..., TrainingPlan], tmp_path: Path
) -> None:
    """Neither is resumed."""
    with pytest.raises(TrainingError, match="no checkpoint to resume"):
        load_checkpoint(make_state(), tmp_path)
    save_checkpoint(make_state(), tmp_path)
    with pytest.raises(TrainingError, match="another network"):
        load_checkpoint(new_state(make_plan(critic=torch.nn.Conv2d(3, 1, 3)), CPU), tmp_path)

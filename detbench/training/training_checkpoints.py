"""Checkpoints: the tensors of a training in a safetensors file, and a JSON file, written last, that names it.

    FOLDER/checkpoint.json              the step, the file with its SHA-256, the timetable where there is one
    FOLDER/state-000001200-0.safetensors

A save never touches the file of the one before until its own JSON stands, so a checkpoint is always whole. One
folder holds one training.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from detbench.core.images import write_atomically
from detbench.errors import TrainingError, UsageError
from detbench.training.clock import Pace, Timetable
from detbench.training.state import State

NAME = "checkpoint.json"


def check_new_or_resumable(
    out: Path, checkpoint: Path, written: Path, settings: Mapping[str, Any], resume: bool
) -> None:
    """Raise UsageError unless `out` is free, or, to `resume`, holds a checkpoint and was begun with `settings`.

    So nothing is overwritten, and what is resumed is what was begun. `written` is where the settings that it was begun
    with were put, as JSON.
    """
    if not resume:
        if checkpoint.exists():
            raise UsageError(f"{out} holds a training already: go on with --resume, or choose another --out")
        return
    if not checkpoint.exists() or not written.exists():
        raise UsageError(f"{out} holds no training to resume: start one without --resume")
    before = json.loads(written.read_text(encoding="utf-8"))
    changed = [f"{key} {before.get(key)}" for key, value in settings.items() if before.get(key) != value]
    if changed:
        raise UsageError(f"{out} was begun with {', '.join(changed)}; resume it with the same")


def save_checkpoint(state: State, folder: Path) -> None:
    """Write the state; resuming from it is exact. Raises OutputError where the folder cannot be written."""
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in state.tensors().items()}
    data = safetensors.torch.save(tensors)
    name = f"state-{state.step:09d}-0.safetensors"
    write_atomically(folder / name, data)
    head = {"step": state.step, "pieces": {name: hashlib.sha256(data).hexdigest()}}
    if state.timetable:
        head["timetable"] = asdict(state.timetable)
    write_atomically(folder / NAME, json.dumps(head))
    for old in folder.glob("state-*.safetensors"):
        if old.name != name:
            old.unlink()


def load_checkpoint(state: State, folder: Path) -> None:
    """Bring a state to where `save_checkpoint` found it; raises TrainingError where the checkpoint is damaged."""
    head = _head(folder)
    tensors: dict[str, Tensor] = {}
    for name, digest in head["pieces"].items():
        tensors |= _read_piece(folder / name, digest)
    own = state.tensors()
    if {key: tensor.shape for key, tensor in tensors.items()} != {key: tensor.shape for key, tensor in own.items()}:
        raise TrainingError(f"{folder}: the checkpoint is of another network; resume with the recipe it was begun with")
    state.restore(tensors, head["step"])
    state.timetable = _timetable(head["timetable"]) if "timetable" in head else None


def _timetable(stored: Mapping[str, Any]) -> Timetable:
    pace = stored["pace"] | {"parts": tuple(map(tuple, stored["pace"]["parts"]))}
    totals = tuple(map(tuple, stored["totals"]))
    return Timetable(totals, stored["epochs"], Pace(**pace), stored["spent_s"])


def _head(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / NAME).read_bytes()))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{folder / NAME}: no checkpoint to resume ({error}); start anew in another folder"
        ) from error


def _read_piece(path: Path, digest: str) -> dict[str, Tensor]:
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise TrainingError(f"{path}: not the file that {NAME} names; copy the checkpoint again")
        return safetensors.torch.load(data)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: missing or damaged ({error}); copy the checkpoint again") from error

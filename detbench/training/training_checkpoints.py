"""Checkpoints: the tensors of a training in safetensors files, and one JSON file, written last, that names them.

    FOLDER/checkpoint.json              the step, the files with their SHA-256, the timetable where there is one
    FOLDER/state-000001200-0.safetensors …

A save never touches the files of the one before until its own JSON stands, so a checkpoint is always whole.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from detbench.core.images import write_atomically
from detbench.errors import TrainingError
from detbench.training.clock import Pace, Timetable
from detbench.training.compact import packed, unpacked
from detbench.training.state import State

NAME = "checkpoint.json"


def save_checkpoint(state: State, folder: Path, piece_mib: int | None = None) -> None:
    """Write the state; resuming from it is exact.

    With `piece_mib` it is packed to be carried: a quarter of the size, in files of at most so many MiB, and resuming
    is close, not exact (see `compact.py`). Raises OutputError where the folder cannot be written.
    """
    tensors = {key: tensor.detach().cpu() for key, tensor in state.tensors().items()}
    if piece_mib:
        tensors = packed(tensors)
    pieces = {}
    for number, piece in enumerate(_pieces(tensors, (piece_mib or 2**20) * 2**20)):
        data = safetensors.torch.save({key: tensor.contiguous() for key, tensor in piece.items()})
        name = f"state-{state.step:09d}-{number}.safetensors"
        write_atomically(folder / name, data)
        pieces[name] = hashlib.sha256(data).hexdigest()
    head = {"step": state.step, "packed": bool(piece_mib), "pieces": pieces}
    if state.timetable:
        head["timetable"] = asdict(state.timetable)
    write_atomically(folder / NAME, json.dumps(head))
    for old in folder.glob("state-*.safetensors"):
        if old.name not in pieces:
            old.unlink()


def load_checkpoint(state: State, folder: Path) -> None:
    """Bring a state to where `save_checkpoint` found it; raises TrainingError where the checkpoint is damaged."""
    head = _head(folder)
    tensors: dict[str, Tensor] = {}
    for name, digest in head["pieces"].items():
        tensors |= _read_piece(folder / name, digest)
    if head["packed"]:
        tensors = unpacked(tensors)
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


def _pieces(tensors: Mapping[str, Tensor], most_bytes: int) -> Iterator[dict[str, Tensor]]:
    """Tensors in groups whose files stay below a size; a file's header takes some 200 bytes a tensor."""
    piece: dict[str, Tensor] = {}
    size = 0
    for key, tensor in tensors.items():
        needed = tensor.nbytes + 200
        if piece and size + needed > most_bytes:
            yield piece
            piece, size = {}, 0
        piece[key] = tensor
        size += needed
    yield piece

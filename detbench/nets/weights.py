"""Weights on disk: safetensors alone, half precision, checked against the card that travels with them."""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from detbench.core.images import write_atomically
from detbench.core.paths import CARD_NAME
from detbench.errors import WeightsError

FILE_NAME = "weights.safetensors"


def load_weights(net: nn.Module, folder_or_file: Path, name: str) -> None:
    """Fill `net` from a model folder (`weights.safetensors`, with `card.toml` beside it) or from one file.

    Any floating type is loaded as the net's own. `name` is the model's name for `detbench train`. Raises
    WeightsError where the file is missing, is damaged, differs from the `sha256` of its card, or holds other
    tensors than `net` has.
    """
    path = folder_or_file / FILE_NAME if folder_or_file.is_dir() else folder_or_file
    data = _read(path, name)
    if path.name == FILE_NAME:
        _check_against_card(data, path)
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, KeyError) as error:
        raise WeightsError(f"{path}: damaged or no safetensors file ({error}); fetch or train it again") from error
    _check_architecture(net, tensors, path, name)
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise WeightsError(f"{path}: holds numbers that are not finite; fetch or train it again")
    net.load_state_dict(tensors)


def save_weights(net: nn.Module, path: Path, metadata: Mapping[str, str] | None = None) -> str:
    """Write the net's tensors as float16 safetensors, whole or not at all; returns the file's sha256 for its card.

    The names are those of `net.state_dict()`; counters stay whole numbers. `metadata` is kept in the file. Raises
    OutputError where the file cannot be written.
    """
    tensors = {key: _half(tensor.detach().cpu()) for key, tensor in net.state_dict().items()}
    data = safetensors.torch.save(tensors, dict(metadata or {}))
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def weights_metadata(path: Path) -> dict[str, str]:
    """What `save_weights` was given to keep in the file; raises WeightsError where it is no safetensors file."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: damaged or no safetensors file ({error}); fetch or train it again") from error


def _half(tensor: Tensor) -> Tensor:
    return (tensor.half() if tensor.is_floating_point() else tensor).contiguous()


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(
            f"no weights for {name} at {path}. Train them with `detbench train {name}`, "
            f"or put a {FILE_NAME} there or name another place"
        ) from None
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error


def _check_against_card(data: bytes, path: Path) -> None:
    card_path = path.with_name(CARD_NAME)
    if not card_path.is_file():
        return
    try:
        expected = tomllib.loads(card_path.read_text(encoding="utf-8")).get("sha256")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{card_path}: not TOML ({error}); fetch the card again") from error
    found = hashlib.sha256(data).hexdigest()
    if expected is not None and expected != found:
        raise WeightsError(f"{path}: sha256 is {found}, its {CARD_NAME} says {expected}; fetch both again")


def _check_architecture(net: nn.Module, tensors: dict[str, Tensor], path: Path, name: str) -> None:
    expected = {key: tuple(tensor.shape) for key, tensor in net.state_dict().items()}
    found = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            raise WeightsError(
                f"{path}: not the architecture of {name}: tensor {key!r} is expected with shape "
                f"{expected.get(key, 'none')}, found with {found.get(key, 'none')}"
            )

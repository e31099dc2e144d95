"""A training's tensors in a quarter of their size, for where a checkpoint must be carried in small files.

What is lost is what a few steps bring back:
 - the moving average and the critic keep half precision;
 - the generator is kept as its distance from the average, in 8 bits;
 - Adam's mean squared gradients are kept as their roots, in 8 bits: they set a step's length within some percent;
 - Muon's momentum, which forgets a step in twenty, is kept in 8 bits;
 - Adam's mean gradients are dropped: with a beta of .5 they forget a step in a few anyway.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_SCALE = ":scale"
_MOST, _LEAST = torch.finfo(torch.float8_e4m3fn).max, 2.0**-9
"""The largest number of the 8-bit format, and the smallest above 0."""


def packed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state's tensors, by their names, as small ones; `unpacked` brings them back."""
    small: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        kind, _, name = key.partition(".")
        if kind == "generator":
            small |= _to_8_bits(key, tensor - tensors[f"average.{name}"].half().float())
        elif kind.endswith("_exp_avg_sq"):
            # Rounded to 0, a root would make the weight's next step a leap.
            small |= _to_8_bits(key, tensor.sqrt(), least=_LEAST)
        elif kind.endswith("_momentum"):
            small |= _to_8_bits(key, tensor)
        elif not kind.endswith("_exp_avg"):
            small[key] = tensor.half() if kind in ("average", "critic") else tensor
    return small


def unpacked(small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as the state has them, in single precision."""
    tensors: dict[str, Tensor] = {}
    for key in small:
        kind, _, name = key.partition(".")
        if key.endswith(_SCALE):
            continue
        if kind == "generator":
            tensors[key] = small[f"average.{name}"].float() + _from_8_bits(key, small)
        elif kind.endswith("_exp_avg_sq"):
            tensors[key] = _from_8_bits(key, small).square()
            tensors[f"{kind.removesuffix('_sq')}.{name}"] = torch.zeros_like(tensors[key])
        elif kind.endswith("_momentum"):
            tensors[key] = _from_8_bits(key, small)
        else:
            tensors[key] = small[key].float()
    return tensors


def _to_8_bits(key: str, tensor: Tensor, least: float = -_MOST) -> dict[str, Tensor]:
    """Four bits of exponent, three of mantissa, scaled so that the largest number is the format's."""
    scale = tensor.abs().max().clamp_min(1e-30) / _MOST
    return {key: (tensor / scale).clamp(least, _MOST).to(torch.float8_e4m3fn), key + _SCALE: scale}


def _from_8_bits(key: str, small: Mapping[str, Tensor]) -> Tensor:
    return small[key].float() * small[key + _SCALE]

"""Pictures as tensors of the light that a blur averaged, and back."""

import numpy as np
import torch
from torch import Tensor

from detbench.blur.light import to_levels, to_light
from detbench.types import Image, Light


def in_light(image: Image, light: Light, device: str = "cpu") -> Tensor:
    """A picture (H, W, 3) as light 0..1, shape (1, 3, H, W)."""
    return torch.from_numpy(to_light(image, light).astype(np.float32)).permute(2, 0, 1)[None].contiguous().to(device)


def from_light(pictures: Tensor, light: Light) -> Image:
    """The inverse: clipped to 0..1 and rounded to grey levels."""
    levels = to_levels(pictures[0].permute(1, 2, 0).cpu().numpy().astype(np.float64), light)
    return np.rint(levels).astype(np.uint8)

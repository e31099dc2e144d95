"""How noisy a picture is, and how strongly total variation should go by it."""

import torch.nn.functional as F
from torch import Tensor

LEAST_NOISE = 0.85
"""Grey levels. Less is not believed: with real pictures of less (Levin et al.'s, .5), 3,000 is the best strength."""

STRONGEST_FOUND = 2500.0
"""With kernels that were found: 1,400 to 2,800 is best with ten of Levin et al.'s pictures, 2,800 to 5,600 with most of
48 photos blurred along paths.
"""

LONG_PX = 7.0
"""Spread of a kernel above which less is better: 700 to 2,800 at 9 to 12 pixels."""


def noise_levels(grey: Tensor) -> float:
    """Standard deviation of the noise of a grey picture (1, 1, H, W) of stored values 0..1, in grey levels 0..255.

    From the median of second differences both ways, which blur leaves nothing else of (Immerkær, "Fast Noise Variance
    Estimation", CVIU 64, 1996; the median as in Donoho and Johnstone, 1994). A picture of under 3 pixels has none.
    """
    if min(grey.shape[-2:]) < 3:
        return 0.0
    mask = grey.new_tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
    return 255 * float(F.conv2d(grey, mask[None, None]).abs().median()) / 0.6745 / 6


def strength_against(noise: float) -> float:
    """The strength of total variation that suits noise of so many grey levels, told the kernel.

    The best of 500, 1,000, … 32,000 on 11 photos, by the noise measured: 32,000 at .40 levels, 8,000 at .57, 4,000 at
    .85, 2,000 at 1.5, 1,000 at 2.1, 500 or less at 3.4.
    """
    return 2900 / max(noise, LEAST_NOISE) ** 2


def strength_for_found(noise: float, spread: float) -> float:
    """The same where the kernel, of so many pixels' `spread`, was found and is not quite right."""
    return min(strength_against(noise), STRONGEST_FOUND * min(1.0, LONG_PX / spread))

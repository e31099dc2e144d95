"""Whether a blur averaged stored values or scene light, decided by what deconvolution makes of the picture."""

import math

from torch import Tensor

from detbench.deconvolution.denoising import NOISY
from detbench.deconvolution.latent import total_variation

LINEAR_BELOW = 3.2
"""Threshold of the logarithm of the ratio below.

With 27 photos blurred both ways it is 1.7 to 8.4 where stored values were averaged and −2.3 to 4.4 where light was;
here 4 of the latter and 2 of the former are taken for the other.
"""


def averaged_light(stored: Tensor, kernel: Tensor, gamma: float, noise: float) -> bool:
    """Whether a kernel (1, K, K) blurred a grey picture of stored values 0..1, (1, 1, H, W), as light, value ** gamma.

    In the wrong light what is bright rings: the restored picture leaves 0..1. Both ways are tried, and light is
    believed where it overshoots by not much more than stored values do. With `noise` above NOISY, stored values are:
    overshoot depends more on the noise than on the light.
    """
    if noise > NOISY:
        return False
    of_light, of_stored = _overshoot(stored**gamma, kernel, gamma), _overshoot(stored, kernel, 1.0)
    return math.log((of_light + 1e-6) / (of_stored + 1e-6)) < LINEAR_BELOW


def _overshoot(blurred: Tensor, kernel: Tensor, gamma: float) -> float:
    """Mean square of what a restored picture has below 0, as a stored value, and above 1."""
    restored = total_variation(blurred, kernel, 2500.0, rounds=5)
    below, above = (-restored).clamp(min=0) ** (1 / gamma), (restored - 1).clamp(min=0)
    return float(below.square().mean() + above.square().mean())

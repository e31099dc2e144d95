"""Deblurrers that get the true blur kernel: bounds for those that must estimate it."""

import numpy as np
import torch
from torch import Tensor

from detbench.blur.light import DISPLAY_GAMMA
from detbench.deblurrers.light_tensors import from_light, in_light
from detbench.deconvolution.denoising import noise_levels, strength_against
from detbench.deconvolution.filters import continued, richardson_lucy, wiener
from detbench.deconvolution.kernel_cleaning import reach
from detbench.deconvolution.latent import total_variation
from detbench.deconvolution.spectra import grey
from detbench.types import Image, Kernel

QUARTER_LEVEL = 0.25 / 255


class Wiener:
    """Wiener's filter, in the light that the blur averaged in; see `deconvolution.filters.wiener`."""

    needs_kernel = True

    def __init__(self, balance: float = 0.004) -> None:
        # Mean gain in dB on twelve photographs (BSDS, Urban100, COCO), paths of 8 to 28 px, noise of 1 grey level,
        # blurred in gamma / in linear light: 0.002 gives 4.9 / 3.6, 0.004 gives 5.0 / 3.9, 0.01 gives 4.3 / 3.5.
        # A prior on the Laplacian instead of the gradient gains over 1 dB less at its own best balance.
        self.balance = balance

    @torch.inference_mode()
    def __call__(self, blurred: Image, kernel: Kernel) -> Image:
        """Shape (H, W, 3) in and out; any size, also smaller than the kernel."""
        canvas = continued(in_light(blurred, kernel.light), _weights(kernel))
        return from_light(wiener(canvas, self.balance), kernel.light)


class RichardsonLucy:
    """Richardson and Lucy's iterations, which keep light non-negative; see `deconvolution.filters.richardson_lucy`."""

    needs_kernel = True

    def __init__(self, iterations: int = 30) -> None:
        # Gains rise with the iterations, ever more slowly: 3.1 / 3.5 dB at 20, 3.6 / 4.0 at 30, 4.0 / 4.4 at 40
        # (gamma / linear light, the photographs of Wiener's balance), while the worst picture stops gaining at 30.
        self.iterations = iterations

    @torch.inference_mode()
    def __call__(self, blurred: Image, kernel: Kernel) -> Image:
        """Shape (H, W, 3) in and out; any size, also smaller than the kernel."""
        # A quarter of a grey level still rounds to black.
        floor = QUARTER_LEVEL**DISPLAY_GAMMA if kernel.light == "linear" else QUARTER_LEVEL
        canvas = continued(in_light(blurred, kernel.light), _weights(kernel))
        return from_light(richardson_lucy(canvas, self.iterations, floor), kernel.light)


class TotalVariation:
    """Total variation, with the strength that suits the picture's noise; see `deconvolution.latent.total_variation`.

    Rudin, Osher, Fatemi: "Nonlinear total variation based noise removal algorithms", Physica D 60, 1992.
    """

    needs_kernel = True

    @torch.inference_mode()
    def __call__(self, blurred: Image, kernel: Kernel) -> Image:
        """Shape (H, W, 3) in and out; any size, also smaller than the kernel."""
        weights = _weights(kernel)
        if reach(weights) == 0:
            return blurred  # nothing blurred it; it is to be sharpened, not smoothed
        strength = strength_against(noise_levels(grey(in_light(blurred, "gamma"))))
        restored = total_variation(in_light(blurred, kernel.light), weights, strength, rounds=20)
        return from_light(restored, kernel.light)


def _weights(kernel: Kernel) -> Tensor:
    return torch.from_numpy(kernel.weights.astype(np.float32))[None]

"""Blind deconvolution: the kernel from the picture alone, then the picture by total variation."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from detbench.assets import shipped
from detbench.blur.light import DISPLAY_GAMMA
from detbench.deblurrers.light import from_light, in_light
from detbench.deblurrers.torch_device import check_usable
from detbench.deconvolution.estimation import estimate
from detbench.deconvolution.kernels import spread, trimmed
from detbench.deconvolution.latent import total_variation
from detbench.deconvolution.light import averaged_light
from detbench.deconvolution.noise import noise_levels, strength_for_found
from detbench.deconvolution.spectra import grey
from detbench.devices import resolve_device
from detbench.nets.blind_kernel import BlindKernel
from detbench.nets.weights import load_weights
from detbench.types import BlurEstimate, Image, Light, Restoration


class Blind:
    """One kernel for the whole picture, found by a small network and by sparse gradients; then total variation.

    Where no kernel explains the picture better than no blur does, it comes back as it was.
    """

    def __init__(
        self,
        weights: Path | None = None,
        device: str = "auto",
        precision: str = "fp32",
        light: Light | Literal["auto"] = "auto",
    ) -> None:
        """Load the network's weights, by default those shipped as `models/blind`; `light` is where the blur averaged;
        `auto` tells it from the picture.

        Raises UsageError for a device that is not there, WeightsError where weights are missing or wrong.
        """
        self.device = resolve_device(device)
        check_usable(self.device, device)
        self.precision = precision
        self.light = light
        net = BlindKernel()
        load_weights(net, weights or shipped("models") / "blind", "blind")
        self.net = net.eval().to(self.device).to(memory_format=torch.channels_last)

    def __call__(self, blurred: Image) -> Image:
        """Shape (H, W, 3) in and out, any size."""
        return self.restore(blurred).image

    @torch.inference_mode()
    def restore(self, blurred: Image) -> Restoration:
        """The picture restored, (H, W, 3), and its kernel."""
        stored = in_light(blurred, "gamma", self.device)
        noise = noise_levels(grey(stored))
        found = self._found(stored, blurred, noise)
        if found is None:
            return Restoration(blurred, None)
        seen, kernel, light = found
        strength = strength_for_found(noise, float(spread(kernel)))
        restored = total_variation(seen, trimmed(kernel, 1), strength)
        weights = kernel[0].cpu().numpy().astype(np.float64).clip(0)
        return Restoration(from_light(restored, light), BlurEstimate((weights / weights.sum())[None, None], light))

    def _found(self, stored: Tensor, blurred: Image, noise: float) -> tuple[Tensor, Tensor, Light] | None:
        """The picture in the light in which it was blurred, its kernel there, and which light that is."""
        if self.light != "linear":
            kernel = estimate(grey(stored), self._guess, noise)
            if kernel is None:
                return None
            if self.light == "gamma" or not averaged_light(grey(stored), trimmed(kernel, 1), DISPLAY_GAMMA):
                return stored, kernel, "gamma"
        seen = in_light(blurred, "linear", self.device)
        kernel = estimate(grey(seen), self._guess, noise)
        return None if kernel is None else (seen, kernel, "linear")

    def _guess(self, view: Tensor) -> Tensor:
        with torch.autocast(self.device.partition(":")[0], torch.bfloat16, enabled=self.precision == "bf16"):
            kernel: Tensor = self.net(view)
        return kernel.float()

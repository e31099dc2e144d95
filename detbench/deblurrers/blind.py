"""Blind deconvolution: the kernel from the picture alone, then the picture by total variation."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from detbench.blur.light import DISPLAY_GAMMA
from detbench.core.devices import resolve_device
from detbench.core.paths import shipped
from detbench.core.torch_device import check_usable
from detbench.deblurrers.light_tensors import from_light, in_light
from detbench.deconvolution.denoising import denoised, noise_levels
from detbench.deconvolution.estimation import estimate
from detbench.deconvolution.kernel_cleaning import trimmed
from detbench.deconvolution.light_choice import averaged_light
from detbench.deconvolution.spectra import grey
from detbench.deconvolution.windows import as_array, kernel_grid, one_window, restored
from detbench.nets.blind_kernel import BlindKernel
from detbench.nets.weights import load_weights
from detbench.types import BlurEstimate, Image, Light, Restoration


class Blind:
    """Kernels found by a small network and by sparse gradients, one for the whole picture or one for each window of it;
    then total variation.

    Where no kernel explains the picture better than no blur does, it comes back as it was.
    """

    def __init__(
        self,
        weights: Path | None = None,
        device: str = "auto",
        precision: str = "fp32",
        light: Light | Literal["auto"] = "auto",
        blur: Literal["uniform", "varying"] = "uniform",
    ) -> None:
        """Load the network's weights, by default those shipped as `models/blind`; `light` is where the blur averaged;
        `auto` finds it from the picture. With `blur` "varying" there is a kernel for each of half overlapping windows.

        Raises UsageError for a device that is not there, WeightsError where weights are missing or wrong.
        """
        self.device = resolve_device(device)
        check_usable(self.device, device)
        self.precision = precision
        self.light = light
        self.blur = blur
        net = BlindKernel()
        load_weights(net, weights or shipped("models") / "blind", "blind")
        self.net = net.eval().to(self.device).to(memory_format=torch.channels_last)

    def __call__(self, blurred: Image) -> Image:
        """Shape (H, W, 3) in and out, any size."""
        return self.restore(blurred).image

    @torch.inference_mode()
    def restore(self, blurred: Image) -> Restoration:
        """The picture restored, (H, W, 3), and its kernels: a grid of 1 x 1 where the blur is uniform."""
        stored = in_light(blurred, "gamma", self.device)
        noise = noise_levels(grey(stored))
        clean = denoised(grey(stored), noise)
        kernel, light = self._found(clean, noise)
        if kernel is None:
            return Restoration(blurred, None)
        seen = stored if light == "gamma" else in_light(blurred, light, self.device)
        varies = self.blur == "varying"
        grid = kernel_grid(_in(light, clean), kernel, self._guess) if varies else one_window(seen, kernel)
        kernels = as_array(grid)
        if kernels is None:
            return Restoration(blurred, None)
        return Restoration(from_light(restored(seen, grid, noise), light), BlurEstimate(kernels, light))

    def _found(self, clean: Tensor, noise: float) -> tuple[Tensor | None, Light]:
        """The kernel of a grey picture of stored values, and the light in which it averaged."""
        if self.light != "linear":
            kernel = estimate(clean, self._guess)
            if kernel is None or self.light == "gamma":
                return kernel, "gamma"
            if not averaged_light(clean, trimmed(kernel, 1), DISPLAY_GAMMA, noise):
                return kernel, "gamma"
        return estimate(_in("linear", clean), self._guess), "linear"

    def _guess(self, view: Tensor) -> Tensor:
        with torch.autocast(self.device.partition(":")[0], torch.bfloat16, enabled=self.precision == "bf16"):
            kernel: Tensor = self.net(view)
        return kernel.float()


def _in(light: Light, stored: Tensor) -> Tensor:
    return stored if light == "gamma" else stored**DISPLAY_GAMMA

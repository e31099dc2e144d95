"""How noisy a picture is, and the strength of total variation that suits the noise."""

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

PATCH_PX, SEARCH_PX = 5, 11
"""Sides of the patches that are compared, and of the square in which they are sought. 7 and 21 px gain kernels less."""

DENOISING = 2.0
"""How unlike patches may be, in standard deviations of the noise. On 46 photos with noise of 3 grey levels the whole of
blind deconvolution gains 3.3 dB with 1, 3.6 with 2, 3.4 with 3, 3.0 with 4, and 2.4 with pictures as they are.
"""

LEAST_NOISE = 0.85
"""Grey levels. Less is not believed: with real pictures of less (Levin et al.'s, .5), 3,000 is the best strength."""

NOISY = 1.5
"""Grey levels. With less, kernels are found as well in the picture as it is."""

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


def denoised(grey: Tensor, noise: float) -> Tensor:
    """A grey picture (1, 1, H, W) of stored values 0..1 without its `noise` in grey levels, as kernels are sought in.

    Non-local means: Buades, Coll, Morel, "A Non-Local Algorithm for Image Denoising", CVPR 2005. What is blurred is
    smooth, so that little else is lost. Up to NOISY the picture comes back as it is.
    """
    if noise <= NOISY:
        return grey
    levels = (255 * grey[0, 0].clamp(0, 1)).round().byte().cpu().numpy()
    smooth = cv2.fastNlMeansDenoising(levels, None, DENOISING * noise, PATCH_PX, SEARCH_PX)
    return torch.from_numpy(smooth).to(grey.device).float()[None, None] / 255


def strength_against(noise: float) -> float:
    """The strength of total variation that suits noise of so many grey levels, given the kernel.

    The best of 500, 1,000, … 32,000 on 11 photos, by the noise measured: 32,000 at .40 levels, 8,000 at .57, 4,000 at
    .85, 2,000 at 1.5, 1,000 at 2.1, 500 or less at 3.4.
    """
    return 2900 / max(noise, LEAST_NOISE) ** 2


def strength_for_found(noise: float, spread: float) -> float:
    """The same where the kernel, of so many pixels' `spread`, was found and is not quite right."""
    return min(strength_against(noise), STRONGEST_FOUND * min(1.0, LONG_PX / spread))

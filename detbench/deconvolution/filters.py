"""Filters told the kernel: Wiener's and Richardson and Lucy's."""

import torch
from torch import Tensor

from detbench.deconvolution.spectra import gradient_power, lay_out


def wiener(blurred: Tensor, kernels: Tensor, balance: float | Tensor) -> Tensor:
    """conj(H) / (|H|² + balance · |D|² · (1 − |H|²)), pictures (N, C, H, W) with a kernel each.

    H is the kernel's spectrum, D the gradient's: pictures have about equal gradients at every frequency, so `balance`
    (positive) is the power of the noise over that of the gradients. The last factor leaves alone what the blur left
    alone; a kernel of one point gives the picture back.

    N. Wiener, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series", 1949.
    """
    canvas = lay_out(blurred, kernels)
    power = canvas.response.abs().square()
    noise = balance * gradient_power(canvas.size, blurred.device) * (1 - power).clamp(min=0)
    filtered = torch.fft.rfft2(canvas.light) * canvas.response.conj() / (power + noise + 1e-4)
    return canvas.cropped(torch.fft.irfft2(filtered, s=canvas.size))

"""How like the blur kernel that a deblurrer found is to the one that blurred the picture."""

import numpy as np

from detbench.types import BlurEstimate, Kernel


def kernel_similarity(true: Kernel, found: BlurEstimate) -> float:
    """The largest normalised cross-correlation of two kernels over all shifts, 0..1; 1 where they differ by a shift.

    max over γ of Σ k(τ)·q(τ + γ) / (‖k‖·‖q‖), where k is the true kernel, q the found one, τ runs over whole pixels,
    and both are 0 outside their own squares, whose sides may differ. Where an estimate has several cells, q is their
    mean kernel. A blind deblurrer cannot know where the scene lay, so a shift is no error. The two are compared by
    their weights alone, whatever light each is for.

    Z. Hu, M.-H. Yang, "Good Regions to Deblur", ECCV 2012.
    """
    mean = found.kernels.mean(axis=(0, 1))
    side = len(true.weights) + len(mean) - 1  # no shift wraps around
    spectrum = np.fft.rfft2(true.weights, (side, side)) * np.fft.rfft2(mean, (side, side)).conj()
    largest = float(np.fft.irfft2(spectrum, (side, side)).max())
    return min(1.0, largest / float(np.linalg.norm(true.weights) * np.linalg.norm(mean)))

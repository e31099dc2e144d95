import pytest
import torch
from torch import Tensor

from detbench.deconvolution.kernel_cleaning import point
from detbench.deconvolution.spectra import gradients, grey, transfer
from detbench.nets.blind_kernel import RADIUS, SCALES, BlindKernel, Guess, shrunk
from detbench.training.losses.kernel_losses import (
    KernelOutput,
    coarser,
    edge_loss,
    estimated,
    filtered,
    filtered_loss,
    guess_loss,
    kernel_error,
    kernel_loss,
)
from detbench.training.losses.target import Target

CPU = torch.device("cpu")


def line(length: int, radius: int = RADIUS) -> Tensor:
    """The kernel (1, K, K) of a level motion over an odd number of pixels."""
    kernel = torch.zeros(1, 2 * radius + 1, 2 * radius + 1)
    kernel[0, radius, radius - length // 2 : radius + length // 2 + 1] = 1 / length
    return kernel


def pictures() -> Tensor:
    """An RGB picture (1, 3, 96, 96) of random blocks, in -1..1."""
    coarse = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    return coarse.repeat_interleave(8, 2).repeat_interleave(8, 3) * 2 - 1


def blurred_by(kernel: Tensor) -> Tensor:
    """`pictures` blurred on a torus."""
    return torch.fft.irfft2(torch.fft.rfft2(pictures()) * transfer(kernel, (96, 96)), s=(96, 96))


def right_output(kernel: Tensor) -> KernelOutput:
    """What a network gives that knows kernel and sharp picture."""
    sharp = grey((pictures() + 1) / 2)
    guesses = [
        Guess(scale.shrink, coarser(kernel, scale.shrink), gradients(shrunk(sharp, scale.shrink))) for scale in SCALES
    ]
    return KernelOutput(grey((blurred_by(kernel) + 1) / 2), kernel, guesses)


def test_a_network_that_is_right_loses_nothing() -> None:
    """With the true kernel at every scale and the sharp gradients, kernel, guess and edge loss are 0."""
    output, target = right_output(line(9)), Target(pictures(), line(9))
    assert [loss(output, target).item() for loss in (kernel_loss, guess_loss, edge_loss)] == [0, 0, 0]


def test_kernels_of_crops_have_another_border() -> None:
    """A crop's kernel is as wide as its recipe's margin; only what it holds counts."""
    assert kernel_loss(right_output(line(9)), Target(pictures(), line(9, radius=7))).item() == pytest.approx(
        0, abs=1e-12
    )


def test_the_error_of_no_kernel_at_all() -> None:
    """Nothing in place of a point of 1 costs (1 + 3 · 9 / 81) / 1.003: nine means of a ninth each."""
    still = point(RADIUS, CPU)
    assert kernel_error(torch.zeros_like(still), still).item() == pytest.approx((1 + 1 / 3) / 1.003, rel=1e-5)


def test_a_near_miss_costs_less() -> None:
    """A point that is off by a pixel costs less than one off by ten, where plain squares would see no difference."""
    still = point(RADIUS, CPU)
    near, far = (kernel_error(torch.roll(still, places, 2), still) for places in (1, 10))
    assert near < 0.9 * far


def test_each_picture_counts_alike() -> None:
    """The error of a batch is the mean of its pictures' errors, whatever their kernels' sizes."""
    true, found = torch.cat([line(3), line(25)]), torch.cat([line(5), line(21)])
    alone = [kernel_error(found[index : index + 1], true[index : index + 1]).item() for index in range(2)]
    assert kernel_error(found, true).item() == pytest.approx(sum(alone) / 2)


@pytest.mark.parametrize("shrink", [1, 2, 4])
def test_coarser_kernels(shrink: int) -> None:
    """Shrunk pictures are blurred by paths as much shorter: the sum stays, the centroid's distance is divided."""
    kernel = torch.zeros(1, 65, 65)
    kernel[0, RADIUS + 8, RADIUS - 13] = 0.75
    kernel[0, RADIUS, RADIUS] = 0.25
    small = coarser(kernel, shrink)[0]
    radius = RADIUS // shrink
    places = torch.arange(-radius, radius + 1).float()
    assert small.shape == (2 * radius + 1, 2 * radius + 1)
    assert small.sum().item() == pytest.approx(1)
    assert (small.sum(1) @ places).item() == pytest.approx(0.75 * 8 / shrink, abs=1e-5)
    assert (small.sum(0) @ places).item() == pytest.approx(0.75 * -13 / shrink, abs=1e-5)


def test_coarser_kernels_are_exact_under_autocast() -> None:
    """In bfloat16 a training still compares with kernels in single precision."""
    with torch.autocast("cpu", torch.bfloat16):
        rounded = coarser(line(9), 2)
    assert torch.equal(rounded, coarser(line(9), 2))


def test_the_true_kernel_restores() -> None:
    """Wiener's filter brings the picture nearer with the true kernel, and leaves it as it is with a point."""
    target, blurred = Target(pictures(), line(9)), blurred_by(line(9))
    seen = grey((blurred + 1) / 2)
    known, still = (KernelOutput(seen, kernel, ()) for kernel in (line(9), point(RADIUS, CPU)))
    untouched = (seen - grey((pictures() + 1) / 2)).abs().mean().item()
    assert filtered_loss(still, target).item() == pytest.approx(untouched, rel=1e-2)
    assert filtered_loss(known, target).item() < 0.7 * untouched
    errors = [(picture - pictures()).abs().mean() for picture in (filtered(known, blurred), blurred)]
    assert errors[0] < 0.7 * errors[1]
    torch.testing.assert_close(filtered(still, blurred), blurred, atol=0.02, rtol=0)


def test_edges_are_relative() -> None:
    """No edges at all where the sharp picture has some cost about 1 a guess; a picture of sky costs nothing."""
    output = right_output(line(9))
    blind = KernelOutput(output.grey, output.kernel, [Guess(g.shrink, g.kernel, 0 * g.edges) for g in output.guesses])
    assert edge_loss(blind, Target(pictures(), line(9))).item() == pytest.approx(len(SCALES), rel=0.1)
    assert edge_loss(blind, Target(torch.ones_like(pictures()), line(9))).item() == 0


def test_colours_become_grey() -> None:
    """A plan's pictures, RGB in -1..1, reach the network as grey in 0..1."""
    output = estimated(BlindKernel().eval(), pictures())
    torch.testing.assert_close(output.grey, grey((pictures() + 1) / 2))
    assert (output.kernel.shape, len(output.guesses)) == ((1, 65, 65), 4)

import pytest
from torch import nn

from detbench.nets.blind_kernel import BlindKernel
from detbench.nets.cost import cost_of
from detbench.nets.deblurgan import Generator, ResizeGenerator
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.guided_nafnet import GuidedNAFNet
from detbench.nets.nafnet import NAFNet
from detbench.nets.nah import MultiScaleNet
from detbench.nets.pix2pix import UNet


@pytest.mark.parametrize(
    ("net", "parameters", "gflop_per_mpix"),
    [
        (Generator, 11_378_179, 1512),
        (ResizeGenerator, 11_378_179, 1733),
        (MultiScaleNet, 11_721_321, 10240),
        (DenseGenerator, 3_256_451, 6505),
        (UNet, 7_684_203, 31.4),
        (NAFNet, 4_958_572, 84.7),
    ],
)
def test_size_and_cost(net: type[nn.Module], parameters: int, gflop_per_mpix: float) -> None:
    """Parameters, and GFLOP per megapixel within 2 %, as the papers, the cards and the results page have them."""
    cost = cost_of(net)
    assert cost.parameters == parameters
    assert cost.gflop_per_mpix == pytest.approx(gflop_per_mpix, rel=0.02)


def test_a_network_of_two_pictures() -> None:
    """It is counted with six channels; what finds the second picture is not counted."""
    cost = cost_of(GuidedNAFNet, channels=6)
    assert cost.parameters == 4_963_216
    assert cost.gflop_per_mpix == pytest.approx(87, rel=0.02)


def test_a_network_of_grey_pictures() -> None:
    """It is counted with one channel, its convolutions alone: Fourier transforms are none of the products."""
    cost = cost_of(BlindKernel, channels=1)
    assert cost.parameters == 280_939
    assert cost.gflop_per_mpix == pytest.approx(121, rel=0.02)

import pytest
import torch

from detbench.nets.deblurgan import Generator, ResizeGenerator
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.layers import RestorationNet
from detbench.nets.nafnet import NAFNet
from detbench.nets.nah import MultiScaleNet
from detbench.nets.pix2pix import UNet


@pytest.mark.parametrize(
    ("net", "side", "farthest"),
    [
        (Generator, 16, 0),
        (ResizeGenerator, 16, 0),
        (MultiScaleNet, 16, 0),
        (DenseGenerator, 16, 0.025),
        (UNet, 256, 0.06),
        (NAFNet, 16, 0),
    ],
)
def test_a_network_can_begin_as_its_input(net: type[RestorationNet], side: int, farthest: float) -> None:
    """What comes out is what went in, but for a tanh where no skip goes round it, and the first step changes it."""
    torch.manual_seed(0)
    begun = net()
    begun.init_as_identity()
    blurred = torch.rand(1, 3, side, side) * 2 - 1
    restored = begun.eval()(blurred)
    finest = restored[0] if isinstance(restored, list) else restored
    assert (finest - blurred).abs().max() <= farthest
    finest.square().mean().backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in begun.parameters())

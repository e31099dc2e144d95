import pytest
import torch

from detbench.nets.deblurgan import Generator, ResizeGenerator
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.layers import Pointwise, RestorationNet
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


@pytest.mark.parametrize("bias", [True, False])
def test_a_pointwise_convolution_is_torchs(bias: bool) -> None:
    """It has the names and values of an nn.Conv2d with kernel 1, its result, and the memory format channels_last."""
    layer, torchs = Pointwise(6, 4, bias), torch.nn.Conv2d(6, 4, 1, bias=bias)
    torchs.load_state_dict(layer.state_dict())
    features = torch.randn(2, 6, 5, 7).to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(features), torchs(features), atol=1e-6, rtol=1e-5)
    assert layer(features).is_contiguous(memory_format=torch.channels_last)

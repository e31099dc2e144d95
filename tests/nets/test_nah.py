import pytest
import torch
from torch import nn

from detbench.nets.nah import SCALES, Critic, MultiScaleNet, ResBlock, gaussian_pyramid


@pytest.fixture(scope="module")
def net() -> MultiScaleNet:
    """Untrained, in eval mode; tests leave it as it is."""
    torch.manual_seed(0)
    return MultiScaleNet().eval()


@pytest.mark.parametrize(("height", "width"), [(4, 4), (12, 20)])
def test_net_restores_every_scale_finest_first(net: MultiScaleNet, height: int, width: int) -> None:
    """The results are the full, the half and the quarter size, in this order."""
    with torch.inference_mode():
        restored = net(torch.zeros(2, 3, height, width))
    assert [tuple(level.shape) for level in restored] == [
        (2, 3, height >> scale, width >> scale) for scale in range(SCALES)
    ]


def test_finer_scales_see_the_coarser_result(net: MultiScaleNet) -> None:
    """A change of the coarsest scale's last layer reaches the finest result."""
    changed = MultiScaleNet().eval()
    changed.load_state_dict(net.state_dict())
    nn.init.constant_(changed.get_parameter("scales.2.leave.bias"), 1.0)
    blurred = torch.rand(1, 3, 8, 8) - 0.5
    with torch.inference_mode():
        assert not torch.allclose(net(blurred)[0], changed(blurred)[0])


def test_net_has_no_skip_around_it() -> None:
    """With last layers of zeros nothing of the picture is left: no global skip."""
    silenced = MultiScaleNet().eval()
    for name, parameter in silenced.named_parameters():
        if ".leave." in name:
            nn.init.zeros_(parameter)
    with torch.inference_mode():
        assert not any(level.any() for level in silenced(torch.rand(1, 3, 8, 8)))


def test_resblock_has_nothing_after_the_sum() -> None:
    """A block whose second convolution is zero gives its input back, negative values too."""
    block = ResBlock()
    nn.init.zeros_(block.conv2.weight)
    assert block.conv2.bias is not None
    nn.init.zeros_(block.conv2.bias)
    features = torch.randn(1, 64, 4, 4)
    assert torch.equal(block(features), features)


def test_pyramid_keeps_a_constant_and_the_middle() -> None:
    """Each level halves both sides, keeps a constant to its corners, and moves a symmetric picture nowhere."""
    across = torch.linspace(-1, 1, 16).abs().expand(1, 3, 8, 16)
    for pictures in (torch.full((1, 3, 8, 16), 0.25), across):
        levels = gaussian_pyramid(pictures)
        assert [tuple(level.shape[2:]) for level in levels] == [(8, 16), (4, 8), (2, 4)]
        for level in levels:
            torch.testing.assert_close(level, level.flip(3))
    torch.testing.assert_close(gaussian_pyramid(torch.full((1, 3, 8, 8), 0.25))[2], torch.full((1, 3, 2, 2), 0.25))


def test_nahs_critic_takes_crops_of_128() -> None:
    """Small crops for small machines have a score too."""
    with torch.inference_mode():
        assert Critic()(torch.zeros(1, 3, 128, 128)).shape == (1, 1, 1, 1)

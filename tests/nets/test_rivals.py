"""The networks beside DeblurGAN and Nah et al.: what makes each what it is."""

import pytest
import torch
from torch import nn

from detbench.nets import deep_generative_filter, nah, pix2pix
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.pix2pix import UNet


@pytest.mark.parametrize(
    ("critic", "channels", "scores"),
    [(pix2pix.Critic, 6, 30), (deep_generative_filter.Critic, 6, 15), (nah.Critic, 3, 1)],
)
def test_critics_score_patches_or_the_whole(critic: type[nn.Module], channels: int, scores: int) -> None:
    """Of a crop of 256, pix2pix' critic scores 30x30 patches of a pair, Nah et al.'s the picture as a whole."""
    with torch.device("meta"):
        assert critic()(torch.empty(2, channels, 256, 256)).shape == (2, 1, scores, scores)


def test_nahs_critic_takes_crops_of_128() -> None:
    """Small crops for small machines have a score too."""
    with torch.device("meta"):
        assert nah.Critic()(torch.empty(1, 3, 128, 128)).shape == (1, 1, 1, 1)


def test_pix2pix_critic_sees_70_pixels() -> None:
    """Followed back through kernels and strides, one score sees a patch of 70x70 pixels."""
    critic, side = pix2pix.Critic(), 1
    for conv in reversed([*critic.convs, critic.leave]):
        side = (side - 1) * conv.stride[0] + conv.kernel_size[0]
    assert side == 70


def test_dense_layers_see_all_before_them() -> None:
    """Each layer takes the head's channels and those of every layer before it."""
    assert [layer.narrow.in_channels for layer in DenseGenerator().layers] == [256 + 64 * index for index in range(10)]


def test_the_dense_generators_skip_carries_the_head() -> None:
    """With a tail of constant features, which its norm makes zero, the head's features still reach the output."""
    torch.manual_seed(0)
    net = DenseGenerator().eval()
    nn.init.zeros_(net.narrow.weight)
    one, other = torch.rand(2, 1, 3, 8, 8) * 2 - 1
    with torch.inference_mode():
        assert not torch.allclose(net(one), net(other))
        nn.init.zeros_(net.enter.weight)
        assert torch.allclose(net(one), net(other))


def test_the_u_net_sees_everything_and_keeps_detail() -> None:
    """Every way in from the first, finest features to the last convolution: cut off below, a pixel still passes."""
    torch.manual_seed(0)
    net = UNet().eval()
    nn.init.zeros_(net.ups[-2].weight)
    one = torch.zeros(1, 3, 256, 256)
    other = one.clone()
    other[..., 100, 100] = 1
    with torch.inference_mode():
        changed = (net(one) - net(other)).abs().amax(dim=(0, 1))
    assert changed[98:103, 98:103].max() > 0
    assert changed[:90].max() == changed[110:].max() == 0

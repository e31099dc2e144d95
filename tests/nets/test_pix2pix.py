"""The U-Net and the critic of pix2pix: what makes them what they are."""

import torch
from torch import nn

from detbench.nets.pix2pix import Critic, UNet


def test_pix2pix_critic_sees_70_pixels() -> None:
    """Followed back through kernels and strides, one score sees a patch of 70x70 pixels."""
    critic, side = Critic(), 1
    for conv in reversed([*critic.convs, critic.leave]):
        side = (side - 1) * conv.stride[0] + conv.kernel_size[0]
    assert side == 70


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


def test_dropout_is_in_the_three_innermost_layers() -> None:
    """Of features of one pixel, two and four on a side."""
    net, sides = UNet(), []
    net.dropout.register_forward_hook(lambda module, given, features: sides.append(features.shape[-1]))
    with torch.inference_mode():
        net(torch.zeros(1, 3, 256, 256))
    assert sides == [2, 4, 8]

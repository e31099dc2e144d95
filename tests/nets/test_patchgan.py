"""The critic of patches that most networks here are trained against."""

import pytest
import torch
from torch import nn

from detbench.nets import deep_generative_filter, nah, pix2pix
from detbench.nets.patchgan import PatchGAN


def test_widths_double_up_to_eight_times() -> None:
    """Every convolution but the first and the one to scores has a norm of its width behind it."""
    critic = PatchGAN(channels=3, width=4, strides=(2, 2, 2, 2, 1), padding=1)
    assert [(conv.in_channels, conv.out_channels) for conv in critic.convs] == [
        (3, 4), (4, 8), (8, 16), (16, 32), (32, 32),
    ]  # fmt: skip
    assert [norm.num_features for norm in critic.norms] == [8, 16, 32, 32]
    assert (critic.leave.in_channels, critic.leave.out_channels) == (32, 1)


def test_the_first_convolution_keeps_brightness() -> None:
    """It is not normalised: flat pictures of other brightness differ behind it, where a norm would make both zero."""
    torch.manual_seed(0)
    critic = PatchGAN(channels=1, width=4, strides=(2,), padding=1)
    nn.init.ones_(critic.convs[0].weight)
    nn.init.ones_(critic.leave.weight)
    with torch.inference_mode():
        dark, bright = (critic(torch.full((1, 1, 16, 16), value)) for value in (0.25, 0.5))
    # Where no border is near, a score adds 16 features of 4 channels, each of them 16 pixels; no bound cuts it off.
    assert (dark[0, 0, 3, 3].item(), bright[0, 0, 3, 3].item()) == (256.0, 512.0)


@pytest.mark.parametrize(
    ("critic", "channels", "scores"),
    [(pix2pix.Critic, 6, 30), (deep_generative_filter.Critic, 6, 15), (nah.Critic, 3, 1)],
)
def test_critics_score_patches_or_the_whole(critic: type[nn.Module], channels: int, scores: int) -> None:
    """Of a crop of 256, pix2pix' critic scores 30x30 patches of a pair, Nah et al.'s the picture as a whole."""
    with torch.inference_mode():
        assert critic()(torch.zeros(2, channels, 256, 256)).shape == (2, 1, scores, scores)

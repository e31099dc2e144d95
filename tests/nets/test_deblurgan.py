from itertools import pairwise

import pytest
import torch
from torch import nn

from detbench.nets.deblurgan import Critic, Generator, ResBlock, ResizeConv, ResizeGenerator


@pytest.fixture(scope="module")
def generator() -> Generator:
    """Untrained, in eval mode; tests leave it as it is."""
    torch.manual_seed(0)
    return Generator().eval()


def pictures(height: int, width: int) -> torch.Tensor:
    """One random picture in -1..1, the same on every call."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_every_res_block_has_two_convolutions(generator: Generator) -> None:
    """Without their second ones the generator would have 6,067,459 parameters."""
    assert sum(p.numel() for name, p in generator.named_parameters() if "conv2" not in name) == 6_067_459


@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20), (36, 8)])
def test_generator_keeps_size_and_range(generator: Generator, height: int, width: int) -> None:
    """A picture whose sides divide by 4 keeps its size and stays in -1..1."""
    with torch.inference_mode():
        restored = generator(pictures(height, width))
    assert restored.shape == (1, 3, height, width)
    assert restored.abs().max() <= 1


def test_generator_train_and_eval_differ_by_dropout_alone() -> None:
    """Instance norm keeps no running statistics: with dropout switched off, train mode restores the same picture."""
    net = Generator()
    blurred = pictures(16, 16)
    with torch.inference_mode():
        assert not torch.equal(net.train()(blurred), net.eval()(blurred))
        for module in net.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        assert torch.equal(net.train()(blurred), net.eval()(blurred))
    assert not list(net.buffers())


def test_generator_adds_its_output_to_the_input() -> None:
    """With a last layer of zeros the global skip alone is left, and the picture comes back."""
    net = Generator().eval()
    nn.init.zeros_(net.leave.weight)
    blurred = pictures(8, 12)
    with torch.inference_mode():
        assert torch.equal(net(blurred), blurred)


def test_weights_of_bfloat16_leave_the_picture_as_exact_as_it_is() -> None:
    """Features are computed in the type of the weights, and what they are added to is not rounded to it."""
    net = Generator().eval()
    nn.init.zeros_(net.leave.weight)
    blurred = pictures(8, 12)
    with torch.inference_mode():
        restored = net.to(torch.bfloat16)(blurred)
    assert restored.dtype == torch.float32
    assert torch.equal(restored, blurred)
    assert not torch.equal(blurred.bfloat16().float(), blurred)


def test_generator_does_not_darken_borders() -> None:
    """An averaging 7x7 convolution leaves a constant picture constant up to its corners: padding is by reflection."""
    net = Generator()
    nn.init.constant_(net.enter.weight, 1 / (3 * 49))
    with torch.inference_mode():
        entered = net.enter(torch.full((1, 3, 8, 12), 0.5))
    torch.testing.assert_close(entered, torch.full_like(entered, 0.5))


def test_resblock_is_two_convolutions_around_a_skip() -> None:
    """A block is x + norm(conv2(relu(norm(conv1(x))))), reflecting at its borders, with nothing after the sum."""
    block = ResBlock(4).eval()
    features = torch.randn(2, 4, 6, 5)
    norm, pad = nn.InstanceNorm2d(4), nn.ReflectionPad2d(1)
    inner = norm(nn.functional.conv2d(pad(features), block.conv1.weight, block.conv1.bias)).relu()
    change = norm(nn.functional.conv2d(pad(inner), block.conv2.weight, block.conv2.bias))
    torch.testing.assert_close(block(features), features + change, atol=1e-5, rtol=1e-5)


def test_the_resize_generator_differs_on_its_way_up() -> None:
    """It has the paper's number of parameters, keeps a picture's size, and has no transposed convolution."""
    net = ResizeGenerator().eval()
    assert sum(parameter.numel() for parameter in net.parameters()) == 11_378_179
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in net.modules())
    assert net.up1.conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    with torch.inference_mode():
        assert net(pictures(8, 12)).shape == (1, 3, 8, 12)


def test_only_transposed_convolutions_draw_a_grid() -> None:
    """Of constant features and weights, a transposed convolution makes a grid, a resize-convolution a plane."""
    grid, plane = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1), ResizeConv(1, 1)
    for parameter in (*grid.parameters(), *plane.parameters()):
        nn.init.constant_(parameter, 1 / 9)
    features = torch.ones(1, 1, 4, 4)
    assert grid(features)[0, 0, 2:6, 2:6].std() > 0.1
    torch.testing.assert_close(plane(features), torch.full((1, 1, 8, 8), 1 + 1 / 9))


def test_weights_start_as_the_paper_says(generator: Generator) -> None:
    """Weights are drawn from N(0, 0.02) and biases are 0, in both nets."""
    for net in (generator, Critic()):
        for name, parameter in net.named_parameters():
            if name.endswith("bias"):
                assert not parameter.any()
            elif parameter.numel() > 10_000:
                assert parameter.std().item() == pytest.approx(0.02, rel=0.05)
                assert abs(parameter.mean().item()) < 0.001


def test_critic_has_the_papers_parameters_and_map() -> None:
    """The critic has 2,764,737 parameters and scores a 256x256 crop on a 35x35 map, without a bound."""
    critic = Critic()
    assert sum(parameter.numel() for parameter in critic.parameters()) == 2_764_737
    with torch.inference_mode():
        assert critic(pictures(256, 256)).shape == (1, 1, 35, 35)
        nn.init.constant_(critic.leave.bias, -7.0)
        assert critic(pictures(32, 32)).max() < -1


def test_critic_sees_70_pixels() -> None:
    """Followed back through kernels and strides, one score sees a patch of 70x70 pixels."""
    side = 1
    for conv in reversed([*Critic().convs, Critic().leave]):
        side = (side - 1) * conv.stride[0] + conv.kernel_size[0]
    assert side == 70


def test_critic_looks_at_the_picture_alone() -> None:
    """The critic takes three channels, not the picture beside its blurred version, and each conv fits the next."""
    convs = [*Critic().convs, Critic().leave]
    assert convs[0].in_channels == 3
    assert all(first.out_channels == second.in_channels for first, second in pairwise(convs))

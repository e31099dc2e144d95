"""The densely connected generator: what makes it what it is."""

import pytest
import torch
from torch import nn

from detbench.nets.deep_generative_filter import DenseGenerator, DenseLayer


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


@pytest.mark.parametrize("dilation", [1, 3])
def test_a_dense_layer_reaches_as_far_as_its_dilation(dilation: int) -> None:
    """One more value on a side reaches the nine places that the dilated kernel has, its norms left out."""
    torch.manual_seed(0)
    layer = DenseLayer(4, dilation)
    layer.narrow_norm = layer.conv_norm = nn.Identity()
    features = torch.zeros(1, 4, 15, 15)
    changed = features.clone()
    changed[..., 7, 7] = 1
    with torch.inference_mode():
        rows, columns = (layer(features) - layer(changed)).abs().amax(dim=(0, 1)).nonzero().unbind(1)
    places = [7 - dilation, 7, 7 + dilation]
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (row, column) for row in places for column in places
    }


def test_borders_are_reflected() -> None:
    """The generator's 3x3 convolutions see no black frame: a flat picture gives flat features, corner and centre."""
    torch.manual_seed(0)
    net = DenseGenerator()
    with torch.inference_mode():
        features = net.enter(torch.full((1, 3, 6, 6), 0.5))
    torch.testing.assert_close(features, features[..., 3:4, 3:4].expand_as(features), atol=1e-6, rtol=0)

"""Layers that processors compute faster, each beside torch's own."""

import pytest
import torch
from torch import nn

from detbench.nets.fast_layers import FastDropout, FastInstanceNorm2d, PointwiseConv2d, is_computed_on_processor


@pytest.mark.parametrize("bias", [True, False])
def test_a_pointwise_convolution_is_torchs(bias: bool) -> None:
    """It has the names and values of an nn.Conv2d with kernel 1, its result, and the memory format channels_last."""
    layer, torchs = PointwiseConv2d(6, 4, 1, bias=bias), nn.Conv2d(6, 4, 1, bias=bias)
    torchs.load_state_dict(layer.state_dict())
    features = torch.randn(2, 6, 5, 7).to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(features), torchs(features), atol=1e-6, rtol=1e-5)
    assert layer(features).is_contiguous(memory_format=torch.channels_last)


def test_the_fast_instance_norm_is_torchs() -> None:
    """It is nn.InstanceNorm2d to 1e-5, with a gradient or without, and keeps channels_last."""
    features = (torch.randn(2, 8, 9, 7) * 3 + 2).to(memory_format=torch.channels_last)
    fast, torchs = FastInstanceNorm2d(8), nn.InstanceNorm2d(8)
    gradients = []
    for norm in (fast, torchs):
        wanted = features.clone().requires_grad_()
        (norm(wanted) ** 3).sum().backward()
        gradients.append(wanted.grad)
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)
    with_gradient = fast(features.clone().requires_grad_())
    with torch.inference_mode():
        for normed in (fast(features), with_gradient):
            torch.testing.assert_close(normed, torchs(features), atol=1e-5, rtol=0)
            assert normed.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("is_training", [True, False])
def test_weak_features_stay_weak(is_training: bool) -> None:
    """Of a variance far below its eps of 1e-5, both ways of the norm divide by the root of eps, as torch's does."""
    torch.manual_seed(0)
    features = 1e-4 * torch.randn(2, 3, 8, 8)
    with torch.set_grad_enabled(is_training):
        normed, torchs = FastInstanceNorm2d(3)(features), nn.InstanceNorm2d(3)(features)
    torch.testing.assert_close(normed, torchs, atol=1e-5, rtol=0)
    assert normed.std() == pytest.approx(1e-4 / 1e-5**0.5, rel=0.15)


def test_what_is_traced_or_elsewhere_holds_torchs_layers() -> None:
    """A processor's tensors are computed, those of another device and of an export are not."""
    assert is_computed_on_processor(torch.zeros(1))
    assert not is_computed_on_processor(torch.zeros(1, device="meta"))
    seen = []

    class Recorder(nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            seen.append(is_computed_on_processor(features))
            return features + 1

    torch.export.export(Recorder(), (torch.zeros(1),))
    assert seen
    assert not any(seen)


@pytest.mark.parametrize("is_training", [True, False])
def test_the_norm_keeps_its_eps(is_training: bool) -> None:
    """With an eps of the features' own size it is torch's, with a gradient as without one."""
    features = torch.randn(2, 3, 8, 10, generator=torch.Generator().manual_seed(0))
    with torch.set_grad_enabled(is_training):
        torch.testing.assert_close(FastInstanceNorm2d(3, eps=0.5)(features), nn.InstanceNorm2d(3, eps=0.5)(features))


@pytest.mark.parametrize("p", [0.25, 0.5])
def test_the_fast_dropout_drops_as_many_and_scales_the_rest(p: float) -> None:
    """Values are dropped by themselves, p of them, the rest are scaled to the same mean, and draws repeat by seed."""
    features = torch.rand(2, 32, 30, 31).to(memory_format=torch.channels_last) + 1
    dropout = FastDropout(p)
    torch.manual_seed(3)
    one, other = dropout(features), dropout(features)
    torch.manual_seed(3)
    torch.testing.assert_close(dropout(features), one, rtol=0, atol=0)
    assert one.is_contiguous(memory_format=torch.channels_last)
    dropped = one == 0
    torch.testing.assert_close(one[~dropped], features[~dropped] / (1 - p))
    share = pytest.approx(p, abs=0.01)  # four standard deviations of 59,520 draws
    assert dropped.float().mean().item() == share
    again = (other == 0)[dropped].float().mean().item()
    beside = dropped.flatten()[1:][dropped.flatten()[:-1]].float().mean().item()
    assert (again, beside) == (share, share)


def test_dropout_that_bytes_cannot_draw_is_torchs() -> None:
    """A share of no whole number of 256 parts, and a network that restores, take torch's own."""
    features = torch.ones(4, 1000)
    torch.manual_seed(0)
    ours = FastDropout(0.3)(features)
    torch.manual_seed(0)
    torch.testing.assert_close(ours, nn.Dropout(0.3)(features), rtol=0, atol=0)
    assert FastDropout(0.5).eval()(features) is features

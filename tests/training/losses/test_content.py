import pytest
import torch
from torch import Tensor, nn

from detbench.training.losses.content import (
    CROSS_ENTROPY,
    WASSERSTEIN,
    charbonnier,
    clip_weights,
    gradient_penalty,
    l1,
    l2,
    spectrum,
)


def pictures(seed: int, count: int = 3) -> Tensor:
    """Random pictures in -1..1, shape (count, 3, 6, 5)."""
    return torch.rand(count, 3, 6, 5, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_pixel_losses_of_a_constant_offset() -> None:
    """An offset of d costs |d| in L1 and d² in L2, whatever the pictures."""
    sharp = pictures(0)
    assert l1(sharp - 0.25, sharp).item() == pytest.approx(0.25)
    assert l2(sharp - 0.25, sharp).item() == pytest.approx(0.0625)


def test_charbonnier_is_l1_but_round_at_0() -> None:
    """An offset of .25 costs .250002; equal pictures cost 1e-3, where the gradient is 0 and not a jump."""
    sharp = pictures(0)
    assert charbonnier(sharp - 0.25, sharp).item() == pytest.approx(0.250002, abs=1e-6)
    restored = sharp.clone().requires_grad_()
    loss = charbonnier(restored, sharp)
    loss.backward()
    assert loss.item() == pytest.approx(1e-3)
    assert restored.grad is not None
    assert not restored.grad.any()


def test_the_spectrum_of_a_wave() -> None:
    """A cosine of amplitude a along 8 columns has one coefficient of the half spectrum: a/2·sqrt(pixels) of 5 a row."""
    sharp = torch.zeros(1, 3, 8, 8)
    wave = 0.5 * torch.cos(2 * torch.pi * torch.arange(8) / 8).expand(1, 3, 8, 8)
    assert spectrum(sharp + wave, sharp).item() == pytest.approx(0.25 * 8 / (8 * 5))
    assert spectrum(sharp, sharp).item() == 0
    half = spectrum((sharp + wave).bfloat16(), sharp.bfloat16())
    assert half.dtype == torch.float32


def test_wasserstein_is_a_difference_of_means() -> None:
    """The critic raises the mean score of sharp pictures and lowers that of restored ones; the generator raises it."""
    scores = torch.tensor([[1.0, 3.0]])
    losses = (WASSERSTEIN.real(scores), WASSERSTEIN.fake(scores), WASSERSTEIN.generator(scores))
    assert [loss.item() for loss in losses] == [-2, 2, -2]


def test_cross_entropy_is_that_of_log_odds() -> None:
    """A score s says sharp with probability σ(s): -ln σ(s) of sharp pictures, -ln(1 - σ(s)) of restored ones.

    The generator lowers -ln σ(s), which does not flatten where the critic is sure.
    """
    scores = torch.tensor([-3.0, 0.5])
    odds = torch.sigmoid(scores)
    torch.testing.assert_close(CROSS_ENTROPY.real(scores), -odds.log().mean())
    torch.testing.assert_close(CROSS_ENTROPY.fake(scores), -(1 - odds).log().mean())
    torch.testing.assert_close(CROSS_ENTROPY.generator(scores), -odds.log().mean())


def test_a_plane_of_slope_1_costs_nothing() -> None:
    """A critic w·x has the gradient w for every sample; its penalty is (‖w‖ - 1)² over all pixels and channels.

    A norm over the colour channels of each pixel would give another number.
    """
    weights = pictures(2, count=1)
    for slope, expected in ((1.0, 0.0), (3.0, 4.0)):
        scaled = slope * weights / weights.norm()
        penalty = gradient_penalty(
            lambda x, w=scaled: (x * w).sum(dim=(1, 2, 3)), pictures(0), pictures(1), torch.rand(3)
        )
        assert penalty.item() == pytest.approx(expected, abs=1e-5)


def test_each_sample_has_its_own_place_and_norm() -> None:
    """A critic ‖x‖²/2 has the gradient x: the penalty is the mean of (‖x‖ - 1)² over each sample's own mixture.

    One share for the whole batch, or one norm, would give another number.
    """
    sharp, restored, shares = pictures(0), pictures(1), torch.tensor([0.0, 0.25, 1.0])
    norms = [(share * s + (1 - share) * r).norm() for s, r, share in zip(sharp, restored, shares, strict=True)]
    expected = sum((norm - 1) ** 2 for norm in norms) / 3
    penalty = gradient_penalty(lambda x: x.square().sum(dim=(1, 2, 3)) / 2, sharp, restored, shares)
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_map_of_scores_counts_by_its_mean() -> None:
    """A critic that scores patches is penalised for the slope of their mean, not of their sum."""
    weights = pictures(2, count=1)
    weights = weights / weights.norm()
    penalty = gradient_penalty(
        lambda x: (x * weights).sum(dim=(1, 2, 3))[:, None, None, None].expand(-1, 1, 4, 4),
        pictures(0),
        pictures(1),
        torch.rand(3),
    )
    assert penalty.item() == pytest.approx(0, abs=1e-5)


def test_the_penalty_trains_the_critic() -> None:
    """Its gradient reaches the critic's weights, through the gradient that it is made of."""
    critic = nn.Conv2d(3, 1, 3)
    gradient_penalty(critic, pictures(0), pictures(1), torch.rand(3)).backward()
    assert critic.weight.grad is not None
    assert critic.weight.grad.abs().max() > 0


def test_clipping_holds_every_weight() -> None:
    """No weight or bias is outside the bound afterwards, and those inside are as they were."""
    critic = nn.Conv2d(3, 1, 3)
    before = critic.weight.detach().clone()
    clip_weights(critic, 0.125)
    assert max(parameter.abs().max().item() for parameter in critic.parameters()) <= 0.125
    assert torch.equal(critic.weight, before.clamp(-0.125, 0.125))

import pytest
import torch
from torch import Tensor, nn

from detbench.training.losses.feature_loss import FeatureLoss, feature_distance
from detbench.training.losses.target import Target

CPU = torch.device("cpu")


class Seeing(nn.Module):
    """A network whose features are the picture itself; notes what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Shape (N, 3, H, W) to itself."""
        self.seen.append(pictures)
        return [pictures]


def target(step: int = 0, height: int = 64, width: int = 96) -> Target:
    """Random sharp pictures for a step."""
    sharp = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Target(sharp, torch.ones(2, 1, 1), step)


def test_the_distance_is_relative_to_the_sharp_features() -> None:
    """Maps that are off by a tenth and by three tenths of their mean size are at distance .2; equal ones at 0."""
    sharp = [torch.full((1, 2, 4, 4), 2.0), torch.full((1, 5, 2, 2), -10.0)]
    assert feature_distance([sharp[0] * 1.1, sharp[1] * 0.7], sharp).item() == pytest.approx(0.2)
    assert feature_distance(sharp, sharp) == 0


def test_both_pictures_change_alike() -> None:
    """The same size and light for both, so that equal pictures stay equal; sides are multiples of 32."""
    network = Seeing()
    at = target(step=5)
    assert FeatureLoss([network], seed=3)([at.sharp], at) == 0
    restored, sharp = network.seen
    assert torch.equal(restored, sharp)
    assert not any(side % 32 for side in sharp.shape[2:])


def test_networks_take_turns() -> None:
    """Of three networks one a step, in order; each sees both pictures then and nothing else."""
    networks = [Seeing() for _ in range(3)]
    loss = FeatureLoss(networks, seed=0)
    for step in range(7):
        at = target(step)
        loss([at.sharp], at)
    assert [len(network.seen) for network in networks] == [6, 4, 4]


def test_the_loss_moves_the_restored_picture() -> None:
    """A step down its gradient brings a picture closer to the sharp one, through scaling and light."""
    at = target()
    loss = FeatureLoss([Seeing()], seed=0)
    moved = (at.sharp + 0.1).requires_grad_()
    before = loss([moved], at)
    before.backward()
    assert moved.grad is not None
    assert loss([moved - 0.05 * moved.grad / moved.grad.abs().max()], at) < before

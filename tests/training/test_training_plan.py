from collections.abc import Callable

import torch
from torch import Tensor, nn

from detbench.training.training_plan import (
    TrainingPlan,
    concat_with_blurred,
    finest,
    picture_alone,
    restored_alone,
    restored_around_zero,
)

BLURRED = torch.linspace(-1, 1, 3 * 8 * 8).reshape(1, 3, 8, 8)


class Pyramid(nn.Module):
    """Gives its input and a half of its size; notes what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.empty(0)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Shape (N, 3, H, W) to itself, and to (N, 3, H / 2, W / 2)."""
        self.seen = pictures
        return [pictures, pictures[..., ::2, ::2]]


def test_a_net_around_zero_sees_half_the_range() -> None:
    """It takes -0.5..0.5; what it gives at both scales is -1..1 again, so that one that changes nothing is exact."""
    net = Pyramid()
    fine, coarse = restored_around_zero(net, BLURRED)
    assert (net.seen.min(), net.seen.max()) == (-0.5, 0.5)
    assert torch.equal(fine, BLURRED)
    assert torch.equal(coarse, BLURRED[..., ::2, ::2])


def test_the_finest_scale_is_the_picture() -> None:
    """Of several scales the first; a net of one scale gives one."""
    assert torch.equal(finest(restored_around_zero(Pyramid(), BLURRED), BLURRED), BLURRED)
    (only,) = restored_alone(nn.Identity(), BLURRED)
    assert torch.equal(only, BLURRED)


def test_a_critic_sees_a_picture_or_a_pair() -> None:
    """Alone it is the restored picture; of a pair, channels 0..2 are the restored one's and 3..5 the blurred one's."""
    restored = BLURRED + 1
    assert picture_alone(restored, BLURRED) is restored
    pair = concat_with_blurred(restored, BLURRED)
    assert pair.shape == (1, 6, 8, 8)
    assert torch.equal(pair[:, :3], restored)
    assert torch.equal(pair[:, 3:], BLURRED)


def test_restoring_is_forward_then_picture(make_plan: Callable[..., TrainingPlan]) -> None:
    """The picture is made of the output and the blurred one: here the output is by how much to brighten it."""
    plan = make_plan(
        forward=lambda net, blurred: net(blurred).amax((1, 2, 3)),
        picture=lambda brighter, blurred: blurred + brighter[:, None, None, None] / 4,
    )
    torch.testing.assert_close(plan.restored(nn.Identity(), BLURRED), BLURRED + 0.25)

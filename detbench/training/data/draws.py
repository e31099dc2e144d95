"""Random numbers of a training, each a function of the seed and of how far it has come."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from detbench.training.data.processes import World

_DRAWS, _DROPOUT, JITTER = 2, 3, 4  # streams beside those of the crops


@dataclass(frozen=True)
class Draws:
    """Numbers for the samples of a batch: every process draws them all and takes its share, so all agree."""

    seed: int
    world: World
    device: torch.device

    def noise_and_shares(self, index: int, count: int, crop_px: int) -> tuple[Tensor, Tensor]:
        """For the `count` crops that are this process's of batch `index`: standard normal (count, 3, S, S), and uniform
        (count,) in 0..1.
        """
        batch = count * self.world.size
        generator = torch.Generator(self.device).manual_seed(_mixed(self.seed, _DRAWS, index))
        noise = torch.randn(batch, 3, crop_px, crop_px, generator=generator, device=self.device)
        shares = torch.rand(batch, generator=generator, device=self.device)
        own = self.world.share(batch)
        return noise[own.start : own.stop], shares[own.start : own.stop]

    def seed_dropout(self, step: int) -> None:
        """Set torch's own generator, which dropout draws from, for a step; processes differ."""
        torch.manual_seed(_mixed(self.seed, _DROPOUT, step, self.world.rank))


def _mixed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])

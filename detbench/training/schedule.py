"""What changes while a training goes on, as functions of how far it has come: nothing here has a state to lose."""

from dataclasses import dataclass
from math import cos, pi
from typing import Literal

Decay = Literal["linear", "cosine"]
"""How the rate falls to 0 in the last part: evenly, or along half a cosine wave."""


@dataclass(frozen=True)
class Schedule:
    """Lengths in generator steps: flat rate, then down to 0; at first the content losses alone, then the critic too.

    In the first `ramp_steps` the rate rises evenly. `critic_steps` steps of the critic go before each of the
    generator's, every one on a batch of its own. `epochs` divide the steps evenly.
    """

    flat_steps: int
    decay_steps: int
    warm_up_steps: int
    critic_steps: int
    ramp_steps: int = 0
    decay: Decay = "linear"
    epochs: int = 1

    @property
    def steps(self) -> int:
        """Generator steps in all."""
        return self.flat_steps + self.decay_steps

    def rate_factor(self, step: int) -> float:
        """Share of the learning rate in step `step`, from 0 on: 1 after the ramp, then falling towards 0."""
        risen = (step + 1) / max(1, self.ramp_steps)
        left = min(1.0, (self.steps - step) / (self.decay_steps + 1))
        return min(risen, left if self.decay == "linear" else (1 - cos(pi * left)) / 2)

    def has_critic(self, step: int) -> bool:
        """Whether the critic trains, and counts, in this step."""
        return self.critic_steps > 0 and step >= self.warm_up_steps

    def epochs_done(self, step: int) -> int:
        """How many epochs `step` steps are."""
        return step * self.epochs // self.steps

    def ends_epoch(self, step: int) -> bool:
        """Whether an epoch ends with the step just counted."""
        return self.epochs_done(step) > self.epochs_done(step - 1)

    def first_batch(self, step: int) -> int:
        """How many batches all steps before `step` have taken."""
        return step + self.critic_steps * max(0, step - self.warm_up_steps)


def average_share(decay: float, step: int) -> float:
    """How much of the generator's weights enters their moving average after step `step`, from 0 on.

    1 - decay, and more in the beginning, when the average would be that of the first random weights.
    """
    return 1 - min(decay, (1 + step) / (10 + step))

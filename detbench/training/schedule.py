"""What changes while a training goes on, as functions of how far it has come: nothing here has a state to lose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Lengths in generator steps: flat rate, then linear to 0; at first the content losses alone, then the critic too.

    In the first `ramp_steps` the rate rises evenly. `critic_steps` steps of the critic go before each of the
    generator's, every one on a batch of its own.
    """

    flat_steps: int
    decay_steps: int
    warm_up_steps: int
    critic_steps: int
    ramp_steps: int = 0

    @property
    def steps(self) -> int:
        """Generator steps in all."""
        return self.flat_steps + self.decay_steps

    def rate_factor(self, step: int) -> float:
        """Share of the learning rate in step `step`, from 0 on: 1 after the ramp, in the last part linear towards 0."""
        risen = (step + 1) / max(1, self.ramp_steps)
        return min(1.0, risen, (self.steps - step) / (self.decay_steps + 1))

    def has_critic(self, step: int) -> bool:
        """Whether the critic trains, and counts, in this step."""
        return self.critic_steps > 0 and step >= self.warm_up_steps

    def first_batch(self, step: int) -> int:
        """How many batches all steps before `step` have taken."""
        return step + self.critic_steps * max(0, step - self.warm_up_steps)


def average_share(decay: float, step: int) -> float:
    """How much of the generator's weights enters their moving average after step `step`, from 0 on.

    1 - decay, and more in the beginning, when the average would be that of the first random weights.
    """
    return 1 - min(decay, (1 + step) / (10 + step))

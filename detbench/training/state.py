"""Everything that a training changes: three networks, two optimisers, how many steps it has taken and will take.

Rate, data and random numbers follow from the step (`schedule.py`, `batches.py`, `draws.py`), so this is all that an
exact resume needs.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer

from detbench.nets.accelerate import accelerate
from detbench.training.clock import Timetable
from detbench.training.muon import Muon, uses_muon
from detbench.training.schedule import average_share
from detbench.training.training_plan import TrainingPlan


@dataclass
class State:
    """Generator, its moving average, critic, the optimisers that share their weights, `step`, the number of generator
    steps taken, and the `timetable` of a training by the clock, once it has one.
    """

    generator: nn.Module
    average: nn.Module
    critic: nn.Module
    generator_optimisers: Sequence[Optimizer]
    critic_optimisers: Sequence[Optimizer]
    step: int = 0
    timetable: Timetable | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the training by name; they are the ones in use, not copies."""
        nets = {"generator": self.generator, "average": self.average, "critic": self.critic}
        named = {f"{net}.{key}": tensor for net, module in nets.items() for key, tensor in module.state_dict().items()}
        optimisers = {"generator": self.generator_optimisers, "critic": self.critic_optimisers}
        for net, several in optimisers.items():
            remembered = {parameter: memory for each in several for parameter, memory in each.state.items()}
            for key, parameter in nets[net].named_parameters():
                named |= {f"{net}_{moment}.{key}": tensor for moment, tensor in remembered[parameter].items()}
        return named

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Go back, or on, to where `tensors` were the state's and it had taken `step` steps."""
        for key, tensor in self.tensors().items():
            tensor.copy_(tensors[key])
        self.step = step

    @torch.no_grad()
    def move_average(self, decay: float) -> None:
        """Take the generator's weights after the step just counted into their moving average."""
        share = average_share(decay, self.step - 1)
        for mean, weight in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(weight, share)


def new_state(plan: TrainingPlan, device: torch.device) -> State:
    """The state before the first step, in the memory format channels_last and with accelerated layers."""
    nets = (plan.generator, plan.critic)
    generator, critic = (accelerate(net).to(device).to(memory_format=torch.channels_last) for net in nets)
    average = deepcopy(generator).requires_grad_(False).eval()
    return State(
        generator.train(),
        average,
        critic.train(),
        _optimisers(generator, plan),
        [_adam(weights, plan)] if (weights := list(critic.parameters())) else [],
    )


def _optimisers(generator: nn.Module, plan: TrainingPlan) -> Sequence[Optimizer]:
    """Adam or AdamW for all weights, or Muon for those that it is for and Adam for the rest."""
    if plan.optimiser != "muon":
        return (_adam(list(generator.parameters()), plan, AdamW if plan.optimiser == "adamw" else Adam),)
    by_muon = [parameter for parameter in generator.parameters() if uses_muon(parameter)]
    others = [parameter for parameter in generator.parameters() if not uses_muon(parameter)]
    return Muon(by_muon, plan.learning_rate), _adam(others, plan)


def _adam(parameters: Sequence[nn.Parameter], plan: TrainingPlan, kind: type[Adam] = Adam) -> Adam:
    """Adam or AdamW with its memory laid out from the start, so that a checkpoint always has the same tensors."""
    decay = plan.weight_decay if kind is AdamW else 0.0
    adam = kind(parameters, lr=plan.learning_rate, betas=plan.betas, weight_decay=decay, fused=True)
    for parameter in parameters:
        # `fused` counts steps where the weights are.
        adam.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return adam

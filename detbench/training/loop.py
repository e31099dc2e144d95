"""The loop: critic steps, a generator step, and again. It knows no network by name; see `training_plan.py`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Literal

import torch
from torch import Tensor, nn

from detbench.errors import TrainingError
from detbench.training.data.blur_batch import Batch, blur_batch
from detbench.training.data.draws import Draws
from detbench.training.losses.content import clip_weights, gradient_penalty
from detbench.training.losses.target import Target
from detbench.training.schedule import Schedule
from detbench.training.state import State
from detbench.training.training_plan import TrainingPlan

Precision = Literal["fp32", "bf16"]
"""Of the networks' products: torch's own single precision (TF32 in CUDA's convolutions), or bfloat16 by autocast."""

Terms = dict[str, Tensor]

OpenBatches = Callable[[int], Iterator[Batch]]
"""Batches without end from a number on."""

AfterStep = Callable[[Mapping[str, float]], bool]
"""Called with the loss terms of each finished step, which the state has counted; returns whether to go on."""


@dataclass(frozen=True)
class Trainer:
    """What stays the same from step to step."""

    plan: TrainingPlan
    schedule: Schedule
    draws: Draws
    precision: Precision

    def train(self, state: State, open_batches: OpenBatches, after_step: AfterStep) -> None:
        """Train from the state's step to the schedule's end, or until `after_step` says no.

        Raises TrainingError, naming the term, in the step where a loss is not finite.
        """
        batches = enumerate(open_batches(self.schedule.first_batch(state.step)), self.schedule.first_batch(state.step))
        going_on = True
        while going_on and state.step < self.schedule.steps:
            self.draws.seed_dropout(state.step)
            self._set_rate(state)
            rounds = self.schedule.critic_steps if self.schedule.has_critic(state.step) else 0
            passes = [self._critic_step(state, *next(batches)) for _ in range(rounds)]
            passes.append(self._generator_step(state, *next(batches)))
            state.step += 1
            state.move_average(self.plan.average_decay)
            going_on = after_step(self._finite(passes, state.step))

    def _critic_step(self, state: State, index: int, batch: Batch) -> Terms:
        """Learn to score sharp pictures above restored ones, on a batch that neither net has trained on before."""
        blurred, target, shares = self._pictures(index, batch, state.step)
        sharp = target.sharp
        with self._autocast():
            with torch.no_grad():
                restored = self.plan.restored(state.generator, blurred).float()
            seen = torch.cat([self.plan.critic_input(sharp, blurred), self.plan.critic_input(restored, blurred)])
            of_sharp, of_restored = state.critic(seen).float().chunk(2)
        real, fake = self.plan.adversarial_loss.real(of_sharp), self.plan.adversarial_loss.fake(of_restored)
        terms = {"D_real": real, "D_fake": fake, "D_real+fake": real + fake}
        loss = terms["D_real+fake"]
        if self.plan.penalty_weight:
            # In single precision: eight bits are too few for the gradient of a gradient.
            terms["D_penalty"] = gradient_penalty(
                lambda pictures: state.critic(self.plan.critic_input(pictures, blurred)), sharp, restored, shares
            )
            loss = loss + self.plan.penalty_weight * terms["D_penalty"]
        self._descend(state.critic, state.critic_optimisers, loss)
        if self.plan.clip_bound is not None:
            clip_weights(state.critic, self.plan.clip_bound)
        return {name: term.detach() for name, term in terms.items()}

    def _generator_step(self, state: State, index: int, batch: Batch) -> Terms:
        """Come closer to the target, and, after the warm-up, to what the critic takes for sharp."""
        blurred, target, _ = self._pictures(index, batch, state.step)
        with self._autocast():
            output = self.plan.forward(state.generator, blurred)
            terms = {f"G_{loss.name}": loss.measure(output, target).float() for loss in self.plan.losses}
            total = sum((loss.weight * terms[f"G_{loss.name}"] for loss in self.plan.losses), torch.zeros(()))
            if self.schedule.has_critic(state.step):
                state.critic.requires_grad_(False)
                restored = self.plan.picture(output, blurred)
                scores = state.critic(self.plan.critic_input(restored, blurred)).float()
                terms["G_GAN"] = self.plan.adversarial_loss.generator(scores)
                total = total + self.plan.adversarial_weight * terms["G_GAN"]
        self._descend(state.generator, state.generator_optimisers, total, self.plan.clip_norm)
        state.critic.requires_grad_(True)
        return {name: term.detach() for name, term in terms.items()}

    def _pictures(self, index: int, batch: Batch, step: int) -> tuple[Tensor, Target, Tensor]:
        """Blurred pictures of batch `index` on the device, what they should become, and a random share for each."""
        noise, shares = self.draws.noise_and_shares(index, *batch.sharp.shape[:2])
        on_device = batch.to(self.draws.device)
        blurred, sharp = blur_batch(on_device, noise)
        return blurred, Target(sharp, on_device.kernel, step), shares

    def _descend(
        self,
        net: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
        loss: Tensor,
        clip_norm: float | None = None,
    ) -> None:
        net.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.draws.world.mean_gradients(net)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(net.parameters(), clip_norm)
        for optimiser in optimisers:
            optimiser.step()

    def _set_rate(self, state: State) -> None:
        rate = self.plan.learning_rate * self.schedule.rate_factor(state.step)
        for optimiser in (*state.generator_optimisers, *state.critic_optimisers):
            for group in optimiser.param_groups:
                group["lr"] = rate

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.draws.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _finite(self, passes: Sequence[Terms], step: int) -> dict[str, float]:
        """Each term's mean over a step's passes and all processes."""
        names = [name for terms in passes for name in terms]
        values = self.draws.world.mean(torch.stack([term for terms in passes for term in terms.values()])).tolist()
        named: dict[str, list[float]] = {}
        for name, value in zip(names, values, strict=True):
            named.setdefault(name, []).append(value)
            if not isfinite(value):  # the first in time: after it, everything is
                raise TrainingError(
                    f"step {step}: {name} is {value}. The last checkpoint is from before: go on from it with "
                    "--precision fp32, or start anew with a lower learning_rate"
                )
        return {name: fmean(values) for name, values in named.items()}

"""The deblurring networks that can be trained, as plans."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from detbench.nets.deblurgan import Critic, Generator, ResizeGenerator
from detbench.nets.weights import load_weights
from detbench.training.losses import l1, l2
from detbench.training.perceptual import load_vgg
from detbench.training.plan import Plan, WeightedLoss
from detbench.training.recipe import Recipe


@dataclass(frozen=True)
class Architecture:
    """A generator with its critic; `last` is the generator's last convolution, `paper` what its authors report."""

    generator: type[nn.Module]
    critic: type[nn.Module]
    last: str
    paper: str


_DEBLURGAN_PAPER = "GoPro: 27.2 dB, SSIM .954 (WILD), 23.6 dB, .884 (Synth), 28.7 dB, .958 (Comb); others 25.2-26.3 dB"

ARCHITECTURES: Mapping[str, Architecture] = {
    "deblurgan": Architecture(Generator, Critic, "leave", _DEBLURGAN_PAPER),
    "deblurgan-resize": Architecture(ResizeGenerator, Critic, "leave", _DEBLURGAN_PAPER),
}


def make_plan(
    architecture: str, recipe: Recipe, vgg: Path | None, device: torch.device, start: Path | None = None
) -> Plan:
    """The plan of an architecture, its weights drawn from the recipe's seed, or the generator's from the file `start`.

    `vgg` is VGG19's file. Raises UsageError for an unknown layer of VGG19, WeightsError where its weights or those to
    start from cannot be had.
    """
    kind = ARCHITECTURES[architecture]
    torch.manual_seed(recipe.seed)
    generator, critic = kind.generator(), kind.critic()
    for module in generator.modules():
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    if recipe.zero_last:
        nn.init.zeros_(generator.get_parameter(f"{kind.last}.weight"))
    if start is not None:
        load_weights(generator, start, architecture)
    return Plan(
        architecture=architecture,
        generator=generator,
        critic=critic,
        losses=tuple(_content_losses(recipe, vgg, device)),
        learning_rate=recipe.learning_rate,
        betas=recipe.betas,
        adversarial_weight=recipe.adversarial_weight,
        penalty_weight=recipe.penalty_weight,
        clip_bound=recipe.clip_bound if recipe.bound == "clipping" else None,
        average_decay=recipe.average_decay,
    )


def _content_losses(recipe: Recipe, vgg: Path | None, device: torch.device) -> Iterator[WeightedLoss]:
    """Those of the recipe's content losses that have a weight, of the finest scale."""
    if recipe.vgg_weight:
        features = load_vgg(vgg, recipe.vgg_layer).to(device).to(memory_format=torch.channels_last)
        yield WeightedLoss("VGG", recipe.vgg_weight, lambda restored, sharp: l2(features(restored[0]), features(sharp)))
    if recipe.l1_weight:
        yield WeightedLoss("L1", recipe.l1_weight, lambda restored, sharp: l1(restored[0], sharp))
    if recipe.l2_weight:
        yield WeightedLoss("L2", recipe.l2_weight, lambda restored, sharp: l2(restored[0], sharp))

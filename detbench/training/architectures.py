"""The deblurring networks that can be trained, as plans: generator, critic, and their authors' own settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from detbench.blur.recipes import TrajectoryRecipe
from detbench.errors import UsageError
from detbench.nets import blind_kernel, deblurgan, deep_generative_filter, nafnet, nah, pix2pix
from detbench.nets.layers import RestorationNet
from detbench.nets.weights import load_weights
from detbench.training.clock import Layout
from detbench.training.data.sources import Source
from detbench.training.losses.content import CROSS_ENTROPY, WASSERSTEIN, charbonnier, l1, l2, spectrum
from detbench.training.losses.detector_features import load_detector_features
from detbench.training.losses.feature_loss import FeatureLoss
from detbench.training.losses.kernel_losses import (
    edge_loss,
    estimated,
    filtered,
    filtered_loss,
    guess_loss,
    kernel_loss,
)
from detbench.training.losses.mobilenet_features import load_mobilenet_features
from detbench.training.losses.perceptual import load_vgg
from detbench.training.losses.target import Target, WeightedLoss
from detbench.training.recipe import KERNEL_WEIGHTS, PICTURE_WEIGHTS, Recipe
from detbench.training.training_plan import (
    CriticInput,
    Forward,
    Picture,
    TrainingPlan,
    concat_with_blurred,
    finest,
    picture_alone,
    restored_alone,
    restored_around_zero,
)


@dataclass(frozen=True)
class Architecture:
    """A generator with its critic, where it has one; crops divide by `multiple` and have sides of `least_px`.

    `paper` is what its authors report, `recipe` the settings they trained it with. One that `estimates_kernels` takes
    grey pictures, gives kernels, and learns from pictures whose kernel is known; the others give pictures.
    """

    generator: type[nn.Module]
    critic: type[nn.Module] | None
    paper: str
    recipe: Recipe = field(default_factory=Recipe)
    forward: Forward = restored_alone
    picture: Picture = finest
    critic_input: CriticInput = picture_alone
    multiple: int = 4
    least_px: int = 32
    estimates_kernels: bool = False


_DEBLURGAN_PAPER = "GoPro: 27.2 dB, SSIM .954 (WILD), 23.6 dB, .884 (Synth), 28.7 dB, .958 (Comb); others 25.2-26.3 dB"

_NAH_RECIPE = Recipe(
    vgg_weight=0,
    l2_weight=0.25,  # theirs is 1 with values 0..1, ours are -1..1
    adversarial_weight=1e-4,
    adversary="cross_entropy",
    critic_steps=1,
    epochs=286,  # theirs: 3e5 steps on GoPro's 2,103 pairs at this rate, 6e5 at a tenth of it
    decay_epochs=571,
    batch=2,
    learning_rate=5e-5,
    betas=(0.9, 0.999),
    augmented=True,
    sharp_share=0.1,
)
_FILTER_RECIPE = Recipe(
    vgg_weight=145,  # theirs is VGG16, alike up to this layer
    vgg_layer="conv2_2",
    l1_weight=170,
    adversary="cross_entropy",
    critic_steps=1,
    learning_rate=3e-4,
)
_PIX2PIX_RECIPE = Recipe(
    vgg_weight=0,
    l1_weight=100,
    adversary="cross_entropy",
    critic_steps=1,
    epochs=100,
    decay_epochs=100,
    learning_rate=2e-4,
)
_NAFNET_RECIPE = Recipe(
    vgg_weight=0,
    l1_weight=100,
    detector_weight=10,  # theirs has none
    critic_steps=0,
    batch=12,
    learning_rate=1e-3,
    ramp_steps=200,
    clip_norm=1.0,
    betas=(0.9, 0.9),
    average_decay=0.999,
    init_as_identity=True,
    crop_px=128,
)
_BLIND_RECIPE = Recipe(
    vgg_weight=0,
    kernel_weight=2,
    filtered_weight=10,
    guess_weight=0.5,
    edge_weight=0.3,
    critic_steps=0,
    epochs=10,
    decay_epochs=90,
    batch=8,
    learning_rate=1e-3,
    ramp_steps=100,
    clip_norm=1.0,
    betas=(0.9, 0.99),
    average_decay=0.998,
    crop_px=192,
    blurs=("trajectory:light=gamma", "trajectory:light=linear"),
    sharp_share=0.04,
    varied_share=0.4,
    most_noise=6.0,
    saturated_share=0.25,
)

_PICTURE_LOSSES = {"L1": l1, "L2": l2, "charbonnier": charbonnier, "spectrum": spectrum}
_KERNEL_LOSSES = {"kernel": kernel_loss, "filtered": filtered_loss, "guess": guess_loss, "edge": edge_loss}

ARCHITECTURES: Mapping[str, Architecture] = {
    "deblurgan": Architecture(deblurgan.Generator, deblurgan.Critic, _DEBLURGAN_PAPER),
    "deblurgan-resize": Architecture(deblurgan.ResizeGenerator, deblurgan.Critic, _DEBLURGAN_PAPER),
    "nah": Architecture(
        nah.MultiScaleNet,
        nah.Critic,
        "GoPro: 29.08-29.23 dB, SSIM .914-.916; the authors' later port, L1 alone: 30.40 dB, .902",
        _NAH_RECIPE,
        restored_around_zero,
        multiple=128,
    ),
    "deep_generative_filter": Architecture(
        deep_generative_filter.DenseGenerator,
        deep_generative_filter.Critic,
        "no figure of its own on GoPro that could be checked",
        _FILTER_RECIPE,
        critic_input=concat_with_blurred,
    ),
    "pix2pix": Architecture(
        pix2pix.UNet,
        pix2pix.Critic,
        "none for deblurring: its authors translate between kinds of pictures",
        _PIX2PIX_RECIPE,
        critic_input=concat_with_blurred,
        multiple=pix2pix.MULTIPLE,
    ),
    "nafnet": Architecture(
        nafnet.NAFNet,
        deblurgan.Critic,  # theirs has none, nor has the recipe
        "GoPro: 33.7 dB (width 64), 32.9 dB (width 32), both at full resolution",
        _NAFNET_RECIPE,
        multiple=nafnet.MULTIPLE,
    ),
    "blind": Architecture(
        blind_kernel.BlindKernel,
        None,
        "none: the network is this project's own",
        _BLIND_RECIPE,
        estimated,
        filtered,
        multiple=blind_kernel.MULTIPLE,
        least_px=blind_kernel.LEAST_PX,
        estimates_kernels=True,
    ),
}


def make_plan(
    architecture: str,
    recipe: Recipe,
    vgg: Path | None,
    device: torch.device,
    start: Path | None = None,
    detectors: Sequence[Path] = (),
    backbone: Path | None = None,
) -> TrainingPlan:
    """The plan of an architecture, its weights drawn from the recipe's seed, or the generator's from the file `start`.

    `vgg` is VGG19's file, `detectors` are YOLOs', without any the shipped one's, `backbone` is a MobileNetV2's. Raises
    UsageError for an unknown layer of VGG19 and for crops, losses and blurs that are not for the network, WeightsError
    where the weights of one of these networks or to start from cannot be had.
    """
    kind = ARCHITECTURES[architecture]
    _check_crops(architecture, recipe)
    _check_losses(architecture, recipe)
    if kind.estimates_kernels:
        _check_blurs(architecture, recipe)
    torch.manual_seed(recipe.seed)
    generator, critic = kind.generator(), kind.critic() if kind.critic else nn.Identity()
    for module in generator.modules():
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    if recipe.init_as_identity:
        cast(RestorationNet, generator).init_as_identity()
    if start is not None:
        load_weights(generator, start, architecture)
    return TrainingPlan(
        architecture=architecture,
        generator=generator,
        critic=critic,
        losses=tuple(_content_losses(recipe, vgg, detectors, backbone, device)),
        learning_rate=recipe.learning_rate,
        betas=recipe.betas,
        optimiser=recipe.optimiser,
        weight_decay=recipe.weight_decay,
        adversarial_loss=CROSS_ENTROPY if recipe.adversary == "cross_entropy" else WASSERSTEIN,
        adversarial_weight=recipe.adversarial_weight,
        penalty_weight=recipe.penalty_weight if recipe.adversary == "wasserstein_penalty" else 0.0,
        clip_bound=recipe.clip_bound if recipe.adversary == "wasserstein_clipping" else None,
        clip_norm=recipe.clip_norm or None,
        average_decay=recipe.average_decay,
        forward=kind.forward,
        picture=kind.picture,
        critic_input=kind.critic_input,
        multiple=kind.multiple,
    )


def check_sources(architecture: str, sources: Sequence[Source]) -> None:
    """Raise UsageError where a network is to learn kernels from pairs, whose kernels are unknown."""
    pairs = [source.name for source in sources if source.kind == "pairs"]
    if pairs and ARCHITECTURES[architecture].estimates_kernels:
        raise UsageError(
            f"{architecture} learns from the blur kernels of its pictures, which pairs do not have: leave "
            f"{', '.join(pairs)} out and give folders of sharp pictures, which are blurred on the fly"
        )


def _check_crops(architecture: str, recipe: Recipe) -> None:
    kind = ARCHITECTURES[architecture]
    sides = [("crop_px", recipe.crop_px), ("held_out_px", recipe.held_out_px)]
    for name, side in (*sides, *(("crop_growth", px) for _, px, _ in recipe.crop_growth)):
        if side % kind.multiple or side < kind.least_px:
            least = f" from {kind.least_px} on" if side < kind.least_px else ""
            raise UsageError(f"{name} is {side}, but {architecture} takes multiples of {kind.multiple}{least}")


def _check_losses(architecture: str, recipe: Recipe) -> None:
    """Hold a network to losses that it can have: of kernels, or of pictures and a critic."""
    kind = ARCHITECTURES[architecture]
    others = (*PICTURE_WEIGHTS, "critic_steps", "init_as_identity") if kind.estimates_kernels else KERNEL_WEIGHTS
    for name in others:
        if getattr(recipe, name):
            gives = "a kernel and has no critic" if kind.estimates_kernels else "pictures"
            raise UsageError(f"{name} is {getattr(recipe, name)}, but {architecture} gives {gives}; leave it out")


def _check_blurs(architecture: str, recipe: Recipe) -> None:
    """Hold the blurs to what is one kernel, and one of the network's size."""
    crops = recipe.crops(recipe.crop_px, Layout(1, 1))
    if crops.margin_px > blind_kernel.RADIUS or not all(isinstance(blur, TrajectoryRecipe) for blur in crops.blurs):
        raise UsageError(
            f"blurs is {', '.join(recipe.blurs)}, but {architecture} finds one kernel a picture, which reaches at most "
            f"{blind_kernel.RADIUS} px: name trajectories of at most {2 * (blind_kernel.RADIUS - 1)} px"
        )


def _content_losses(
    recipe: Recipe, vgg: Path | None, detectors: Sequence[Path], backbone: Path | None, device: torch.device
) -> Iterator[WeightedLoss]:
    """Those of the recipe's content losses that have a weight."""
    if recipe.vgg_weight:
        features = load_vgg(vgg, recipe.vgg_layer).to(device).to(memory_format=torch.channels_last)
        yield WeightedLoss(
            "VGG", recipe.vgg_weight, at_each_scale(lambda restored, sharp: l2(features(restored), features(sharp)))
        )
    for name, loss in _PICTURE_LOSSES.items():
        if weight := getattr(recipe, f"{name.lower()}_weight"):
            yield WeightedLoss(name, weight, at_each_scale(loss))
    if recipe.detector_weight:
        networks: list[nn.Module] = [load_detector_features(file) for file in detectors or (None,)]
        networks += [load_mobilenet_features(backbone)] if backbone else []
        placed = [network.to(device).to(memory_format=torch.channels_last) for network in networks]
        yield WeightedLoss("detector", recipe.detector_weight, FeatureLoss(placed, recipe.seed))
    for name, measure in _KERNEL_LOSSES.items():
        if weight := getattr(recipe, f"{name}_weight"):
            yield WeightedLoss(name, weight, measure)


def at_each_scale(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Sequence[Tensor], Target], Tensor]:
    """The sum of a loss over a generator's scales, each beside the sharp picture at its size."""

    def summed(restored: Sequence[Tensor], target: Target) -> Tensor:
        levels = nah.gaussian_pyramid(target.sharp, len(restored))
        return torch.stack([loss(*pair) for pair in zip(restored, levels, strict=True)]).sum()

    return summed

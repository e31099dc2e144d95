"""The settings of a training, DeblurGAN's as defaults, and the TOML file that changes them."""

import tomllib
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from detbench.blur.recipes import MOST_NOISE, parse_picture_recipe
from detbench.errors import UsageError, did_you_mean
from detbench.training.clock import Layout
from detbench.training.data.crop_sizes import CropSizes, CropStage
from detbench.training.data.crops import CropRecipe
from detbench.training.schedule import Decay, Schedule
from detbench.training.training_plan import Optimiser

PICTURE_WEIGHTS = ("vgg_weight", "l1_weight", "l2_weight", "charbonnier_weight", "spectrum_weight", "detector_weight")
KERNEL_WEIGHTS = ("kernel_weight", "filtered_weight", "guess_weight", "edge_weight")
"""Settings of the content losses, of networks that restore pictures and of those that estimate kernels."""

Adversary = Literal["wasserstein_penalty", "wasserstein_clipping", "cross_entropy"]


@dataclass(frozen=True)
class Recipe:
    """One training, whatever the pictures and the machine; defaults are those of Kupyn et al., CVPR 2018.

    An epoch is as many generator steps as it takes to draw as many crops as there are pictures. Raises UsageError
    where a setting is out of range.
    """

    # the generator's losses by weight, content at each of its scales; content losses of weight 0 are not computed
    vgg_weight: float = 100.0  # squared difference of VGG19's features
    l1_weight: float = 0.0  # absolute difference of the pixels
    l2_weight: float = 0.0  # squared difference of the pixels
    charbonnier_weight: float = 0.0  # absolute difference of the pixels, round at 0
    spectrum_weight: float = 0.0  # absolute difference of the Fourier coefficients
    detector_weight: float = 0.0  # difference of detectors' features, relative to their size
    adversarial_weight: float = 1.0
    # those of a network that estimates the kernel, which has no others; see kernel_losses.py
    kernel_weight: float = 0.0  # squared difference of the kernel, relative to its size
    filtered_weight: float = 0.0  # absolute difference of the picture that Wiener's filter makes with it
    guess_weight: float = 0.0  # squared difference of the kernels on the way, each at its scale
    edge_weight: float = 0.0  # difference of the gradients that they are made of, relative to their size
    vgg_layer: str = "conv3_3"

    # the critic
    adversary: Adversary = "wasserstein_penalty"  # what it plays for, and what holds its slope
    penalty_weight: float = 10.0
    clip_bound: float = 0.01
    critic_steps: int = 5  # before each of the generator's; 0 trains without a critic
    warm_up_share: float = 0.0  # of the steps, content loss alone; then the critic joins

    # how long and how fast
    epochs: int = 150  # at the full rate
    decay_epochs: int = 150  # down to 0
    decay: Decay = "linear"  # or "cosine", which falls slowly at first and at last
    epoch_steps: int | None = None  # generator steps an epoch, where pictures are few and crops are endless
    steps: int | None = None  # generator steps in all; epochs are even parts of them then
    batch: int = 1  # crops a step, of all processes together
    learning_rate: float = 1e-4
    ramp_steps: int = 0  # in which the rate rises to that
    clip_norm: float = 0.0  # a longer gradient of the generator, over all weights, is shortened to it; 0 is no bound
    optimiser: Optimiser = "adam"  # or "adamw", or "muon", which takes the betas for what it leaves to Adam
    weight_decay: float = 0.0  # of AdamW, as a share of the learning rate
    betas: tuple[float, float] = (0.5, 0.999)
    average_decay: float = 0.0  # of the moving average of the generator's weights, which is what is kept
    init_as_identity: bool = False  # the untrained network gives back what it gets, or nearly
    dropout: float = 0.5  # in the generator, where it has any; never while it restores
    seed: int = 0

    # the crops
    crop_px: int = 256
    crop_growth: tuple[tuple[float, int, int], ...] = ()  # later: share of the steps, then crop_px and batch
    longest_px: int = 640  # longer side of a picture, larger ones are scaled down: GoPro's become 640x360
    blurs: tuple[str, ...] = ("trajectory:light=linear", "shake")  # one is drawn for each crop of a sharp picture
    sharp_share: float = 0.0  # of those crops, not blurred at all
    varied_share: float = 0.0  # of the trajectories, 5 to 60 px long and from nearly straight to jittery
    most_noise: float = 0.0  # in grey levels; above 0 it is drawn for each crop instead of being the blur's
    saturated_share: float = 0.0  # of the crops, so bright that lights are cut off
    augmented: bool = False  # not only mirrored: turned, channels permuted, saturation and noise varied, as Nah et al.
    growth_start: float = 1.0  # length of the blurs in the beginning, as a share
    growth_epochs: int = 0  # until they have their full length

    # watching it
    held_out_crops: int = 24
    held_out_px: int = 256
    held_out_pictures: int = 24  # whole ones with boxes, for the detector's mAP; 0 leaves it out
    log_steps: int = 100

    def __post_init__(self) -> None:
        for name, kind in (("adversary", Adversary), ("optimiser", Optimiser), ("decay", Decay)):
            words = get_args(kind)
            _check(name, getattr(self, name), getattr(self, name) in words, f"one of {', '.join(words)}")
        content = (*PICTURE_WEIGHTS, *KERNEL_WEIGHTS)
        for name in (*content, "adversarial_weight", "penalty_weight"):
            _check(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        _check("vgg_weight", self.vgg_weight, any(getattr(self, name) for name in content), "above 0, or another one")
        for name in ("batch", "learning_rate", "clip_bound", "held_out_crops", "log_steps"):
            _check(name, getattr(self, name), getattr(self, name) > 0, "above 0")
        _check("epochs", self.epochs, self.epochs + self.decay_epochs > 0, "above 0, or decay_epochs")
        is_decaying = self.optimiser == "adamw" or not self.weight_decay
        _check("weight_decay", self.weight_decay, is_decaying, "0 unless optimiser is adamw")
        lengths = ("epochs", "critic_steps", "decay_epochs", "ramp_steps", "growth_epochs")
        for name in (*lengths, "clip_norm", "weight_decay", "held_out_pictures", "seed"):
            _check(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        for name in ("sharp_share", "varied_share", "saturated_share", "growth_start", "dropout", "warm_up_share"):
            _check(name, getattr(self, name), 0 <= getattr(self, name) <= 1, "in 0..1")
        for name in ("crop_px", "held_out_px"):
            _check(name, getattr(self, name), _is_side(getattr(self, name)), _SIDES)
        self._check_crop_growth()
        _check("most_noise", self.most_noise, 0 <= self.most_noise <= MOST_NOISE, f"in 0..{MOST_NOISE}")
        _check("longest_px", self.longest_px, self.longest_px >= 32, "32 or more")
        _check("average_decay", self.average_decay, 0 <= self.average_decay < 1, "0 or more and below 1")
        _check("growth_start", self.growth_start, self.growth_start > 0, "above 0")
        for name in ("epoch_steps", "steps"):
            _check(name, getattr(self, name), getattr(self, name) is None or getattr(self, name) > 0, "above 0")
        self.crops(self.crop_px, Layout(1, 1))

    def _check_crop_growth(self) -> None:
        value, shares = self.crop_growth, [share for share, _, _ in self.crop_growth]
        is_rising = all(0 <= one < other <= 1 for one, other in pairwise([0.0, *shares, 1.0]))
        _check("crop_growth", value, is_rising, "of rising shares between 0 and 1, as [[0.35, 192, 6], [0.75, 256, 3]]")
        _check("crop_growth", value, all(_is_side(px) for _, px, _ in value), f"of crops with sides {_SIDES}")
        _check("crop_growth", value, all(0 < n <= self.batch for _, _, n in value), f"of batches of 1 to {self.batch}")

    def layout(self, pictures: int) -> Layout:
        """Steps and epochs with so many pictures to train on."""
        epochs = self.epochs + self.decay_epochs
        return Layout(self.steps or epochs * (self.epoch_steps or -(-pictures // self.batch)), epochs)

    def schedule(self, layout: Layout) -> Schedule:
        """The schedule in steps."""
        flat_steps = self._steps(self.epochs, layout)
        return Schedule(
            flat_steps=flat_steps,
            decay_steps=layout.steps - flat_steps,
            warm_up_steps=round(layout.steps * self.warm_up_share),
            critic_steps=self.critic_steps,
            ramp_steps=self.ramp_steps,
            decay=self.decay,
            epochs=layout.epochs,
        )

    def _steps(self, epochs: int, layout: Layout) -> int:
        """The steps of so many of the recipe's epochs."""
        return round(layout.steps * epochs / (self.epochs + self.decay_epochs))

    def crop_sizes(self, layout: Layout) -> CropSizes:
        """The sizes of crops and batches, by the number of the batch."""
        schedule = self.schedule(layout)
        grown = ((schedule.first_batch(round(layout.steps * share)), *size) for share, *size in self.crop_growth)
        return CropSizes((CropStage(0, self.crop_px, self.batch), *(CropStage(*stage) for stage in grown)))

    def parts(self) -> list[float]:
        """The shares of the steps from which on a step takes another time: crops grow, or the critic joins."""
        joins = [] if self.joins is None else [self.joins]
        return sorted({0.0, *joins, *(share for share, _, _ in self.crop_growth)})

    @property
    def joins(self) -> float | None:
        """The share of the steps from which on there is a critic; None where there is one from the start, or never."""
        return self.warm_up_share if self.critic_steps and 0 < self.warm_up_share < 1 else None

    def crops(self, crop_px: int, layout: Layout) -> CropRecipe:
        """How crops of a size are made; raises UsageError for a blur that cannot be read."""
        blurs = tuple(parse_picture_recipe(text) for text in self.blurs)
        growth_crops = self.batch * self.schedule(layout).first_batch(self._steps(self.growth_epochs, layout))
        return CropRecipe(
            crop_px=crop_px,
            longest_px=self.longest_px,
            blurs=blurs,
            sharp_share=self.sharp_share,
            growth_start=self.growth_start,
            growth_crops=growth_crops,
            varied_share=self.varied_share,
            most_noise=self.most_noise,
            saturated_share=self.saturated_share,
        )


_SIDES = "a multiple of 4, 32 or more"


def _is_side(px: int) -> bool:
    return px >= 32 and px % 4 == 0


def read_recipe(file: Path | None, defaults: Recipe) -> Recipe:
    """The recipe of a TOML file: the settings it names, `defaults` for the rest and without a file.

    Raises UsageError for a file that cannot be read and for a setting that is unknown, of another type or out of range.
    """
    if file is None:
        return defaults
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: no recipe in TOML ({error})") from error
    known = {field.name: field.default for field in fields(Recipe)}
    for name in settings:
        if name not in known:
            raise UsageError(f"{file}: no setting {name!r}.{did_you_mean(name, known)} Settings: {', '.join(known)}")
    try:
        return replace(defaults, **{name: _typed(name, value, known[name]) for name, value in settings.items()})
    except (UsageError, OverflowError) as error:
        raise UsageError(f"{file}: {error}") from None


def _typed(name: str, value: Any, default: Any) -> Any:
    """A TOML value as the type of the setting's default; TOML has lists for tuples, and 1 for 1.0."""
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if name == "crop_growth" and isinstance(value, list):
        return tuple(_stage(name, stage) for stage in value)
    if isinstance(default, tuple) and isinstance(value, list):
        parts = tuple(_typed(name, part, default[0]) for part in value)
        _check(name, value, name != "betas" or len(parts) == len(default), "two numbers")
        return parts
    wanted = int if default is None else type(default)
    _check(name, value, type(value) is wanted, f"of type {wanted.__name__}")
    return value


def _stage(name: str, value: Any) -> tuple[float, int, int]:
    is_stage = isinstance(value, list) and [type(part) for part in value[1:]] == [int, int]
    _check(name, value, is_stage and type(value[0]) in (int, float), "a share, crop_px and batch, as [0.35, 192, 6]")
    return float(value[0]), value[1], value[2]


def _check(name: str, value: object, is_right: bool, wanted: str) -> None:
    if not is_right:
        raise UsageError(f"{name} is {value!r}, but must be {wanted}")

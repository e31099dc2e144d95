"""The settings of a training, DeblurGAN's as defaults, and the TOML file that changes them."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from detbench.blur.recipes import MOST_NOISE, ShakeRecipe, TrajectoryRecipe, parse_picture_recipe
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
class Bounds:
    """What a number may be; None does not bound it. msgspec's own would be one more package for a packed training."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    multiple_of: int | None = None


NotNegative, Positive, Share = Bounds(ge=0), Bounds(gt=0), Bounds(ge=0, le=1)
Side = Bounds(ge=32, multiple_of=4)
"""Of a crop, in pixels, as the networks take it."""


@dataclass(frozen=True)
class Recipe:
    """One training, whatever the pictures and the machine; defaults are those of Kupyn et al., CVPR 2018.

    An epoch is as many generator steps as it takes to draw as many crops as there are pictures. Raises UsageError
    where a setting is out of range.
    """

    # the generator's losses by weight, content at each of its scales; content losses of weight 0 are not computed
    vgg_weight: Annotated[float, NotNegative, "weight of the squared difference of VGG19's features"] = 100.0
    l1_weight: Annotated[float, NotNegative, "weight of the absolute difference of the pixels"] = 0.0
    l2_weight: Annotated[float, NotNegative, "weight of the squared difference of the pixels"] = 0.0
    charbonnier_weight: Annotated[float, NotNegative, "weight of the absolute difference of the pixels, round at 0"] = (
        0.0
    )
    spectrum_weight: Annotated[float, NotNegative, "weight of the absolute difference of the Fourier coefficients"] = (
        0.0
    )
    detector_weight: Annotated[
        float, NotNegative, "weight of the difference of detectors' features, relative to their size"
    ] = 0.0
    adversarial_weight: Annotated[float, NotNegative, "weight of the critic's verdict"] = 1.0
    # those of a network that estimates the kernel, which has no others; see kernel_losses.py
    kernel_weight: Annotated[
        float, NotNegative, "blind: weight of the squared difference of the kernel, relative to its size"
    ] = 0.0
    filtered_weight: Annotated[
        float, NotNegative, "blind: weight of the absolute difference of the picture that Wiener's filter makes with it"
    ] = 0.0
    guess_weight: Annotated[
        float, NotNegative, "blind: weight of the squared difference of the kernels on the way, each at its scale"
    ] = 0.0
    edge_weight: Annotated[
        float, NotNegative, "blind: weight of the difference of the gradients that kernels are made of"
    ] = 0.0
    vgg_layer: Annotated[str, "the layer of VGG19 whose features are compared"] = "conv3_3"

    # the critic
    adversary: Annotated[Adversary, "what the critic plays for, and what holds its slope"] = "wasserstein_penalty"
    penalty_weight: Annotated[float, NotNegative, "weight of the gradient penalty"] = 10.0
    clip_bound: Annotated[float, Positive, "largest weight of a critic that wasserstein_clipping holds"] = 0.01
    critic_steps: Annotated[
        int, NotNegative, "the critic's before each of the generator's; 0 trains without a critic"
    ] = 5
    warm_up_share: Annotated[float, Share, "share of the steps with content loss alone; then the critic joins"] = 0.0

    # how long and how fast
    epochs: Annotated[int, NotNegative, "epochs at the full rate"] = 150
    decay_epochs: Annotated[int, NotNegative, "epochs down to rate 0"] = 150
    decay: Annotated[Decay, "how the rate falls; cosine falls slowly at first and at last"] = "linear"
    epoch_steps: Annotated[
        int | None, Positive, "generator steps an epoch, where pictures are few and crops are endless"
    ] = None
    steps: Annotated[int | None, Positive, "generator steps in all; epochs are even parts of them then"] = None
    batch: Annotated[int, Positive, "crops a step, of all processes together"] = 1
    learning_rate: Annotated[float, Positive, "the full rate"] = 1e-4
    ramp_steps: Annotated[int, NotNegative, "steps in which the rate rises to that"] = 0
    clip_norm: Annotated[
        float, NotNegative, "a longer gradient of the generator, over all weights, is shortened to it; 0 is no bound"
    ] = 0.0
    optimiser: Annotated[Optimiser, "muon takes the betas for what it leaves to Adam"] = "adam"
    weight_decay: Annotated[float, NotNegative, "of AdamW, as a share of the learning rate"] = 0.0
    betas: Annotated[tuple[float, float], "of Adam"] = (0.5, 0.999)
    average_decay: Annotated[
        float, Bounds(ge=0, lt=1), "of the moving average of the generator's weights, which is what is kept"
    ] = 0.0
    init_as_identity: Annotated[bool, "the untrained network gives back what it gets, or nearly"] = False
    dropout: Annotated[float, Share, "in the generator, where it has any; never while it restores"] = 0.5
    seed: Annotated[int, NotNegative, "of the first weights, crops and blurs"] = 0

    # the crops
    crop_px: Annotated[int, Side, "side of a crop, px"] = 256
    crop_growth: Annotated[
        tuple[tuple[float, int, int], ...], "later sizes: share of the steps, then crop_px and batch"
    ] = ()
    longest_px: Annotated[
        int, Bounds(ge=32), "longer side of a picture, px; larger ones are scaled down: GoPro's become 640x360"
    ] = 640
    blurs: Annotated[tuple[str, ...], "blur recipes, of which one is drawn for each crop of a sharp picture"] = (
        "trajectory:light=linear",
        "shake",
    )
    sharp_share: Annotated[float, Share, "share of those crops that is not blurred at all"] = 0.0
    varied_share: Annotated[
        float, Share, "share of the trajectories that are 5 to 60 px long and from nearly straight to jittery"
    ] = 0.0
    most_noise: Annotated[
        float,
        Bounds(ge=0, le=MOST_NOISE),
        "grey levels; above 0 it is drawn for each crop instead of being the blur's",
    ] = 0.0
    saturated_share: Annotated[float, Share, "share of the crops that are so bright that lights are cut off"] = 0.0
    augmented: Annotated[
        bool, "not only mirrored: turned, channels permuted, saturation and noise varied, as Nah et al."
    ] = False
    growth_start: Annotated[float, Bounds(gt=0, le=1), "length of the blurs in the beginning, as a share"] = 1.0
    growth_epochs: Annotated[int, NotNegative, "epochs until blurs have their full length"] = 0

    # watching it
    held_out_crops: Annotated[int, Positive, "crops that every epoch is measured on"] = 24
    held_out_px: Annotated[int, Side, "their side, px"] = 256
    held_out_pictures: Annotated[
        int, NotNegative, "whole pictures with boxes, for the detector's mAP; 0 leaves it out"
    ] = 24
    log_steps: Annotated[int, Positive, "steps from one line of the record to the next"] = 100

    def __post_init__(self) -> None:
        for name, setting in settings().items():
            value = getattr(self, name)
            _check(name, value, value is None or setting.allows(value), setting.range)
        content = (*PICTURE_WEIGHTS, *KERNEL_WEIGHTS)
        _check("vgg_weight", self.vgg_weight, any(getattr(self, name) for name in content), "above 0, or another one")
        _check("epochs", self.epochs, self.epochs + self.decay_epochs > 0, "above 0, or decay_epochs")
        is_decaying = self.optimiser == "adamw" or not self.weight_decay
        _check("weight_decay", self.weight_decay, is_decaying, "0 unless optimiser is adamw")
        self._check_crop_growth()
        self.crops(self.crop_px, Layout(1, 1))

    def _check_crop_growth(self) -> None:
        value, shares = self.crop_growth, [share for share, _, _ in self.crop_growth]
        is_rising = all(0 <= one < other <= 1 for one, other in pairwise([0.0, *shares, 1.0]))
        _check("crop_growth", value, is_rising, "of rising shares between 0 and 1, as [[0.35, 192, 6], [0.75, 256, 3]]")
        _check("crop_growth", value, all(_fits(px, Side) for _, px, _ in value), f"of crops with sides {_range(Side)}")
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
        blurs = tuple(map(_training_blur, self.blurs))
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


def _training_blur(text: str) -> TrajectoryRecipe | ShakeRecipe:
    blur = parse_picture_recipe(text)
    if not isinstance(blur, TrajectoryRecipe | ShakeRecipe):
        raise UsageError(
            f"blurs: a training blurs with trajectory or shake, without sensor=camera, not {text!r}. For others make "
            "pairs with `detbench blur` first, and train on them"
        )
    return blur


class Setting(NamedTuple):
    """What a setting of a recipe is, `choices` where it is one of several words, and its bounds."""

    what: str
    choices: tuple[str, ...]
    bounds: Bounds

    @property
    def range(self) -> str:
        """The values that it takes, in words; empty where its type alone says."""
        return f"one of {', '.join(self.choices)}" if self.choices else _range(self.bounds)

    def allows(self, value: Any) -> bool:
        """Whether a value, of the right type, is one of them."""
        return value in self.choices if self.choices else _fits(value, self.bounds)


@cache
def settings() -> dict[str, Setting]:
    """The settings of a recipe by name, as their annotations say."""
    found = {}
    for name, hint in get_type_hints(Recipe, include_extras=True).items():
        kind, *notes = get_args(hint)
        choices = get_args(kind) if get_origin(kind) is Literal else ()
        bounds = next((note for note in notes if isinstance(note, Bounds)), Bounds())
        found[name] = Setting(notes[-1], choices, bounds)
    return found


def recipe_rows(recipe: Recipe) -> Iterator[list[str]]:
    """Each setting as its name, the recipe's value as TOML writes it, its range, and what it is."""
    for name, setting in settings().items():
        value = getattr(recipe, name)
        yield [name, "–" if value is None else json.dumps(value), setting.range, setting.what]


def _fits(value: Any, bounds: Bounds) -> bool:
    return (
        (bounds.ge is None or value >= bounds.ge)
        and (bounds.gt is None or value > bounds.gt)
        and (bounds.le is None or value <= bounds.le)
        and (bounds.lt is None or value < bounds.lt)
        and (bounds.multiple_of is None or value % bounds.multiple_of == 0)
    )


def _range(bounds: Bounds) -> str:
    """Bounds in words, such as "0 or more" and "in 0..1"."""
    if bounds.multiple_of is not None:
        return f"a multiple of {bounds.multiple_of}, {bounds.ge} or more"
    if None not in (bounds.ge, bounds.le):
        return f"in {bounds.ge}..{bounds.le}"
    words = ((bounds.gt, "above {}"), (bounds.ge, "{} or more"), (bounds.lt, "below {}"), (bounds.le, "at most {}"))
    return " and ".join(text.format(bound) for bound, text in words if bound is not None)


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
            raise UsageError(
                f"{file}: no setting {name!r}.{did_you_mean(name, known)} `detbench train recipe-keys` lists them"
            )
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

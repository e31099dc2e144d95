"""Recipes: how to blur a dataset, each a frozen value and a text such as `trajectory:anxiety=0.005`.

A recipe gives a picture the same blur whatever other pictures there are: random numbers come from its seed and the
picture's key alone. So limiting, permuting or sharding a dataset changes no picture, and what `detbench run --blur`
does to a picture with a known id is what `detbench blur` writes for it. Two recipes that differ in one setting use
the same random numbers for the rest.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Protocol, get_args

import numpy as np

from detbench.blur.frames import average_frames, flow_severity_px
from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.noise import add_noise, to_image
from detbench.blur.shake import average_of_warps, homographies, random_motion, shake_severity_px
from detbench.blur.trajectory import leading_part, random_trajectory, severity_px
from detbench.errors import DataError, UsageError, did_you_mean
from detbench.types import Blur, Image, Light, Parameter

ANXIETY_RANGE = (0.003, 0.01)
EXPOSURES = (0.1, 0.5, 1.0)
"""What DeblurGAN's authors blurred their training pictures with (the range of their six anxieties, and their parts)."""

DEGREES_RANGE = (0.3, 3.0)
LONGEST_PATH_PX = 200
MOST_ANXIETY = 0.1
MOST_DEGREES = 5
MOST_NOISE = 255
WINDOWS = (7, 9, 11, 13)


class PictureRecipe(Protocol):
    """A recipe that blurs one sharp picture by itself; `kind` is its name."""

    kind: ClassVar[str]

    def apply(self, sharp: Image, picture_key: int | str) -> tuple[Image, Blur]:
        """Blur a picture to one of the same shape; returns with it what was drawn.

        `picture_key` is the picture's id where the dataset has ids, else its relative file name.
        """
        ...


@dataclass(frozen=True)
class TrajectoryRecipe:
    """Uniform blur along a random path of the camera, then noise. See `detbench.blur.trajectory`.

    The defaults are those of DeblurGAN's Synth pictures (Kupyn et al. 2018): paths of 60 px, jittery, averaged over the
    stored values. `light="linear"` averages the scene's light, as a camera does.

    Raises UsageError where a setting is out of range.
    """

    kind: ClassVar[str] = "trajectory"

    seed: int = 0
    length_px: float = 60.0  # of the whole path, above 0, at most 200
    anxiety: float | None = None  # 0 (straight) .. .1; None draws .003 .. .01 per picture, evenly
    exposure: float | None = None  # leading part of the path, above 0, at most 1; None draws 1/10, 1/2 or 1 per picture
    light: Light = "gamma"
    noise: float = 1.0  # standard deviation in grey levels, 0 .. 255

    def __post_init__(self) -> None:
        _check_common(self.kind, self.seed, self.light, self.noise)
        _check_above_zero(self.kind, "length_px", self.length_px, LONGEST_PATH_PX)
        _check_from_zero(self.kind, "anxiety", self.anxiety, MOST_ANXIETY)
        _check_above_zero(self.kind, "exposure", self.exposure, 1)

    def apply(self, sharp: Image, picture_key: int | str) -> tuple[Image, Blur]:
        """As `PictureRecipe.apply`; the Blur holds the kernel."""
        generator = _picture_generator(self.seed, picture_key)
        drawn_anxiety, drawn_exposure = generator.uniform(*ANXIETY_RANGE), float(generator.choice(EXPOSURES))
        anxiety = drawn_anxiety if self.anxiety is None else self.anxiety
        exposure = drawn_exposure if self.exposure is None else self.exposure
        path = leading_part(random_trajectory(self.length_px, anxiety, generator), exposure)
        kernel = kernel_from_path(path, self.light)
        blurred = add_noise(convolve(sharp, kernel), self.noise, generator)
        parameters = asdict(self) | {"anxiety": anxiety, "exposure": exposure}
        return blurred, Blur(self.kind, parameters, float(severity_px(path)), kernel)


@dataclass(frozen=True)
class ShakeRecipe:
    """Blur that differs over the picture, from small rotations and shifts of the camera, then noise.

    Raises UsageError where a setting is out of range.
    """

    kind: ClassVar[str] = "shake"

    seed: int = 0
    degrees: float | None = None  # spread of the rotation, above 0, at most 5; None draws .3 .. 3, log-uniformly
    light: Light = "linear"
    noise: float = 1.0  # standard deviation in grey levels, 0 .. 255

    def __post_init__(self) -> None:
        _check_common(self.kind, self.seed, self.light, self.noise)
        _check_above_zero(self.kind, "degrees", self.degrees, MOST_DEGREES)

    def apply(self, sharp: Image, picture_key: int | str) -> tuple[Image, Blur]:
        """As `PictureRecipe.apply`; there is no one kernel, and the Blur holds none."""
        generator = _picture_generator(self.seed, picture_key)
        drawn_degrees = log_uniform(DEGREES_RANGE, generator)
        degrees = drawn_degrees if self.degrees is None else self.degrees
        height, width = sharp.shape[:2]
        warps = homographies(random_motion(degrees, generator), height, width)
        blurred = add_noise(average_of_warps(sharp, warps, self.light), self.noise, generator)
        parameters = asdict(self) | {"degrees": degrees, "warps": len(warps)}
        return blurred, Blur(self.kind, parameters, shake_severity_px(warps, height, width))


@dataclass(frozen=True)
class AverageRecipe:
    """The mean of `window` consecutive frames of a fast camera; it needs a folder of frames, not one picture.

    Raises UsageError where a setting is out of range.
    """

    kind: ClassVar[str] = "average"

    window: int = 7
    light: Light = "linear"

    def __post_init__(self) -> None:
        if self.window not in WINDOWS:
            raise UsageError(f"average: window is {self.window}, but must be one of {WINDOWS}: a middle frame is sharp")
        _check_light(self.kind, self.light)

    def average(self, frames: Sequence[Image]) -> tuple[Image, Blur]:
        """Blur the middle one of `window` frames of one shape by the others; it is the sharp twin.

        Raises DataError where there are more or fewer frames.
        """
        if len(frames) != self.window:
            raise DataError(f"average: {len(frames)} frames for a window of {self.window}; give as many as the window")
        blurred = to_image(average_frames(frames, self.light))
        return blurred, Blur(self.kind, asdict(self), flow_severity_px(frames))


Recipe = TrajectoryRecipe | ShakeRecipe | AverageRecipe

RECIPES: Mapping[str, type[Recipe]] = {recipe.kind: recipe for recipe in get_args(Recipe)}


def parse_recipe(text: str) -> Recipe:
    """Read a recipe from its name and settings: `shake`, `trajectory:anxiety=0.005,light=gamma,seed=3`.

    Raises UsageError for an unknown recipe, setting or value, with the allowed ones.
    """
    kind, _, settings = text.partition(":")
    if kind not in RECIPES:
        raise UsageError(f"no recipe named {kind!r}.{did_you_mean(kind, RECIPES)} Recipes: {', '.join(RECIPES)}")
    recipe = RECIPES[kind]
    declared = {field.name: field.type for field in fields(recipe)}
    values: dict[str, Any] = {}
    for setting in filter(None, settings.split(",")):
        key, _, value = setting.partition("=")
        name = key.strip()
        if name not in declared:
            raise UsageError(
                f"{kind} has no setting {name!r}.{did_you_mean(name, declared)} Settings: {', '.join(declared)}"
            )
        if name in values:
            raise UsageError(f"{kind}: {name} is set twice in {text!r}; keep one")
        values[name] = _parse_value(f"{kind}: {name}", declared[name], value.strip())
    return recipe(**values)


def parse_picture_recipe(text: str) -> TrajectoryRecipe | ShakeRecipe:
    """As `parse_recipe`, for where single pictures are blurred: UsageError for a recipe that needs frames."""
    recipe = parse_recipe(text)
    if isinstance(recipe, AverageRecipe):
        raise UsageError(
            "the recipe average needs a folder of frames, not single pictures; "
            "make a dataset with `detbench blur FRAMES --recipe average` first, or use trajectory or shake"
        )
    return recipe


def recipe_spec(recipe: PictureRecipe | AverageRecipe) -> dict[str, Parameter]:
    """Describe a recipe as plain JSON: its `kind` and every setting, None where it is drawn per picture."""
    return {"kind": recipe.kind, **vars(recipe)}


def _picture_generator(seed: int, picture_key: int | str) -> np.random.Generator:
    """Random numbers of one picture, from nothing but the seed and its key; the digest is the same on every machine."""
    digest = hashlib.sha256(str(picture_key).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest[:8])]))


def log_uniform(bounds: tuple[float, float], generator: np.random.Generator) -> float:
    """A number between two bounds above 0, evenly in its logarithm."""
    return float(np.exp(generator.uniform(*np.log(bounds))))


def _parse_value(what: str, declared: Any, text: str) -> int | float | str:
    """One setting's text as its field's type; the recipe itself checks the range."""
    numbers: dict[Any, Callable[[str], int | float]] = {int: int, float: float, float | None: float}
    number = numbers.get(declared)
    if number is None:
        return text
    try:
        return number(text)
    except ValueError:
        wanted = "a whole number" if number is int else "a number"
        raise UsageError(f"{what} is {text!r}, but must be {wanted}") from None


def _check_common(kind: str, seed: int, light: str, noise: float) -> None:
    if seed < 0:
        raise UsageError(f"{kind}: seed is {seed}, but must be 0 or more")
    _check_light(kind, light)
    _check_from_zero(kind, "noise", noise, MOST_NOISE)


def _check_light(kind: str, light: str) -> None:
    allowed = get_args(Light)
    if light not in allowed:
        raise UsageError(
            f"{kind}: light is {light!r}, but must be one of {', '.join(allowed)}.{did_you_mean(light, allowed)}"
        )


def _check_above_zero(kind: str, name: str, value: float | None, most: float) -> None:
    if value is not None and not 0 < value <= most:
        raise UsageError(f"{kind}: {name} is {value}, but must be above 0 and at most {most}")


def _check_from_zero(kind: str, name: str, value: float | None, most: float) -> None:
    if value is not None and not 0 <= value <= most:
        raise UsageError(f"{kind}: {name} is {value}, but must lie in 0..{most}")

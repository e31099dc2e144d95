"""Recipes: how to blur a dataset, each a frozen value and a text such as `trajectory:anxiety=0.005`.

A recipe gives a picture the same blur whatever other pictures there are: random numbers come from its seed and the
picture's key alone. So limiting, permuting or sharding a dataset changes no picture, and what `detbench run --blur`
does to a picture with a known id is what `detbench blur` writes for it. Two recipes that differ in one setting use
the same random numbers for the rest.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from detbench.blur.frames import average_frames, flow_severity_px
from detbench.blur.kernel_files import KernelFiles, read_kernels
from detbench.blur.kernels import convolve_light, kernel_from_path, kernel_severity_px
from detbench.blur.light import to_levels, to_light
from detbench.blur.noise import add_noise, to_image
from detbench.blur.sensor import demosaic, jpeg_compressed, over_range_light, raw_mosaic
from detbench.blur.shake import average_light, homographies, random_motion, shake_severity_px
from detbench.blur.trajectory import leading_part, random_trajectory, severity_px
from detbench.errors import DataError, UsageError, did_you_mean
from detbench.types import Blur, Image, Kernel, Light, Parameter

ANXIETY_RANGE = (0.003, 0.01)
EXPOSURES = (0.1, 0.5, 1.0)
"""What DeblurGAN's authors blurred their training pictures with (the range of their six anxieties, and their parts)."""

DEGREES_RANGE = (0.3, 3.0)
LONGEST_PATH_PX = 200
MOST_ANXIETY = 0.1
MOST_DEGREES = 5
MOST_NOISE = 255
HIGHLIGHTS_RANGE = (0.25, 1.75)
"""What RSBlur's authors draw for the light above white (Rim et al. 2022)."""

MOST_HIGHLIGHTS = 1000
FEWEST_ELECTRONS, MOST_ELECTRONS = 10, 100_000
MOST_READ_NOISE = 100
SENSOR_STREAM = 1
"""Of random numbers: those of the sensor are not those of the blur, which stays the same with and without one."""

WINDOWS = (7, 9, 11, 13)


class PictureRecipe(Protocol):
    """A recipe that blurs one sharp picture by itself; `kind` is its name."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    def apply(self, sharp: Image, picture_key: int | str) -> tuple[Image, Blur]:
        """Blur a picture to one of the same shape; returns with it what was drawn.

        `picture_key` is the picture's id where the dataset has ids, else its relative file name.
        """
        ...


class ExposureRecipe(PictureRecipe, Protocol):
    """A recipe whose blur and noise can be parted, so that a camera's sensor can stand between them."""

    @property
    def seed(self) -> int:
        """Of its random numbers."""
        ...

    @property
    def light(self) -> Light:
        """Where its blur averages."""
        ...

    @property
    def noise(self) -> float:
        """Standard deviation in grey levels."""
        ...

    def expose(self, scene: NDArray[np.float64], generator: np.random.Generator) -> tuple[NDArray[np.float64], Blur]:
        """Blur light (H, W, 3), 0 and more, and nothing else; returns with it what was drawn."""
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
        return _blur_and_noise(self, sharp, picture_key)

    def expose(self, scene: NDArray[np.float64], generator: np.random.Generator) -> tuple[NDArray[np.float64], Blur]:
        """As `ExposureRecipe.expose`."""
        drawn_anxiety, drawn_exposure = generator.uniform(*ANXIETY_RANGE), float(generator.choice(EXPOSURES))
        anxiety = drawn_anxiety if self.anxiety is None else self.anxiety
        exposure = drawn_exposure if self.exposure is None else self.exposure
        path = leading_part(random_trajectory(self.length_px, anxiety, generator), exposure)
        kernel = kernel_from_path(path, self.light)
        parameters = asdict(self) | {"anxiety": anxiety, "exposure": exposure}
        return convolve_light(scene, kernel.weights), Blur(self.kind, parameters, float(severity_px(path)), kernel)


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
        return _blur_and_noise(self, sharp, picture_key)

    def expose(self, scene: NDArray[np.float64], generator: np.random.Generator) -> tuple[NDArray[np.float64], Blur]:
        """As `ExposureRecipe.expose`."""
        drawn_degrees = log_uniform(DEGREES_RANGE, generator)
        degrees = drawn_degrees if self.degrees is None else self.degrees
        height, width = scene.shape[:2]
        warps = homographies(random_motion(degrees, generator), height, width)
        parameters = asdict(self) | {"degrees": degrees, "warps": len(warps)}
        return average_light(scene, warps), Blur(self.kind, parameters, shake_severity_px(warps, height, width))


@dataclass(frozen=True)
class KernelsRecipe:
    """Uniform blur by a kernel from files, such as a measured camera shake, drawn per picture; then noise.

    `path` is a file or a folder, see `detbench.blur.kernel_files.read_kernels`. `sha256` is that of the files.

    Raises UsageError where a setting is out of range, DataError for files that hold no kernels.
    """

    kind: ClassVar[str] = "kernels"

    path: str
    seed: int = 0
    light: Light = "linear"
    noise: float = 1.0  # standard deviation in grey levels, 0 .. 255
    sha256: str = field(init=False)
    files: KernelFiles = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_common(self.kind, self.seed, self.light, self.noise)
        if not self.path:
            raise UsageError("kernels: name a file or folder with blur kernels, kernels:PATH")
        files = read_kernels(Path(self.path))
        object.__setattr__(self, "files", files)
        object.__setattr__(self, "sha256", files.sha256)

    def apply(self, sharp: Image, picture_key: int | str) -> tuple[Image, Blur]:
        """As `PictureRecipe.apply`; the Blur holds the kernel. Raises DataError where it outgrows the picture."""
        return _blur_and_noise(self, sharp, picture_key)

    def expose(self, scene: NDArray[np.float64], generator: np.random.Generator) -> tuple[NDArray[np.float64], Blur]:
        """As `ExposureRecipe.expose`; raises DataError as `apply` does."""
        name, weights = self.files.kernels[generator.integers(len(self.files.kernels))]
        side, (height, width) = len(weights), scene.shape[:2]
        if side > min(height, width):
            raise DataError(
                f"{self.path}: the kernel {name} has {side}x{side} pixels around its centroid, a picture has "
                f"{width}x{height}; scale the kernel down, or leave the picture out"
            )
        kernel = Kernel(weights, self.light)
        parameters = {**_settings(self), "kernel": name}
        return convolve_light(scene, weights), Blur(self.kind, parameters, kernel_severity_px(weights), kernel)


@dataclass(frozen=True)
class SensorRecipe:
    """Another recipe's blur as a camera's sensor sees it, `sensor=camera`; see `detbench.blur.sensor`.

    Clipped light shines on above white while the blur adds up, in linear light. Then come the noise of photons and of
    reading out, a Bayer mosaic, demosaicing, gamma, 8 bits and JPEG. The recipe's own noise is none. Equal settings
    give equal pixels with the same versions of NumPy, OpenCV and Pillow.

    Raises UsageError where a setting is out of range.
    """

    blur: ExposureRecipe
    highlights: float | None = (
        None  # light of clipped pixels above white, 0 .. 1000; None draws .25 .. 1.75 per picture
    )
    electrons: float = 1000.0  # in a pixel at white, 10 .. 100000: light L has the variance L / electrons
    read_noise: float = 1.0  # standard deviation in electrons, 0 .. 100
    jpeg: int = 90  # quality of the file, 1 .. 100

    def __post_init__(self) -> None:
        if self.blur.light != "linear":
            raise UsageError(f"{self.kind}: light is {self.blur.light!r}, but a sensor adds up light: leave light out")
        if self.blur.noise:
            raise UsageError(f"{self.kind}: noise is {self.blur.noise}, but sensor=camera has electrons and read_noise")
        _check_from_zero(self.kind, "highlights", self.highlights, MOST_HIGHLIGHTS)
        _check_from_zero(self.kind, "read_noise", self.read_noise, MOST_READ_NOISE)
        for name, least, most in (("electrons", FEWEST_ELECTRONS, MOST_ELECTRONS), ("jpeg", 1, 100)):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{self.kind}: {name} is {getattr(self, name)}, but must lie in {least}..{most}")

    @property
    def kind(self) -> str:
        """That of the recipe that blurs."""
        return self.blur.kind

    def apply(self, sharp: Image, picture_key: int | str) -> tuple[Image, Blur]:
        """As `PictureRecipe.apply`; the Blur holds the kernel, where there is one, and no word of what saturated."""
        generator = _picture_generator(self.blur.seed, picture_key, SENSOR_STREAM)
        drawn_highlights = generator.uniform(*HIGHLIGHTS_RANGE)
        highlights = drawn_highlights if self.highlights is None else self.highlights
        scene = over_range_light(sharp, highlights)
        exposed, blur = self.blur.expose(scene, _picture_generator(self.blur.seed, picture_key))
        light = demosaic(raw_mosaic(exposed, self.electrons, self.read_noise, generator))
        image = jpeg_compressed(to_image(to_levels(light, "linear")), self.jpeg)
        settings = {**blur.parameters, **_sensor_settings(self), "highlights": highlights}
        del settings["noise"]
        return image, Blur(blur.kind, settings, blur.severity_px, blur.kernel)


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


BlurRecipe = TrajectoryRecipe | ShakeRecipe | AverageRecipe | KernelsRecipe
Recipe = BlurRecipe | SensorRecipe

RECIPES: Mapping[str, type[BlurRecipe]] = {recipe.kind: recipe for recipe in get_args(BlurRecipe)}

SENSOR_SETTINGS: Mapping[str, Any] = {
    "sensor": str,
    **{each.name: each.type for each in fields(SensorRecipe) if each.name != "blur"},
}
"""What may stand after the settings of a recipe for single pictures, and its type."""


def parse_recipe(text: str) -> Recipe:
    """Read a recipe from its name and settings: `shake`, `trajectory:anxiety=0.005,light=gamma,seed=3`,
    `trajectory:sensor=camera,jpeg=70`, `kernels:PATH,seed=3`.

    Raises UsageError for an unknown recipe, setting or value, with the allowed ones, and DataError as `KernelsRecipe`
    does.
    """
    kind, _, settings = text.partition(":")
    if kind not in RECIPES:
        raise UsageError(f"no recipe named {kind!r}.{did_you_mean(kind, RECIPES)} Recipes: {', '.join(RECIPES)}")
    recipe = RECIPES[kind]
    declared = {each.name: each.type for each in fields(recipe) if each.init}
    if recipe is not AverageRecipe:
        declared |= SENSOR_SETTINGS
    path: dict[str, Any] = {}
    if recipe is KernelsRecipe and not settings.startswith("path="):
        path["path"], settings = _path_and_settings(settings, declared)
    values = path | _read_settings(kind, settings, declared)
    of_sensor = {name: values.pop(name) for name in SENSOR_SETTINGS if name in values}
    if not of_sensor:
        return recipe(**values)
    if of_sensor.pop("sensor", None) != "camera":
        raise UsageError(f"{kind}: {', '.join(SENSOR_SETTINGS)} are those of sensor=camera; add it, or leave them out")
    exposure: Any = recipe(**{"light": "linear", "noise": 0.0, **values})
    return SensorRecipe(exposure, **of_sensor)


def _path_and_settings(text: str, declared: Mapping[str, Any]) -> tuple[str, str]:
    """A path, which may have commas and equals signs in it, and the settings behind it."""
    head, comma, last = text.rpartition(",")
    if not comma or last.partition("=")[0].strip() not in declared:
        return text, ""
    path, settings = _path_and_settings(head, declared)
    return path, f"{settings},{last}"


def _read_settings(kind: str, text: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The values of settings such as `anxiety=0.005,light=gamma`, each of its declared type."""
    values: dict[str, Any] = {}
    for setting in filter(None, text.split(",")):
        key, _, value = setting.partition("=")
        name = key.strip()
        if name not in declared:
            raise UsageError(
                f"{kind} has no setting {name!r}.{did_you_mean(name, declared)} Settings: {', '.join(declared)}"
            )
        if name in values:
            raise UsageError(f"{kind}: {name} is set twice in {text!r}; keep one")
        values[name] = _parse_value(f"{kind}: {name}", declared[name], value.strip())
    return values


def parse_picture_recipe(text: str) -> TrajectoryRecipe | ShakeRecipe | KernelsRecipe | SensorRecipe:
    """As `parse_recipe`, for where single pictures are blurred: UsageError for a recipe that needs frames."""
    recipe = parse_recipe(text)
    if isinstance(recipe, AverageRecipe):
        raise UsageError(
            "the recipe average needs a folder of frames, not single pictures; "
            "make a dataset with `detbench blur FRAMES --recipe average` first, or use trajectory, shake or kernels"
        )
    return recipe


def recipe_spec(recipe: PictureRecipe | AverageRecipe) -> dict[str, Parameter]:
    """Describe a recipe as plain JSON: its `kind` and every setting, None where it is drawn per picture."""
    if isinstance(recipe, SensorRecipe):
        settings = {**recipe_spec(recipe.blur), **_sensor_settings(recipe)}
        del settings["noise"]
        return settings
    return {"kind": recipe.kind, **_settings(recipe)}


def _settings(recipe: Any) -> dict[str, Parameter]:
    return {each.name: getattr(recipe, each.name) for each in fields(recipe) if each.repr}


def _sensor_settings(recipe: SensorRecipe) -> dict[str, Parameter]:
    return {name: getattr(recipe, name, "camera") for name in SENSOR_SETTINGS}


def _blur_and_noise(recipe: ExposureRecipe, sharp: Image, picture_key: int | str) -> tuple[Image, Blur]:
    """`PictureRecipe.apply` without a sensor: the blur in the recipe's light, then its noise."""
    generator = _picture_generator(recipe.seed, picture_key)
    exposed, blur = recipe.expose(to_light(sharp, recipe.light), generator)
    return add_noise(to_levels(exposed, recipe.light), recipe.noise, generator), blur


def _picture_generator(seed: int, picture_key: int | str, *stream: int) -> np.random.Generator:
    """Random numbers of one picture, from nothing but the seed and its key; the digest is the same on every machine."""
    digest = hashlib.sha256(str(picture_key).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest[:8]), *stream]))


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

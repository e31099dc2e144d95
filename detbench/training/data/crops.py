"""Training crops: a sharp square, and what its blurred twin is exposed from.

A crop is a pure function of the seed and its index, so how far a training has come in its data is one number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.blur.kernels import kernel_from_path
from detbench.blur.light import DISPLAY_GAMMA
from detbench.blur.noise import add_noise
from detbench.blur.recipes import ANXIETY_RANGE, DEGREES_RANGE, EXPOSURES, ShakeRecipe, TrajectoryRecipe, log_uniform
from detbench.blur.shake import Homographies, average_of_warps, homographies, random_motion
from detbench.blur.trajectory import leading_part, random_trajectory
from detbench.core.images import read_image
from detbench.errors import DataError
from detbench.training.data.crop_sizes import CropSizes, CropStage
from detbench.training.data.sources import Source, TrainingPicture
from detbench.types import Image

SHAKE_MARGIN_PX = 32
"""What a crop takes of its surroundings to be shaken in; a stronger shake lets their reflection in."""

VARIED_LENGTHS_PX, VARIED_ANXIETIES = (5.0, 60.0), (3e-5, 0.01)
"""Between which a varied path's length and anxiety are drawn: from nearly straight to jittery."""

MOST_GAIN = 2.5
"""How much brighter a saturated scene is at most."""

KEPT_BYTES = 3 * 2**30
"""Decoded pictures that one loading process keeps, so that it decodes a picture once and not once a crop."""

BlurRecipe = TrajectoryRecipe | ShakeRecipe


class Crop(NamedTuple):
    """One crop of side S with a margin of M pixels.

    `blurred` = stored(kernel * (gain · stored⁻¹(scene))) + noise, where stored(light) = min(light, 1) ** (1 / gamma).
    Its target is stored(gain · stored⁻¹(sharp)).
    """

    scene: NDArray[np.uint8]  # (S + 2M, S + 2M, 3), what the kernel blurs: sharp, or blurred already
    sharp: NDArray[np.uint8]  # (S, S, 3)
    kernel: NDArray[np.float32]  # (2M + 1, 2M + 1), sums to 1, one point where the scene is blurred already
    gamma: np.float32
    noise: np.float32  # standard deviation in grey levels
    gain: np.float32 = np.float32(1)  # above 1, lights saturate: they are cut off after the blur


Vary = Callable[[Crop, np.random.Generator], Crop]
"""A crop and random numbers to a variant of it."""


@dataclass(frozen=True)
class CropRecipe:
    """How crops are cut and blurred.

    `longest_px` is the longer side of a picture, larger ones are scaled down; `blurs` are drawn evenly for each crop
    of a sharp picture; `sharp_share` of the crops is not blurred at all. Of those blurred along a trajectory,
    `varied_share` has paths of lengths and anxieties drawn over VARIED_LENGTHS_PX and VARIED_ANXIETIES, evenly in their
    logarithm and exposed as a whole, whatever their recipe says. Blurs grow from `growth_start` of their length to all
    of it over the first `growth_crops` crops.

    Where `most_noise` is above 0, each crop of a sharp picture has noise of up to so many grey levels in place of its
    blur's, half of them less than a quarter of it. `saturated_share` of them is up to MOST_GAIN times as bright.
    Crops that are shaken, and those of pairs, stay as they are.
    """

    crop_px: int
    longest_px: int
    blurs: tuple[BlurRecipe, ...]
    sharp_share: float = 0.0
    growth_start: float = 1.0
    growth_crops: int = 0
    varied_share: float = 0.0
    most_noise: float = 0.0
    saturated_share: float = 0.0

    @property
    def margin_px(self) -> int:
        """The farthest that any blur reaches: a path's middle is at most half its length away from all of it."""
        return max((_reach_px(blur) for blur in self.blurs), default=0)

    def growth(self, index: int) -> float:
        """Length of the blur of crop `index`, as a share of its recipe's."""
        if index >= self.growth_crops:
            return 1.0
        return self.growth_start + (1 - self.growth_start) * index / self.growth_crops


class PictureStore:
    """Decoded pictures, scaled down to `longest_px`; as many are kept as fit into KEPT_BYTES."""

    def __init__(self, longest_px: int) -> None:
        self._longest_px = longest_px
        self._kept: dict[Path, Image] = {}
        self._free_bytes = KEPT_BYTES

    def read(self, path: Path) -> Image:
        """Shape (H, W, 3), H and W at most `longest_px`."""
        if path in self._kept:
            return self._kept[path]
        image = _scaled_down(read_image(path), self._longest_px)
        # Draws are independent, so keeping the first ones is as good as keeping the latest.
        if image.nbytes <= self._free_bytes:
            self._kept[path] = image
            self._free_bytes -= image.nbytes
        return image


class TrainingCrops:
    """Endless crops of a mix of sources: `crops[index]` for any index from 0 on."""

    def __init__(
        self,
        sources: Sequence[Source],
        recipe: CropRecipe,
        seed: int,
        vary: Vary | None = None,
        sizes: CropSizes | None = None,
    ) -> None:
        """Each crop goes through `vary`, where there is one, such as `augment`.

        With `sizes` a crop's side is what they say, else the recipe's.
        """
        self.sizes = sizes or CropSizes((CropStage(0, recipe.crop_px, 1),))
        self._sources, self._recipe, self._seed, self._vary = sources, recipe, seed, vary
        weights = np.array([source.weight for source in sources])
        self._bounds = np.cumsum(weights / weights.sum())
        self._store = PictureStore(recipe.longest_px)

    def __getitem__(self, index: int) -> Crop:
        generator = np.random.default_rng((self._seed, 0, index))
        source = self._sources[min(int(np.searchsorted(self._bounds, generator.random())), len(self._sources) - 1)]
        picture = source.pictures[generator.integers(len(source.pictures))]
        recipe = replace(self._recipe, crop_px=self.sizes.crop_px(index))
        crop = cut(picture, self._store, recipe, recipe.growth(index), generator)
        return self._vary(crop, generator) if self._vary else crop


class HeldOutCrops:
    """`count` crops spread evenly over the held-out pictures, blurred at full length; always the same."""

    def __init__(self, sources: Sequence[Source], recipe: CropRecipe, seed: int, count: int) -> None:
        pictures = [picture for source in sources for picture in source.pictures]
        self._pictures = [pictures[place * len(pictures) // count] for place in range(count)]
        self._recipe, self._seed = recipe, seed
        self._store = PictureStore(recipe.longest_px)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Crop:
        generator = np.random.default_rng((self._seed, 1, index))
        return cut(self._pictures[index], self._store, self._recipe, 1.0, generator)


def cut(
    picture: TrainingPicture, store: PictureStore, recipe: CropRecipe, growth: float, generator: np.random.Generator
) -> Crop:
    """A random square of a picture, mirrored or not, with the blur that the generator draws."""
    sharp = store.read(picture.sharp)
    margin = recipe.margin_px
    top, left = (_first(side, recipe.crop_px, generator) - margin for side in sharp.shape[:2])
    mirrored = generator.random() < 0.5

    def taken(image: Image) -> Image:
        rows, columns = (
            _reflected(first, recipe.crop_px + 2 * margin, side)
            for first, side in zip((top, left), image.shape[:2], strict=True)
        )
        return image[rows[:, None], columns[::-1] if mirrored else columns]

    scene = taken(sharp)
    target = np.ascontiguousarray(scene[margin : margin + recipe.crop_px, margin : margin + recipe.crop_px])
    if picture.blurred is not None:
        return _as_stored(taken(_twin(picture, store, sharp)), target, margin)
    if generator.random() < recipe.sharp_share or not recipe.blurs:
        return _photographed(_as_stored(scene, target, margin), recipe, generator)
    blur = recipe.blurs[generator.integers(len(recipe.blurs))]
    if isinstance(blur, ShakeRecipe):
        warps = draw_warps(blur, growth, sharp.shape[:2], (top, left), generator)
        shaken = add_noise(average_of_warps(scene, warps, blur.light), blur.noise, generator)
        return _as_stored(shaken, target, margin)
    if recipe.varied_share and generator.random() < recipe.varied_share:
        blur = varied(blur, generator)
    kernel = _centred(draw_kernel(blur, growth, generator), margin)
    gamma = DISPLAY_GAMMA if blur.light == "linear" else 1.0
    crop = Crop(scene, target, kernel, np.float32(gamma), np.float32(blur.noise))
    return _photographed(crop, recipe, generator)


def varied(recipe: TrajectoryRecipe, generator: np.random.Generator) -> TrajectoryRecipe:
    """The recipe with another length, at most its own, and another anxiety; the whole path is exposed."""
    shortest, longest = VARIED_LENGTHS_PX
    length_px = log_uniform((min(shortest, recipe.length_px), min(longest, recipe.length_px)), generator)
    return replace(recipe, length_px=length_px, anxiety=log_uniform(VARIED_ANXIETIES, generator), exposure=1.0)


def draw_kernel(recipe: TrajectoryRecipe, growth: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Weights of one random kernel of the recipe, its path `growth` times as long."""
    anxiety = generator.uniform(*ANXIETY_RANGE) if recipe.anxiety is None else recipe.anxiety
    exposure = float(generator.choice(EXPOSURES)) if recipe.exposure is None else recipe.exposure
    path = random_trajectory(recipe.length_px * growth, anxiety, generator)
    return kernel_from_path(leading_part(path, exposure), recipe.light).weights


def draw_warps(
    recipe: ShakeRecipe, growth: float, shape: tuple[int, ...], corner: tuple[int, int], generator: np.random.Generator
) -> Homographies:
    """Warps of a shake of a whole picture of `shape`, `growth` times as strong, as seen from `corner` (row, column)."""
    drawn = log_uniform(DEGREES_RANGE, generator) if recipe.degrees is None else recipe.degrees
    warps = homographies(random_motion(drawn * growth, generator), *shape)
    to_picture = np.array([[1, 0, corner[1]], [0, 1, corner[0]], [0, 0, 1]], np.float64)
    return np.asarray(np.linalg.inv(to_picture) @ warps @ to_picture)


def _reach_px(blur: BlurRecipe) -> int:
    return SHAKE_MARGIN_PX if isinstance(blur, ShakeRecipe) else ceil(blur.length_px / 2) + 1


def _scaled_down(image: Image, longest_px: int) -> Image:
    height, width = image.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _first(side: int, crop_px: int, generator: np.random.Generator) -> int:
    """Where a random crop begins; one that is larger than the picture lies around its middle."""
    return int(generator.integers(side - crop_px + 1)) if side >= crop_px else (side - crop_px) // 2


def _reflected(first: int, count: int, side: int) -> NDArray[np.int64]:
    """`count` rows or columns from `first` on; beyond the picture they run back without repeating its edge."""
    period = max(1, 2 * (side - 1))
    places = np.arange(first, first + count) % period
    return np.minimum(places, period - places)


def _twin(picture: TrainingPicture, store: PictureStore, sharp: Image) -> Image:
    assert picture.blurred is not None
    twin = store.read(picture.blurred)
    if twin.shape != sharp.shape:
        raise DataError(f"{picture.blurred}: of another size than {picture.sharp}; make the pair again")
    return twin


def _centred(weights: NDArray[np.float64], margin: int) -> NDArray[np.float32]:
    """Weights in the middle of a (2 margin + 1) square."""
    kernel = np.zeros((2 * margin + 1, 2 * margin + 1), np.float32)
    first = margin - len(weights) // 2
    kernel[first : first + len(weights), first : first + len(weights)] = weights
    return kernel


def _photographed(crop: Crop, recipe: CropRecipe, generator: np.random.Generator) -> Crop:
    """With the noise and the brightness that the recipe has drawn for each crop."""
    if recipe.most_noise:
        crop = crop._replace(noise=np.float32(recipe.most_noise * generator.random() ** 2))
    if recipe.saturated_share and generator.random() < recipe.saturated_share:
        crop = crop._replace(gain=np.float32(generator.uniform(1, MOST_GAIN)))
    return crop


def _as_stored(scene: Image, sharp: Image, margin: int) -> Crop:
    """A crop whose scene needs no blur any more."""
    return Crop(np.ascontiguousarray(scene), sharp, _centred(np.ones((1, 1)), margin), np.float32(1), np.float32(0))

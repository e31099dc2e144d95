from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from detbench.blur.kernels import convolve
from detbench.blur.recipes import ShakeRecipe, TrajectoryRecipe
from detbench.core.images import read_image
from detbench.errors import DataError
from detbench.training.data.blur_batch import blur_batch, collate
from detbench.training.data.crops import Crop, CropRecipe, HeldOutCrops, PictureStore, TrainingCrops, varied
from detbench.training.data.sources import Source, TrainingPicture, find_sources
from detbench.types import Image, Kernel

PLAIN = CropRecipe(crop_px=32, longest_px=640, blurs=(TrajectoryRecipe(length_px=12, light="linear", noise=0),))


def sources_of(*folders: Path, mix: tuple[float, ...] | None = None) -> tuple[Source, ...]:
    """All pictures of folders."""
    return find_sources(folders, mix, Fraction(1))


def exposed(crop: Crop) -> tuple[Image, Image]:
    """A crop's blurred and sharp picture without noise, as stored, shape (S, S, 3)."""
    batch = collate([crop])
    noise = torch.zeros(1, 3, *crop.sharp.shape[:2])
    pictures = (((picture[0] + 1) * 127.5).round().byte() for picture in blur_batch(batch, noise))
    blurred, sharp = (picture.permute(1, 2, 0).numpy() for picture in pictures)
    return blurred, sharp


def equal(one: Crop, other: Crop) -> bool:
    """Whether two crops are the same to the last bit."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_crop_is_a_function_of_seed_and_index(photos: Path) -> None:
    """The same index gives the same crop, whatever was drawn before; another index or seed gives another."""
    recipe = replace(PLAIN, blurs=(*PLAIN.blurs, ShakeRecipe()))
    crops, again = (TrainingCrops(sources_of(photos), recipe, seed=1) for _ in range(2))
    drawn = [crops[index] for index in range(8)]
    assert all(equal(again[index], drawn[index]) for index in (5, 2, 7))
    assert not equal(drawn[0], drawn[1])
    assert not equal(TrainingCrops(sources_of(photos), recipe, seed=2)[0], drawn[0])


def test_a_crop_is_blurred_as_its_picture_is(tmp_path: Path) -> None:
    """A crop of a whole picture, blurred on the device, equals `convolve` of that picture to a level, borders too."""
    for number in range(2):
        level = np.random.default_rng(number).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        PillowImage.fromarray(level).save(tmp_path / f"{number}.png")
    for light in ("linear", "gamma"):
        recipe = replace(PLAIN, crop_px=48, blurs=(TrajectoryRecipe(length_px=24, light=light, noise=0),))
        crops = TrainingCrops(sources_of(tmp_path), recipe, seed=0)
        for crop in (crops[index] for index in range(4)):
            blurred, sharp = exposed(crop)
            weights = crop.kernel.astype(np.float64)
            expected = convolve(sharp, Kernel(weights / weights.sum(), light))
            assert np.abs(blurred - expected).max() <= 0.51
            np.testing.assert_array_equal(sharp, crop.sharp)


def test_borders_are_reflected(photos: Path) -> None:
    """A crop of a picture's whole side has a margin that runs back into the picture, without repeating its edge."""
    crop = TrainingCrops(sources_of(photos), replace(PLAIN, crop_px=48), seed=0)[0]
    assert crop.scene.shape == (62, 62, 3)
    np.testing.assert_array_equal(crop.scene[:7], crop.scene[14:7:-1])


def test_a_picture_smaller_than_the_crop_is_reflected_too(photos: Path) -> None:
    """Crops keep their size, however small the picture."""
    crop = TrainingCrops(sources_of(photos), replace(PLAIN, crop_px=96), seed=0)[0]
    assert crop.sharp.shape == (96, 96, 3)
    np.testing.assert_array_equal(crop.sharp[:24], crop.sharp[48:24:-1])


def test_kernels_have_their_middle_and_sum(photos: Path) -> None:
    """A kernel lies in the middle of its square: pictures are blurred where they are."""
    crops = TrainingCrops(sources_of(photos), PLAIN, seed=0)
    for kernel in (crops[index].kernel for index in range(5)):
        places = np.arange(len(kernel)) - len(kernel) // 2
        assert kernel.shape == (15, 15)
        assert kernel.sum() == pytest.approx(1, abs=1e-6)
        assert abs(kernel.sum(0) @ places) < 1e-4
        assert abs(kernel.sum(1) @ places) < 1e-4


@pytest.mark.parametrize("layout", ["coco", "blur_gamma"])
def test_pairs_stay_pairs(layout: str, make_pairs: Callable[..., Path]) -> None:
    """Both pictures of a pair are cut and mirrored alike, and the blurred one is not blurred again."""
    crops = TrainingCrops(sources_of(make_pairs(layout)), PLAIN, seed=0)
    for crop in (crops[index] for index in range(6)):
        blurred, sharp = exposed(crop)
        np.testing.assert_array_equal(blurred, 255 - sharp)


def test_half_of_the_crops_are_mirrored(photos: Path) -> None:
    """A crop is a piece of its picture, or of its mirror image, each about half the time."""
    crops = TrainingCrops(sources_of(photos), replace(PLAIN, crop_px=48), seed=0)
    pictures = [read_image(path) for path in sorted(photos.iterdir())]
    mirrored = sum(not any(_holds(picture, crops[index].sharp) for picture in pictures) for index in range(40))
    assert 10 <= mirrored <= 30


def _holds(picture: Image, crop: Image) -> bool:
    side = len(crop)
    return any(np.array_equal(picture[:, left : left + side], crop) for left in range(picture.shape[1] - side + 1))


def test_the_mix_is_kept(photos: Path, make_pairs: Callable[..., Path]) -> None:
    """With a mix of 3:1 a quarter of the crops comes from the second folder, however many pictures it has."""
    crops = TrainingCrops(sources_of(photos, make_pairs("coco"), mix=(3, 1)), PLAIN, seed=0)
    pairs = sum(np.array_equal(*(255 - exposed(crops[i])[0], crops[i].sharp)) for i in range(200))
    assert 35 <= pairs <= 65


def test_blurs_grow(photos: Path) -> None:
    """From a tenth of their length in the beginning, evenly, to all of it."""
    plain = replace(PLAIN, blurs=(TrajectoryRecipe(length_px=60, exposure=1),))
    recipe = replace(plain, growth_start=0.1, growth_crops=100)
    assert [recipe.growth(index) for index in (0, 50, 100, 10_000)] == pytest.approx([0.1, 0.55, 1, 1])
    grown, full = (TrainingCrops(sources_of(photos), each, seed=0) for each in (recipe, plain))
    assert np.count_nonzero(grown[0].kernel) < np.count_nonzero(full[0].kernel)
    assert equal(grown[100], full[100])


def test_some_crops_stay_sharp(photos: Path) -> None:
    """A share of 1 leaves all crops as they are, so that sharp pictures learn to stay so."""
    crop = TrainingCrops(sources_of(photos), replace(PLAIN, sharp_share=1.0), seed=0)[0]
    np.testing.assert_array_equal(*exposed(crop))


def test_shake_moves_no_further_than_the_recipe(photos: Path) -> None:
    """A shaken crop is blurred, of the same mean, and a weaker shake changes less."""
    changes = []
    for degrees in (0.3, 3.0):
        recipe = replace(PLAIN, blurs=(ShakeRecipe(degrees=degrees, noise=0),))
        pairs = [exposed(TrainingCrops(sources_of(photos), recipe, seed=0)[index]) for index in range(4)]
        changes.append(np.mean([np.abs(blurred.astype(int) - sharp).mean() for blurred, sharp in pairs]))
    assert 0 < changes[0] < changes[1]


def test_noise_is_the_recipes(photos: Path) -> None:
    """Standard normal numbers times the recipe's grey levels are added to the stored picture."""
    crop = TrainingCrops(sources_of(photos), replace(PLAIN, blurs=(replace(PLAIN.blurs[0], noise=3),)), seed=0)[0]
    still, _ = blur_batch(collate([crop]), torch.zeros(1, 3, 32, 32))
    noisy, _ = blur_batch(collate([crop]), torch.ones(1, 3, 32, 32))
    inside = still < 0.9
    torch.testing.assert_close((noisy - still)[inside] * 127.5, torch.full_like(still[inside], 3), atol=1e-3, rtol=0)


def test_noise_may_be_drawn(photos: Path) -> None:
    """Up to the recipe's grey levels, half of it below a quarter of them, in blurred crops and in sharp ones."""
    drawn = TrainingCrops(sources_of(photos), replace(PLAIN, most_noise=6, sharp_share=0.5), seed=0)
    levels = np.array([drawn[index].noise for index in range(200)])
    assert 0 <= levels.min() < 0.1
    assert 5 < levels.max() <= 6
    assert np.median(levels) == pytest.approx(1.5, abs=0.4)


def test_lights_may_saturate(photos: Path) -> None:
    """A share of the scenes is brighter in its light; what exceeds white is cut off after the blur, and in the target.

    So a blurred light is wider than cutting it off first would leave it.
    """
    recipe = replace(PLAIN, crop_px=48, saturated_share=0.5)
    crops = [TrainingCrops(sources_of(photos), recipe, seed=0)[index] for index in range(40)]
    gains = np.array([crop.gain for crop in crops])
    assert 10 <= (gains > 1).sum() <= 30
    assert gains.max() <= 2.5
    crop = crops[int(gains.argmax())]
    blurred, sharp = exposed(crop)
    expected = (crop.gain * (crop.sharp / 255) ** crop.gamma).clip(0, 1) ** (1 / crop.gamma) * 255
    assert np.abs(sharp - expected).max() <= 0.51
    assert (sharp == 255).mean() > (crop.sharp == 255).mean()
    margin = (len(crop.scene) - 48) // 2
    bright = (crop.gain ** (1 / crop.gamma) * crop.scene).clip(0, 255).round().astype(np.uint8)
    cut_first, _ = exposed(
        crop._replace(scene=bright, sharp=bright[margin:-margin, margin:-margin], gain=np.float32(1))
    )
    assert blurred.mean() > cut_first.mean() + 0.5


def test_some_paths_are_varied(photos: Path) -> None:
    """Beside jittery paths of 60 px there are shorter ones, down to 5 px, and straighter ones, which reach farther."""
    recipe = replace(PLAIN, blurs=(TrajectoryRecipe(length_px=60, exposure=1, anxiety=0.01),))
    plain, mixed = (
        TrainingCrops(sources_of(photos), replace(recipe, varied_share=share), seed=0) for share in (0, 0.5)
    )
    plain_spans, spans = ([_span(crops[index].kernel) for index in range(60)] for crops in (plain, mixed))
    assert min(spans) < min(plain_spans) < max(plain_spans) < max(spans)
    generator = np.random.default_rng(0)
    drawn = [varied(TrajectoryRecipe(), generator) for _ in range(1000)]
    lengths, anxieties = np.array([(blur.length_px, blur.anxiety) for blur in drawn]).T
    assert 5 <= lengths.min() < 6
    assert 55 < lengths.max() <= 60
    assert np.median(lengths) == pytest.approx(np.sqrt(5 * 60), rel=0.15)
    assert 3e-5 <= anxieties.min() < 5e-5
    assert 0.007 < anxieties.max() <= 0.01
    assert varied(TrajectoryRecipe(length_px=4), generator).length_px == pytest.approx(4)


def _span(kernel: np.ndarray) -> int:
    """Pixels from the first to the last row or column that a kernel fills, the longer of both."""
    return max(int(np.ptp(np.flatnonzero(kernel.any(axis)))) for axis in (0, 1))


def test_held_out_crops_never_change(photos: Path) -> None:
    """They are spread over all held-out pictures, and blurred at full length from the beginning."""
    recipe = replace(PLAIN, growth_start=0.1, growth_crops=100)
    one, other = (HeldOutCrops(sources_of(photos), each, seed=0, count=4) for each in (recipe, PLAIN))
    assert len(one) == 4
    assert all(equal(one[index], other[index]) for index in range(4))
    assert not np.array_equal(one[0].sharp, one[1].sharp)


def test_large_pictures_are_scaled_down(photos: Path) -> None:
    """The longer side becomes the recipe's, the ratio stays; a smaller picture is as it was."""
    assert PictureStore(32).read(photos / "00.png").shape == (24, 32, 3)
    np.testing.assert_array_equal(PictureStore(64).read(photos / "00.png"), read_image(photos / "00.png"))


def test_a_picture_is_decoded_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read stays, until the store is full."""
    store = PictureStore(640)
    first = store.read(photos / "00.png")
    monkeypatch.setattr("detbench.training.data.crops.read_image", lambda path: pytest.fail("decoded again"))
    assert store.read(photos / "00.png") is first


def test_a_pair_of_two_sizes_is_named(photos: Path, tmp_path: Path) -> None:
    """A blurred picture of another size than its sharp one is no twin."""
    other = tmp_path / "other.png"
    other.write_bytes((photos / "00.png").read_bytes())
    pair = TrainingPicture(photos / "00.png", other)
    PillowImage.fromarray(read_image(other)[:40]).save(other)
    with pytest.raises(DataError, match=r"other\.png: of another size"):
        TrainingCrops([Source("x", "pairs", (pair,), 1.0)], PLAIN, seed=0)[0]

import numpy as np
import pytest
import torch

from detbench.training.data.augment import augment, saturated
from detbench.training.data.blur_batch import blur_batch, collate
from detbench.training.data.crops import Crop


def crop_of(seed: int) -> Crop:
    """A crop of 16x16 with a margin of two, blurred by a slanted kernel, without noise."""
    generator = np.random.default_rng(seed)
    scene = generator.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    kernel = np.zeros((5, 5), np.float32)
    kernel[0, 1] = kernel[2, 2] = 0.5
    return Crop(scene, np.ascontiguousarray(scene[2:-2, 2:-2]), kernel, np.float32(1), np.float32(0))


def test_sharp_and_blurred_stay_in_step() -> None:
    """The middle of a varied scene is the varied sharp picture, however it is turned and coloured."""
    for seed in range(8):
        varied = augment(crop_of(seed), np.random.default_rng(seed))
        np.testing.assert_array_equal(varied.scene[2:-2, 2:-2], varied.sharp)


def test_a_turn_turns_the_kernel_too() -> None:
    """Blurring a turned scene by the turned kernel gives the blurred picture, turned: exposed, both are equal."""
    crop = crop_of(1)._replace(scene=np.repeat(crop_of(1).scene[..., :1], 3, axis=2))  # grey: colours change nothing
    noise = torch.zeros(1, 3, 16, 16)
    blurred = blur_batch(collate([crop]), noise)[0]
    turns = set()
    for seed in range(12):
        varied = augment(crop, np.random.default_rng(seed))
        exposed = blur_batch(collate([varied]), noise)[0]
        turns |= {turn for turn in range(4) if torch.allclose(exposed, torch.rot90(blurred, turn, (2, 3)), atol=0.01)}
    assert turns == {0, 1, 2, 3}


def test_channels_are_permuted_and_noise_is_drawn() -> None:
    """All six orders come up, and the noise level has the deviation of two grey levels."""
    red = crop_of(0)._replace(sharp=np.full((16, 16, 3), (250, 100, 0), np.uint8))
    varied = [augment(red, np.random.default_rng(seed)) for seed in range(200)]
    assert len({tuple(np.argsort(crop.sharp[0, 0])) for crop in varied}) == 6
    assert np.sqrt(np.mean([crop.noise**2 for crop in varied])) == pytest.approx(2, rel=0.2)


def test_saturation_moves_colours_towards_their_brightest_channel() -> None:
    """Factor 0 leaves grey of the brightest channel's value, 1 the picture, 2 twice the distance to it, clipped."""
    picture = np.array([[[200, 150, 50]]], np.uint8)
    for factor, expected in ((0, (200, 200, 200)), (1, (200, 150, 50)), (2, (200, 100, 0))):
        assert tuple(saturated(picture, factor)[0, 0]) == expected

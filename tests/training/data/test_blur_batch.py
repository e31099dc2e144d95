import numpy as np
import torch
from torch import Tensor

from detbench.training.data.blur_batch import blur_batch, collate
from detbench.training.data.crops import Crop
from detbench.types import Image

NONE = torch.zeros(1, 3, 8, 8)
MIDDLE, RIGHT, BOTH = ((0, 1, 0), (0, 0, 1), (0, 0.5, 0.5))
"""Middle rows of kernels: nothing moves, all moves right by a pixel, and the mean of both."""


def crop_of(scene: Image, row: tuple[float, ...] = MIDDLE, gamma: float = 1, noise: float = 0) -> Crop:
    """A scene of 10x10 with a margin of one pixel, blurred by a row."""
    kernel = np.zeros((3, 3), np.float32)
    kernel[1] = row
    return Crop(scene, scene[1:-1, 1:-1], kernel, np.float32(gamma), np.float32(noise))


def random_scene(seed: int) -> Image:
    """Pixels of any colour, shape (10, 10, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (10, 10, 3), dtype=np.uint8)


def levels(pictures: Tensor) -> Image:
    """(N, 3, S, S), -1..1, as stored, shape (N, S, S, 3); exact levels alone are let through."""
    exact = (pictures + 1) * 127.5
    torch.testing.assert_close(exact, exact.round(), atol=1e-3, rtol=0)
    stored: Image = exact.round().byte().permute(0, 2, 3, 1).numpy()
    return stored


def test_each_picture_has_its_own_kernel() -> None:
    """One stays, one moves right by a pixel: its margin comes in from the left, and nothing wraps around."""
    still, moved = random_scene(0), random_scene(1)
    blurred, sharp = blur_batch(collate([crop_of(still), crop_of(moved, RIGHT)]), NONE.expand(2, -1, -1, -1))
    np.testing.assert_array_equal(levels(blurred)[0], still[1:-1, 1:-1])
    np.testing.assert_array_equal(levels(blurred)[1], moved[1:-1, :-2])
    np.testing.assert_array_equal(levels(sharp)[1], moved[1:-1, 1:-1])


def test_light_is_averaged_not_values() -> None:
    """Half black and half white is 128 where values are light, and 186 at a gamma of 2.2: 255 * .5 ** (1 / 2.2)."""
    edge = np.zeros((10, 10, 3), np.uint8)
    edge[:, 5:] = 255
    blurred, _ = blur_batch(collate([crop_of(edge, BOTH, gamma) for gamma in (1, 2.2)]), NONE.expand(2, -1, -1, -1))
    for picture, middle in zip(levels(blurred), (128, 186), strict=True):
        np.testing.assert_array_equal(picture[0, :, 0], [0, 0, 0, 0, middle, 255, 255, 255])


def test_noise_ends_in_whole_levels() -> None:
    """Two levels times .3 is one level more, times .2 none; at white and black it is cut off."""
    for level, number, expected in ((100, 0.3, 101), (100, 0.2, 100), (254, 3, 255), (1, -3, 0)):
        scene = np.full((10, 10, 3), level, np.uint8)
        blurred, sharp = blur_batch(collate([crop_of(scene, noise=2)]), NONE + number)
        assert set(levels(blurred).ravel()) == {expected}
        assert set(levels(sharp).ravel()) == {level}


def test_pictures_lie_with_their_channels_last() -> None:
    """As the networks take them; black is -1 and white 1."""
    scene = random_scene(2)
    scene[1, 1], scene[1, 2] = 0, 255
    for pictures in blur_batch(collate([crop_of(scene), crop_of(scene)]), NONE.expand(2, -1, -1, -1)):
        assert pictures.is_contiguous(memory_format=torch.channels_last)
        assert pictures[0, :, 0, :2].tolist() == [[-1, 1]] * 3

import numpy as np
import pytest
import torch

from detbench.metrics.checkerboard import checkerboard_db
from detbench.nets.deblurgan import Generator, ResizeGenerator
from detbench.types import Image

GREY = np.full((192, 256, 3), 128, np.uint8)


def noisy(amplitude: float, period_px: int) -> Image:
    """Grey with noise of 4 levels, and a cosine of a period along the rows, shape (192, 256, 3)."""
    noise = np.random.default_rng(0).normal(0, 4, GREY.shape)
    grid = amplitude * np.cos(2 * np.pi * np.arange(256) / period_px)[None, :, None]
    return np.clip(np.rint(128 + noise + grid), 0, 255).astype(np.uint8)


def test_noise_is_no_grid() -> None:
    """The spectrum of white noise rises nowhere by more than its own spread."""
    assert checkerboard_db(noisy(0, 2), GREY) == pytest.approx(0, abs=2)


@pytest.mark.parametrize("period_px", [2, 4])
def test_a_grid_stands_out(period_px: int) -> None:
    """A grid of half the noise's amplitude, of 2 or 4 px, rises by more than 10 dB, along rows as along columns."""
    grid = noisy(2, period_px)
    assert checkerboard_db(grid, GREY) > 10
    turned = checkerboard_db(np.rot90(grid).copy(), np.rot90(GREY).copy())
    assert turned == pytest.approx(checkerboard_db(grid, GREY), abs=0.1)


def test_another_period_is_no_checkerboard() -> None:
    """A pattern of 5 px, which no stride of 2 makes, does not count."""
    assert checkerboard_db(noisy(4, 5), GREY) == pytest.approx(0, abs=2)


def test_what_is_in_both_pictures_does_not_count() -> None:
    """It is the error that is looked at: a grid that the reference has too is none."""
    reference = noisy(20, 4)
    image = np.clip(reference.astype(np.int32) + noisy(0, 2) - 128, 0, 255).astype(np.uint8)
    assert checkerboard_db(image, reference) == pytest.approx(0, abs=2)


def test_undefined_without_an_error_or_room() -> None:
    """Equal pictures and pictures below 64 px have no such number."""
    assert checkerboard_db(GREY, GREY) is None
    assert checkerboard_db(noisy(2, 2)[:63], GREY[:63]) is None


def test_transposed_convolutions_leave_a_grid() -> None:
    """Untrained, the paper's generator draws a grid of over 6 dB, the one with resize-convolutions less by 6."""
    picture = np.random.default_rng(1).integers(0, 256, (6, 6, 3), dtype=np.uint8).repeat(32, 0).repeat(32, 1)
    blurred = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    grids = []
    for kind in (Generator, ResizeGenerator):
        torch.manual_seed(0)
        with torch.inference_mode():
            change = kind().eval()(blurred * 0.5) - blurred * 0.5
        scaled = (change[0].permute(1, 2, 0) / change.std() * 20).numpy()
        grids.append(
            checkerboard_db(np.clip(np.rint(128 + scaled), 0, 255).astype(np.uint8), np.full_like(picture, 128))
        )
    assert grids[0] > 6
    assert grids[1] < grids[0] - 6

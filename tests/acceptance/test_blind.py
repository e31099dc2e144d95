"""Blind deconvolution of real photos and of real camera shakes; skipped where they are not at hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from detbench.blur.recipes import parse_picture_recipe
from detbench.core.images import picture_files, read_image
from detbench.deblurrers.blind import Blind
from detbench.metrics.quality import psnr_db
from detbench.metrics.shifted_quality import shifted_psnr_db
from detbench.types import Image


def gain_db(restored: Image, blurred: Image, sharp: Image) -> float:
    """PSNR gained over the blurred picture."""
    after, before = psnr_db(restored, sharp), psnr_db(blurred, sharp)
    assert after is not None
    assert before is not None
    return after - before


def test_photos_come_back(shared_file: Callable[[str], Path]) -> None:
    """Eight COCO photos blurred along random paths gain 4.5 dB or more on average, and none loses 1 dB."""
    photos = picture_files(shared_file("data/coco-val-128/annotations.json").parent.glob("images/*"))[::16]
    recipe, blind = parse_picture_recipe("trajectory"), Blind(device="cpu")
    gains = []
    for number, photo in enumerate(photos):
        sharp = read_image(photo)
        blurred, _ = recipe.apply(sharp, number)
        gains.append(gain_db(blind(blurred), blurred, sharp))
    assert np.mean(gains) >= 4.5
    assert min(gains) > -1


def test_camera_shakes_come_back(shared_file: Callable[[str], Path]) -> None:
    """Of Levin et al.'s real shakes the eight of one scene gain 7 dB or more on average, up to a shift."""
    folder = shared_file("data/levin32/gt/im1.png").parents[1]
    sharp, blind = read_image(folder / "gt/im1.png"), Blind(device="cpu")
    blurred = [read_image(folder / f"im1_kernel{kernel}_img.png") for kernel in range(1, 9)]
    gains = [shifted_psnr_db(blind(picture), sharp) - shifted_psnr_db(picture, sharp) for picture in blurred]
    assert np.mean(gains) >= 7

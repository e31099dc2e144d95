"""The shipped nets beside DeblurGAN restore streets."""

from itertools import islice

import pytest

from detbench.datasets.opening import open_dataset
from detbench.deblurrers.network import DeepGenerativeFilter, HalfResolutionNAFNet, Nah, NetworkDeblurrer, Pix2pix
from detbench.metrics.quality import psnr_db
from detbench.types import Image

EVERY, PART = 40, (slice(170, 298), slice(240, 368))
"""One street view in so many is looked at, in the middle; the whole split is the benchmark's matter."""


@pytest.mark.parametrize("network", [Nah, DeepGenerativeFilter, Pix2pix, HalfResolutionNAFNet])
def test_restored_streets_are_closer_to_the_sharp_ones(network: type[NetworkDeblurrer]) -> None:
    """In every picture PSNR rises above that of the blurred one, and a sharp one comes back within 30 dB of itself."""
    deblur = network(device="cpu")
    for sample in islice(open_dataset("streets"), 0, None, EVERY):
        assert sample.sharp is not None
        sharp, blurred = sample.sharp.load()[PART], sample.blurred.load()[PART]
        before, after = likeness(blurred, sharp), likeness(deblur(blurred), sharp)
        assert after > before
        assert likeness(deblur(sharp), sharp) > 30


def likeness(image: Image, sharp: Image) -> float:
    """PSNR in dB of pictures that are not equal."""
    value = psnr_db(image, sharp)
    assert value is not None
    return value

"""The shipped DeblurGAN restores streets and leaves sharp ones alone."""

import tomllib
from itertools import islice

import numpy as np
import pytest

from detbench.core.paths import shipped
from detbench.datasets.opening import open_dataset
from detbench.deblurrers.network import DeblurGAN
from detbench.metrics.quality import psnr_db
from detbench.types import Sample

EVERY = 20
"""One street view in so many is looked at; the whole split is the benchmark's matter."""


@pytest.fixture(scope="module")
def deblur() -> DeblurGAN:
    """With the weights that ship."""
    return DeblurGAN(device="cpu")


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Some pairs of the test streets, from mild to strong blur."""
    return list(islice(open_dataset("streets"), 0, None, EVERY))


def test_restored_streets_are_closer_to_the_sharp_ones(deblur: DeblurGAN, samples: list[Sample]) -> None:
    """On average over the pictures, PSNR rises above that of the blurred ones."""
    gains = []
    for sample in samples:
        assert sample.sharp is not None
        sharp, blurred = sample.sharp.load(), sample.blurred.load()
        before, after = psnr_db(blurred, sharp), psnr_db(deblur(blurred), sharp)
        assert before is not None
        assert after is not None
        gains.append(after - before)
    assert np.mean(gains) > 0


def test_sharp_streets_stay_sharp(deblur: DeblurGAN, samples: list[Sample]) -> None:
    """A sharp picture comes back within 30 dB of itself."""
    for sample in samples[:2]:
        assert sample.sharp is not None
        sharp = sample.sharp.load()
        kept = psnr_db(deblur(sharp), sharp)
        assert kept is None or kept > 30


def test_the_weights_have_their_card() -> None:
    """Architecture, data, steps, the paper's result and what was measured on the test streets stand beside them."""
    card = tomllib.loads((shipped("models") / "deblurgan" / "card.toml").read_text())
    assert card["architecture"] == "deblurgan"
    assert {source["kind"] for source in card["training"]["data"]} == {"sharp", "pairs"}
    for source in card["held_out"].values():
        assert source["restored"]["psnr_db"] > source["blurred"]["psnr_db"]
    assert {"streets", "coco-val-128"} <= card["measured"].keys()

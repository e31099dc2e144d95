"""What every registered deblurrer keeps to, built-in or from another package."""

import importlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from detbench.nets.deblurgan import Generator
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.guided_nafnet import GuidedNAFNet
from detbench.nets.nafnet import NAFNet
from detbench.nets.nah import MultiScaleNet
from detbench.nets.pix2pix import UNet
from detbench.nets.weights import save_weights
from detbench.plugins.builtin import DEBLURRERS
from detbench.plugins.registry import Entry
from detbench.types import Image, Kernel, KernelEstimator

NETS = {
    "deblurgan": Generator,
    "nah": MultiScaleNet,
    "deep_generative_filter": DenseGenerator,
    "pix2pix": UNet,
    "nafnet": NAFNet,
    "guided": GuidedNAFNet,
}
SIZES = [(1, 1), (2, 3), (1, 40), (37, 26), (33, 64)]

Restore = Callable[[Image], Image]


@pytest.fixture(scope="module", params=DEBLURRERS.entries(), ids=lambda entry: entry.name)
def restore(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Restore:
    """Build an entry; networks get random weights, non-blind deblurrers a kernel of three pixels in a row."""
    entry: Entry = request.param
    network = (entry.weights or "").partition("-")[0]  # a variant is the same network
    if network in NETS:
        weights = tmp_path_factory.mktemp("models") / entry.name / "weights.safetensors"
        save_weights(NETS[network](), weights)
        entry = replace(entry, options={"weights": weights, "device": "cpu"})
    deblur = entry.load()
    if not getattr(deblur, "needs_kernel", False):
        return deblur  # type: ignore[no-any-return]
    row = np.zeros((3, 3))
    row[1] = 1 / 3
    return lambda blurred: deblur(blurred, Kernel(row, "linear"))


def picture(height: int, width: int) -> Image:
    """Noise, uint8, shape (H, W, 3), which nobody may write to."""
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image.setflags(write=False)
    return image


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_deblurrer_returns_a_picture_of_the_same_size(restore: Restore, height: int, width: int) -> None:
    """Any size, tiny or odd, comes back as it was, as uint8 RGB."""
    restored = restore(picture(height, width))
    assert restored.shape == (height, width, 3)
    assert restored.dtype == np.uint8


def test_a_deblurrer_leaves_its_argument_alone(restore: Restore) -> None:
    """The blurred picture is the same after as before."""
    blurred = picture(37, 26).copy()
    before = blurred.copy()
    restore(blurred)
    np.testing.assert_array_equal(blurred, before)


def test_a_deblurrer_is_deterministic(restore: Restore) -> None:
    """The same picture gives the same pixels, however it lies in memory."""
    blurred = picture(37, 26)
    first = restore(blurred).copy()
    np.testing.assert_array_equal(restore(blurred), first)
    np.testing.assert_array_equal(restore(np.asfortranarray(blurred)), first)
    np.testing.assert_array_equal(restore(blurred[::-1].copy()[::-1]), first)


@pytest.mark.parametrize("entry", DEBLURRERS.built_in, ids=lambda entry: entry.name)
def test_an_entry_says_whether_it_estimates_kernels(entry: Entry) -> None:
    """`detbench deblur --kernels` names those that do without importing any."""
    module, _, attribute = entry.target.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    assert entry.estimates_kernels == (isinstance(target, type) and issubclass(target, KernelEstimator))

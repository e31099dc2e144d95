import numpy as np
import pytest
import torch

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.light import DISPLAY_GAMMA
from detbench.blur.noise import add_noise
from detbench.core.images import read_image
from detbench.core.paths import shipped
from detbench.deblurrers.light_tensors import in_light
from detbench.deconvolution.light_choice import averaged_light
from detbench.deconvolution.spectra import grey
from detbench.types import Light

STREETS = shipped("datasets") / "streets" / "images"


@pytest.mark.parametrize("light", ["gamma", "linear"])
@pytest.mark.parametrize("name", ["test-000-1.jpg", "test-000-3.jpg", "test-016-0.jpg"])
def test_the_light_of_a_blur_is_told_by_what_rings(name: str, light: Light) -> None:
    """With the true kernel, streets blurred as stored values and as light are told apart."""
    kernel = kernel_from_path(np.linspace(0, 12 + 5j, 2000), light)
    sharp = read_image(STREETS / name)[60:380, 100:500]
    blurred = add_noise(convolve(sharp, kernel), 1.0, np.random.default_rng(0))
    stored = grey(in_light(blurred, "gamma"))
    weights = torch.from_numpy(kernel.weights.astype(np.float32))[None]
    assert averaged_light(stored, weights, DISPLAY_GAMMA, noise=1.0) is (light == "linear")


def test_noisy_pictures_count_as_stored() -> None:
    """Noise overshoots in either light, so above 1.5 grey levels nothing is told from it."""
    stored = torch.rand(1, 1, 100, 120, generator=torch.Generator().manual_seed(0))
    assert not averaged_light(stored, torch.ones(1, 3, 3) / 9, DISPLAY_GAMMA, noise=2.0)

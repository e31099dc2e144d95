import numpy as np
import pytest

from detbench.deblurrers.light_tensors import from_light, in_light
from detbench.types import Light


@pytest.mark.parametrize("light", ["gamma", "linear"])
def test_every_level_comes_back(light: Light) -> None:
    """All 256 levels of a picture that is not square survive both ways; rows, columns and colours keep their places."""
    image = np.arange(256 * 3, dtype=np.uint16).reshape(32, 8, 3).astype(np.uint8)
    tensor = in_light(image, light)
    assert tensor.shape == (1, 3, 32, 8)
    np.testing.assert_array_equal(from_light(tensor, light), image)


def test_linear_light_is_the_power_2_2() -> None:
    """Stored 128 is .502 as it is and .22 as light."""
    grey = np.full((1, 1, 3), 128, np.uint8)
    assert float(in_light(grey, "gamma")[0, 0, 0, 0]) == pytest.approx(128 / 255)
    assert float(in_light(grey, "linear")[0, 0, 0, 0]) == pytest.approx((128 / 255) ** 2.2)


def test_light_beyond_black_and_white_is_clipped() -> None:
    """What a filter overshoots is black or white, and never wraps around."""
    light = in_light(np.zeros((1, 2, 3), np.uint8), "gamma")
    light[..., 0], light[..., 1] = -0.5, 1.5
    assert from_light(light, "gamma")[0, :, 0].tolist() == [0, 255]
